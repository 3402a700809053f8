//! One blob on the way down.
//!
//! The first range tells size, ETag and metadata, so no request is spent on asking. Further ranges carry
//! If-Match: a blob that changes meanwhile is read anew, once, and never mixed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use super::{
    file::PartialFile,
    item::{Item, Moved},
    job::Target,
    parts::{Part, Tally, Total},
    range::{Destination, Discovered, RangeGet, damaged},
};
use crate::{
    checksum::Checksum,
    error::{Error, ErrorKind, Result},
    http::Request,
    limits::{BUFFER_SIZE, MAX_CHECKSUM_RANGE, PART_SIZE, WORK_MEMORY},
    memory::MemoryRegion,
    parts::Parts,
    scheduler::{PartSource, Work, Worker},
    session::Session,
    sync::lock,
};

/// What a range after the first has in place of a discovery.
type NoDiscovery = fn(&Discovered, u64) -> Result<(Destination, bool)>;

#[derive(Debug)]
struct Download {
    /// Let go of before the end is reported: the caller's memory is the caller's again then.
    target: Mutex<Option<Target>>,
    item: Item,
    offset: u64,
    /// Bytes wanted; None for all.
    length: Option<u64>,
    /// The blob changed once already.
    restarted: AtomicBool,
}

/// The work of downloading a blob.
pub(crate) fn work(item: Item, target: Target, offset: u64, length: Option<u64>) -> Box<dyn Work> {
    Box::new(FirstRange(Arc::new(Download {
        item,
        target: Mutex::new(Some(target)),
        offset,
        length,
        restarted: AtomicBool::new(false),
    })))
}

struct FirstRange(Arc<Download>);

/// Where the first range goes: the whole blob, or the first of several parts.
enum Begun {
    Whole(Option<Arc<PartialFile>>),
    Parts(Arc<RangeParts>),
}

impl Work for FirstRange {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let download = self.0;
        let (mut session, _) = download.item.session(worker);
        let mut begun = None;
        let (result, moved, memory) = download.get_first(&mut session, &mut begun);
        match (begun, result) {
            (Some(Begun::Parts(parts)), result) => parts.done(0, result.map(|_| moved), memory),
            (Some(Begun::Whole(file)), Ok(found)) => {
                drop(memory);
                let committed = file.map_or(Ok(()), |file| file.commit());
                download.finish(committed.map(|()| found));
            }
            (begun, result) => {
                drop((begun, memory));
                download.finish(result);
            }
        }
        moved.1
    }
}

impl Download {
    /// Gets the first range: what it tells about the blob, CRC64 and length of what arrived, and the
    /// memory that it filled.
    fn get_first(
        self: &Arc<Self>,
        session: &mut Session,
        begun: &mut Option<Begun>,
    ) -> (Result<Moved>, (u64, u64), Option<MemoryRegion>) {
        if self.length == Some(0) {
            return (self.get_nothing(session, None), (0, 0), None);
        }
        let account = session.account;
        let checked = account.checksum == Some(Checksum::Crc64)
            && !account.no_checked_ranges.load(Ordering::Relaxed);
        let most = if checked {
            MAX_CHECKSUM_RANGE
        } else {
            PART_SIZE
        };
        let asked = self.length.map_or(most, |length| length.min(most));
        let mut get = RangeGet::new(&self.item, self.offset, asked, checked);
        let mut found = Moved::default();
        get.discover = Some(|discovered: &Discovered, first: u64| {
            found.etag.clone_from(&discovered.etag);
            found.metadata.clone_from(&discovered.metadata);
            let rest = discovered.total - self.offset;
            let wanted = self.length.map_or(rest, |length| length.min(rest));
            let (destination, what) = self.prepare(discovered, first, wanted, checked)?;
            if let Begun::Parts(parts) = &what {
                let parts: Arc<RangeParts> = Arc::clone(parts);
                let lane = self.item.batch.lane;
                self.item.batch.account.scheduler.push_parts(lane, parts);
            }
            *begun = Some(what);
            Ok((destination, self.item.batch.account.checksum.is_some()))
        });
        let result = session.send(&mut get);
        let moved = get.moved();
        let memory = get.into_memory();
        let result = match result {
            Ok(()) => Ok(Moved {
                size: moved.1,
                crc64: Some(moved.0),
                ..found
            }),
            Err(error) if error.status() == Some(416) && begun.is_none() => {
                self.get_nothing(session, Some(error))
            }
            Err(error) if error.status() == Some(416) => Err(changed()),
            Err(error) if checked && error.is_not_supported() => {
                account.without_checked_ranges();
                return self.get_first(session, begun);
            }
            Err(error) => Err(error),
        };
        (result, moved, memory)
    }

    /// Makes room for `wanted` bytes, of which the first answer brings `first`.
    fn prepare(
        self: &Arc<Self>,
        discovered: &Discovered,
        first: u64,
        wanted: u64,
        checked: bool,
    ) -> Result<(Destination, Begun)> {
        let mut target = lock(&self.target);
        let mut file = None;
        let mut memory = None;
        match target.as_mut().ok_or_else(Error::cancelled)? {
            Target::File(path) => {
                let created = PartialFile::create(path)?;
                if wanted > first {
                    created.reserve(wanted)?;
                }
                file = Some(Arc::new(created));
            }
            Target::Memory(target) => {
                let allocated = target.allocate(wanted).map_err(|error| {
                    Error::new(
                        ErrorKind::Local,
                        format!("no memory for {wanted} bytes: {error}"),
                    )
                    .with_source(Arc::new(error))
                })?;
                memory = Some(allocated);
            }
        }
        let (here, later) = match (&file, memory) {
            (Some(file), _) => (
                Destination::File {
                    file: Arc::clone(file),
                    offset: 0,
                },
                None,
            ),
            (None, Some(memory)) if wanted > first => {
                let (here, later) = memory.split_at(first as usize);
                (Destination::Memory(here), Some(later))
            }
            (None, memory) => (
                memory.map_or(Destination::Discard, Destination::Memory),
                None,
            ),
        };
        if wanted == first {
            return Ok((here, Begun::Whole(file)));
        }
        let parts = Parts::new(wanted - first)
            .map(|parts| {
                if checked {
                    parts.no_larger_than(MAX_CHECKSUM_RANGE)
                } else {
                    parts
                }
            })
            .ok_or_else(|| {
                Error::new(ErrorKind::Service, "the blob is larger than a blob can be")
            })?;
        let whole = self.offset == 0 && wanted == discovered.total;
        let verify = whole && self.item.batch.account.checksum.is_some();
        Ok((
            here,
            Begun::Parts(Arc::new(RangeParts {
                download: Arc::clone(self),
                tally: Tally::new(Some(1 + parts.count()), 1),
                parts,
                first,
                checked,
                etag: discovered.etag.clone(),
                metadata: discovered.metadata.clone(),
                md5: discovered.md5.clone().filter(|_| verify),
                file,
                memory: Mutex::new(later),
                filled: Mutex::default(),
            })),
        ))
    }

    /// An empty result: of an empty blob, of which no range can be had, or of a range that begins at the
    /// blob's end. `refusal` is the answer to the range.
    fn get_nothing(&self, session: &mut Session, refusal: Option<Error>) -> Result<Moved> {
        let path = self.item.url_path();
        let (head, _) = session.call(|| Request::new("HEAD", path.clone()))?;
        let size: u64 = head
            .get("content-length")
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        match refusal {
            Some(_) if self.offset < size => {
                return Err(changed());
            }
            Some(refusal) if self.offset > size => return Err(refusal),
            _ => {}
        }
        let mut target = lock(&self.target);
        match target.as_mut().ok_or_else(Error::cancelled)? {
            Target::File(path) => PartialFile::create(path)?.commit()?,
            Target::Memory(target) => {
                let allocated = target.allocate(0);
                drop(allocated.map_err(|error| Error::new(ErrorKind::Local, error.to_string()))?);
            }
        }
        Ok(Moved {
            size: 0,
            etag: head.get("etag").map(str::to_owned),
            crc64: Some(0),
            metadata: head.metadata(),
            ..Moved::default()
        })
    }

    /// Reports the end; or starts over, once, where the blob changed meanwhile.
    fn finish(self: &Arc<Self>, result: Result<Moved>) {
        let changed = |error: &Error| error.kind() == ErrorKind::Modified;
        if result.as_ref().is_err_and(changed) && !self.restarted.swap(true, Ordering::Relaxed) {
            let batch = &self.item.batch;
            let again = Box::new(FirstRange(Arc::clone(self)));
            batch.account.scheduler.push_items(batch.lane, vec![again]);
            return;
        }
        drop(lock(&self.target).take());
        self.item.finish(result);
    }
}

fn changed() -> Error {
    Error::new(
        ErrorKind::Modified,
        "the blob was changed while it was read",
    )
}

/// The ranges of a blob after the first.
#[derive(Debug)]
struct RangeParts {
    tally: Tally,
    parts: Parts,
    /// Bytes of the first range.
    first: u64,
    checked: bool,
    etag: Option<String>,
    metadata: Vec<(String, String)>,
    /// To be verified when all is here.
    md5: Option<String>,
    file: Option<Arc<PartialFile>>,
    /// The memory of the parts that nobody has claimed.
    memory: Mutex<Option<MemoryRegion>>,
    /// The memory of those that have ended, where it is still needed.
    filled: Mutex<Vec<(u64, MemoryRegion)>>,
    download: Arc<Download>,
}

impl PartSource for RangeParts {
    fn claim(self: Arc<Self>) -> Option<Box<dyn Work>> {
        let index = self.tally.claim()?;
        let (offset, length) = self.parts.get(index - 1);
        let destination = if let Some(file) = &self.file {
            Destination::File {
                file: Arc::clone(file),
                offset: self.first + offset,
            }
        } else {
            // Parts are claimed in their order, each from the start of what is left.
            let mut memory = lock(&self.memory);
            let (here, later) = memory.take()?.split_at(length as usize);
            *memory = Some(later);
            Destination::Memory(here)
        };
        Some(Box::new(RangePart {
            index,
            start: self.download.offset + self.first + offset,
            length,
            destination,
            parts: self,
        }))
    }

    fn reservation(&self) -> u64 {
        WORK_MEMORY
    }
}

struct RangePart {
    parts: Arc<RangeParts>,
    index: u64,
    start: u64,
    length: u64,
    destination: Destination,
}

impl Work for RangePart {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let parts = self.parts;
        let guard = parts.tally.guard();
        let (mut session, _) = parts.download.item.session(worker);
        let mut get: RangeGet<NoDiscovery> =
            RangeGet::new(&parts.download.item, self.start, self.length, parts.checked);
        get.etag.clone_from(&parts.etag);
        get.destination = Some(self.destination);
        let result = session.send(&mut get);
        let moved = get.moved();
        let memory = get.into_memory();
        guard.release();
        parts.done(self.index, result.map(|()| moved), memory);
        moved.1
    }
}

impl RangeParts {
    fn done(self: Arc<Self>, index: u64, result: Result<(u64, u64)>, memory: Option<MemoryRegion>) {
        if let (Some(region), true) = (memory, self.md5.is_some()) {
            let mut filled = lock(&self.filled);
            filled.push((index, region));
        }
        let part = result.map(|(crc64, length)| {
            Some(Part {
                index,
                crc64,
                length,
            })
        });
        if let Some(end) = self.tally.done(part) {
            let result = end.and_then(|total| self.complete(total));
            lock(&self.filled).clear();
            drop(lock(&self.memory).take());
            if let (Some(file), Err(_)) = (&self.file, &result) {
                file.discard();
            }
            self.download.finish(result);
        }
    }

    /// All parts are here.
    fn complete(&self, total: Total) -> Result<Moved> {
        if let Some(expected) = &self.md5
            && STANDARD.encode(self.hash(total.size)?) != *expected
        {
            return Err(damaged("MD5"));
        }
        if let Some(file) = &self.file {
            file.commit()?;
        }
        Ok(Moved {
            size: total.size,
            etag: self.etag.clone(),
            crc64: Some(total.crc64),
            metadata: self.metadata.clone(),
            ..Moved::default()
        })
    }

    /// MD5 of the whole, which only works from one end to the other.
    fn hash(&self, size: u64) -> Result<[u8; 16]> {
        let mut hash = Md5::new();
        if let Some(file) = &self.file {
            let mut buffer = vec![0; BUFFER_SIZE];
            let mut offset = 0;
            while offset < size {
                if self.download.item.batch.cancel.is_set() {
                    return Err(Error::cancelled());
                }
                let length = (size - offset).min(BUFFER_SIZE as u64) as usize;
                file.read_at(&mut buffer[..length], offset)?;
                hash.update(&buffer[..length]);
                offset += length as u64;
            }
        }
        let mut filled = lock(&self.filled);
        filled.sort_by_key(|(index, _)| *index);
        for (_, region) in filled.iter() {
            hash.update(region.bytes());
        }
        Ok(hash.finalize().into())
    }
}
