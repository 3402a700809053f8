//! One blob on the way down.
//!
//! The first range tells size, ETag and metadata, so no request is spent on asking. Further ranges carry
//! If-Match, and each answer must name the version of the first: a blob that changes meanwhile is read
//! anew, once, and never mixed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{
    file::PartialFile,
    item::Item,
    job::{Output, Target},
    memory::MemoryRegion,
    part_tracker::{Part, PartTracker},
    plan::Parts,
    range::{Destination, RangeDownload, Version},
    range_parts::{RangeParts, WholeDigest},
    scheduler::{Task, Worker},
    vouching::{longest, vouching},
};
use crate::{
    azure::{
        Attempts, Conditions, Downloaded, ReceivedRange, Session, get_properties,
        require_no_directory, shown_path,
    },
    checksum::Checksum,
    error::{Error, ErrorKind, Result},
    http::ResponseHead,
    limits::{MAX_UNASKED_MD5, PART_SIZE},
    sync::Mutex,
};

#[derive(Debug)]
pub(super) struct Download {
    /// Let go of before the end is reported: the caller's memory is the caller's again then.
    target: Mutex<Option<Target>>,
    pub(super) item: Item,
    pub(super) offset: u64,
    /// Bytes wanted; None for all.
    length: Option<u64>,
    pub(super) conditions: Arc<Conditions>,
    /// The blob changed once already.
    restarted: AtomicBool,
    /// Bytes that count as moved, and are lost where it is read anew.
    pub(super) counted: AtomicU64,
}

/// The task of downloading a blob.
pub(super) fn task(
    item: Item,
    target: Target,
    offset: u64,
    length: Option<u64>,
    conditions: Arc<Conditions>,
) -> Box<dyn Task> {
    FirstRange::boxed(Arc::new(Download {
        item,
        target: Mutex::new(Some(target)),
        offset,
        length,
        conditions,
        restarted: AtomicBool::new(false),
        counted: AtomicU64::new(0),
    }))
}

/// The first range, which may be all of it.
struct FirstRange {
    range: RangeDownload,
    begun: Option<Begun>,
    head: Option<ResponseHead>,
    attempts: Attempts,
    download: Arc<Download>,
}

/// Where the first range goes: the whole blob, or the first of several parts.
enum Begun {
    Whole(Option<Arc<PartialFile>>),
    Parts(Arc<RangeParts>),
}

impl FirstRange {
    fn boxed(download: Arc<Download>) -> Box<dyn Task> {
        let vouching = vouching(&download.item.call.account);
        let most = longest(vouching).min(PART_SIZE);
        let asked = download.length.map_or(most, |length| length.min(most));
        let to_file = matches!(&*download.target.lock(), Some(Target::File(_)));
        Box::new(Self {
            range: RangeDownload::new(download.offset, asked, vouching, to_file),
            begun: None,
            head: None,
            attempts: Attempts::default(),
            download,
        })
    }

    fn get(&mut self, worker: &mut Worker<'_>) -> Result<()> {
        let download = Arc::clone(&self.download);
        if download.length == Some(0) {
            return self.get_nothing(&mut download.item.session(worker), false);
        }
        loop {
            let mut session = download.item.session(worker);
            let opened = self.range.open(
                &mut session,
                &mut self.attempts,
                &download,
                self.begun.is_none(),
            );
            let (mut opened, received) = match opened {
                Err(error) if error.status() == Some(416) && self.begun.is_none() => {
                    return self.get_nothing(&mut session, true);
                }
                Err(error) if error.status() == Some(416) => return Err(changed()),
                opened => opened?,
            };
            if self.begun.is_none() {
                match self.begin(&received, &opened.head) {
                    // Another one may need this connection's descriptor to come to its end.
                    Err(error) if error.is_descriptor_shortage() => {
                        drop(opened);
                        session.wait_for_room(&mut self.attempts, error)?;
                        continue;
                    }
                    begun => begun?,
                }
            }
            let copied = self
                .range
                .copy_body(&mut opened, &received, &session, &download);
            let head = opened.close(self.range.body_is_finished());
            match copied {
                Ok(()) => {
                    self.head.get_or_insert(head);
                    if self.range.is_complete() {
                        return Ok(());
                    }
                }
                Err(failure) => {
                    self.range
                        .retry(failure, &session, &mut self.attempts, &download)?;
                }
            }
        }
    }

    /// Makes room for the blob, of whose version this is the first answer.
    fn begin(&mut self, received: &ReceivedRange, head: &ResponseHead) -> Result<()> {
        let download = &self.download;
        let first = received.bytes.end - received.bytes.start;
        let rest = received.total - download.offset;
        let wanted = download.length.map_or(rest, |length| length.min(rest));
        let whole = download.offset == 0 && wanted == received.total;
        let verify = whole
            && match download.item.call.account.checksum {
                Some(Checksum::Md5) => true,
                Some(Checksum::Auto) => !received.is_message && wanted <= MAX_UNASKED_MD5,
                Some(Checksum::Crc64) | None => false,
            };
        let md5 = received.md5.clone().filter(|_| verify);
        let version = Version::read(head, received.total);
        let (here, later, file) = download.make_room(first, wanted)?;
        if wanted == first {
            self.range.begin(here, first, md5, version);
            self.begun = Some(Begun::Whole(file));
            self.head = Some(head.clone());
            return Ok(());
        }
        if version.etag.is_none() {
            return Err(Error::new(
                ErrorKind::Integrity,
                "the service gives no ETag, without which the parts of a large blob cannot be told to be of \
                 one version; something between here and the service removes it",
            ));
        }
        self.range.begin(here, first, None, version.clone());
        let parts = Parts::new(wanted - first).ok_or_else(|| {
            Error::new(ErrorKind::Service, "the blob is larger than a blob can be")
        })?;
        let parts = parts.no_larger_than(longest(self.range.vouching()));
        let parts = Arc::new(RangeParts {
            download: Arc::clone(download),
            tracker: PartTracker::new(Some(1 + parts.count()), 1),
            parts,
            first,
            version,
            head: head.clone(),
            digest: md5.map(WholeDigest::new),
            file,
            memory: Mutex::new(later),
        });
        let call = &download.item.call;
        let source: Arc<RangeParts> = Arc::clone(&parts);
        call.account.scheduler.push_parts(call.queue, source);
        self.begun = Some(Begun::Parts(parts));
        Ok(())
    }

    /// An empty result: of an empty blob, of which no range can be had, or of a range that begins at the
    /// blob's end or beyond. `is_refused`: that is what the service said
    /// to the range.
    fn get_nothing(&mut self, session: &mut Session, is_refused: bool) -> Result<()> {
        let download = Arc::clone(&self.download);
        self.attempts.in_another_form();
        let (found, head) = get_properties(
            session,
            &mut self.attempts,
            &download.item.blob,
            &download.conditions,
        )?;
        require_no_directory(&found, &head, session)?;
        if is_refused && download.offset < found.size {
            return Err(changed());
        }
        let (_, _, file) = loop {
            match download.make_room(0, 0) {
                Err(error) if error.is_descriptor_shortage() => {
                    session.wait_for_room(&mut self.attempts, error)?;
                }
                room => break room?,
            }
        };
        self.begun = Some(Begun::Whole(file));
        self.head = Some(head);
        Ok(())
    }
}

impl Task for FirstRange {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let result = self.get(worker);
        if matches!(&result, Err(error) if error.is_token_needed()) {
            return Some(self);
        }
        let Self {
            range,
            begun,
            head,
            download,
            ..
        } = *self;
        let (crc64, size) = range.moved();
        let memory = range.into_memory();
        match (begun, result) {
            (Some(Begun::Parts(parts)), result) => {
                let part = result.map(|()| Part {
                    index: 0,
                    crc64,
                    length: size,
                });
                parts.done(part, 0, memory, worker);
            }
            (Some(Begun::Whole(file)), Ok(())) => {
                drop(memory);
                let committed = file.map_or(Ok(()), |file| file.commit());
                download.finish(committed.and_then(|()| {
                    Ok(Downloaded {
                        size,
                        crc64,
                        head: head.ok_or_else(Error::internal)?,
                    })
                }));
            }
            (begun, result) => {
                drop((begun, memory));
                download.finish(result.and_then(|()| Err(Error::internal())));
            }
        }
        None
    }
}

/// Room for the first answer, for what comes after it, and the file.
type Room = (Destination, Option<MemoryRegion>, Option<Arc<PartialFile>>);

impl Download {
    /// Makes room for `wanted` bytes, of which the first answer brings `first`.
    fn make_room(&self, first: u64, wanted: u64) -> Result<Room> {
        let mut target = self.target.lock();
        match target.as_mut().ok_or_else(Error::cancelled)? {
            Target::File(path) => {
                let left_overs = &self.item.call.account.left_overs;
                let file = Arc::new(PartialFile::create(path, left_overs)?);
                if wanted > first {
                    file.reserve(wanted)?;
                }
                let here = Destination::File {
                    file: Arc::clone(&file),
                    offset: 0,
                };
                Ok((here, None, Some(file)))
            }
            Target::Memory(target) => {
                let memory = target.allocate(wanted).map_err(|error| {
                    Error::new(
                        ErrorKind::Local,
                        format!("no memory for {wanted} bytes: {error}"),
                    )
                    .with_source(Arc::new(error))
                })?;
                if wanted == first {
                    return Ok((Destination::Memory(memory), None, None));
                }
                let (here, later) = memory.split_at(first as usize);
                Ok((Destination::Memory(here), Some(later), None))
            }
        }
    }

    /// Reports the end; or starts over, once, where the blob changed meanwhile.
    pub(super) fn finish(self: &Arc<Self>, result: Result<Downloaded>) {
        let asked = self.conditions.concern_the_version();
        let changed = |error: &Error| error.kind() == ErrorKind::Modified && !asked;
        if result.as_ref().is_err_and(changed) && !self.restarted.swap(true, Ordering::Relaxed) {
            log::debug!(
                "{}: changed while it was read, and is read anew",
                shown_path(&self.item.blob.to_string())
            );
            let call = &self.item.call;
            call.progress.lost(self.counted.swap(0, Ordering::Relaxed));
            let again = FirstRange::boxed(Arc::clone(self));
            call.account.scheduler.push(call.queue, vec![again]);
            return;
        }
        drop(self.target.lock().take());
        self.item.finish(result.map(Output::Downloaded));
    }
}

pub(super) fn changed() -> Error {
    Error::new(
        ErrorKind::Modified,
        "the blob was changed while it was read",
    )
}
