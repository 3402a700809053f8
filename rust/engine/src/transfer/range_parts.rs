//! The ranges of a blob after the first, which several threads get at a time.

use std::{ops::Range, sync::Arc};

use md5::{Digest, Md5};

use super::{
    download::{Download, changed},
    file::PartialFile,
    memory::MemoryRegion,
    ordered_digest::OrderedDigest,
    part_tracker::{Part, PartTracker, Total},
    plan::Parts,
    range::{Destination, RangeDownload, Version, damaged},
    scheduler::{PartSource, Task, Worker},
    vouching::vouching,
};
use crate::{
    azure::{Attempts, Downloaded},
    cancel::Cancellation,
    error::Result,
    http::ResponseHead,
    limits::BUFFER_SIZE,
    sync::Mutex,
};

/// The ranges of a blob after the first.
#[derive(Debug)]
pub(super) struct RangeParts {
    pub(super) tracker: PartTracker,
    pub(super) parts: Parts,
    /// Bytes of the first range.
    pub(super) first: u64,
    pub(super) version: Version,
    pub(super) head: ResponseHead,
    /// The MD5 of the whole, where that is to be verified.
    pub(super) digest: Option<WholeDigest>,
    pub(super) file: Option<Arc<PartialFile>>,
    /// The memory of the parts that nobody has claimed.
    pub(super) memory: Mutex<Option<MemoryRegion>>,
    pub(super) download: Arc<Download>,
}

#[derive(Debug)]
pub(super) struct WholeDigest {
    expected: String,
    pieces: OrderedDigest<Piece>,
}

impl WholeDigest {
    pub(super) fn new(expected: String) -> Self {
        Self {
            expected,
            pieces: OrderedDigest::new(),
        }
    }
}

/// A part that arrived: where it is, and the memory that holds it, unless the file does.
type Piece = (u64, Part, Option<MemoryRegion>);

impl PartSource for RangeParts {
    fn claim(self: Arc<Self>) -> Option<Box<dyn Task>> {
        let index = self.tracker.claim()?;
        let (offset, length) = self.parts.get(index - 1);
        let destination = if let Some(file) = &self.file {
            Destination::File {
                file: Arc::clone(file),
                offset: self.first + offset,
            }
        } else {
            // Parts are claimed in their order, each from the start of what is left.
            let mut memory = self.memory.lock();
            let (here, later) = memory.take()?.split_at(length as usize);
            *memory = Some(later);
            Destination::Memory(here)
        };
        let start = self.download.offset + self.first + offset;
        let vouching = vouching(&self.download.item.call.account);
        let mut range = RangeDownload::new(start, length, vouching, self.file.is_some());
        range.begin(destination, length, None, self.version.clone());
        Some(Box::new(RangePart {
            index,
            offset: self.first + offset,
            range,
            attempts: Attempts::default(),
            parts: self,
        }))
    }
}

struct RangePart {
    index: u64,
    offset: u64,
    range: RangeDownload,
    attempts: Attempts,
    parts: Arc<RangeParts>,
}

impl RangePart {
    fn get(&mut self, worker: &mut Worker<'_>) -> Result<()> {
        let download = Arc::clone(&self.parts.download);
        let mut session = download.item.session(worker);
        loop {
            let (mut opened, received) = self
                .range
                .open(&mut session, &mut self.attempts, &download, false)
                .map_err(|error| match error.status() {
                    Some(416) => changed(),
                    _ => error,
                })?;
            let copied = self
                .range
                .copy_body(&mut opened, &received, &session, &download);
            opened.close(self.range.body_is_finished());
            match copied {
                Ok(()) if self.range.is_complete() => return Ok(()),
                Ok(()) => {}
                Err(failure) => {
                    self.range
                        .retry(failure, &session, &mut self.attempts, &download)?;
                }
            }
        }
    }
}

impl Task for RangePart {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let parts = Arc::clone(&self.parts);
        let guard = parts.tracker.guard();
        let result = self.get(worker);
        guard.release();
        if matches!(&result, Err(error) if error.is_token_needed()) {
            return Some(self);
        }
        let (crc64, length) = self.range.moved();
        let part = result.map(|()| Part {
            index: self.index,
            crc64,
            length,
        });
        let offset = self.offset;
        let memory = self.range.into_memory();
        parts.done(part, offset, memory, worker);
        None
    }
}

impl RangeParts {
    /// A part has arrived, or has failed: the bytes from `offset` on, in `memory` unless the file has them.
    pub(super) fn done(
        &self,
        part: Result<Part>,
        offset: u64,
        memory: Option<MemoryRegion>,
        worker: &Worker<'_>,
    ) {
        let Some(digest) = &self.digest else {
            drop(memory);
            return self.ended(part);
        };
        match part {
            Ok(part) => {
                let call = &self.download.item.call;
                let done = digest.pieces.add(
                    offset,
                    part.length,
                    (offset, part, memory),
                    &Cancellation::new(&call.cancel, worker.signals),
                    |hash, piece, bytes| self.update(hash, piece, bytes),
                );
                for ((_, part, memory), hashed) in done {
                    drop(memory);
                    self.ended(hashed.map(|()| part));
                }
            }
            Err(error) => {
                drop(memory);
                for (_, part, memory) in digest.pieces.abandon() {
                    drop(memory);
                    self.ended(Ok(part));
                }
                self.ended(Err(error));
            }
        }
    }

    /// Hashes bytes of a part: from memory, or from the file, which the system still has in memory.
    fn update(&self, hash: &mut Md5, (offset, _, memory): &Piece, bytes: Range<u64>) -> Result<()> {
        if let Some(memory) = memory {
            hash.update(&memory.bytes()[bytes.start as usize..bytes.end as usize]);
        }
        if let Some(file) = &self.file {
            let buffers = &self.download.item.call.account.buffers;
            let mut buffer = buffers.take(BUFFER_SIZE);
            let piece = &mut buffer[..(bytes.end - bytes.start) as usize];
            file.read_at(piece, offset + bytes.start)?;
            hash.update(piece);
            buffers.put(buffer);
        }
        Ok(())
    }

    /// A part has come to its end, its digest included.
    fn ended(&self, part: Result<Part>) {
        if let Some(end) = self.tracker.done(part.map(Some)) {
            let result = end.and_then(|total| self.complete(total));
            drop(self.memory.lock().take());
            if let (Some(file), Err(_)) = (&self.file, &result) {
                file.discard();
            }
            self.download.finish(result);
        }
    }

    /// All parts are here.
    fn complete(&self, total: Total) -> Result<Downloaded> {
        if let Some(digest) = &self.digest
            && digest.pieces.value().as_ref() != Some(&digest.expected)
        {
            return Err(damaged("MD5"));
        }
        if let Some(file) = &self.file {
            file.commit()?;
        }
        Ok(Downloaded {
            size: total.size,
            crc64: total.crc64,
            head: self.head.clone(),
        })
    }
}
