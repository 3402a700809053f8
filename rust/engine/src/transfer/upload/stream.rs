//! A stream as blocks: read one after another, sent several at a time.
//!
//! The source of parts is handed out for one block and comes back when that has been read, so that a
//! stream that stalls holds one thread and not all of them.

use std::{
    io::Read,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::blocks::commit;
use crate::{
    checksum,
    error::{Error, ErrorKind, Result},
    http::Body,
    parts::{BlockIds, stream_block_size},
    scheduler::{PartSource, Work, Worker},
    sync::lock,
    transfer::{
        item::Item,
        options::UploadOptions,
        parts::{Part, Tally},
        put::{put_blob, put_block},
    },
};

struct StreamBlocks {
    /// Let go of before the end is reported.
    stream: Mutex<Option<StreamState>>,
    item: Item,
    options: Arc<UploadOptions>,
    ids: BlockIds,
    tally: Tally,
    claimed: AtomicBool,
}

struct StreamState {
    stream: Box<dyn Read + Send>,
    /// Number of the next block.
    next: u64,
    ended: bool,
}

pub(super) fn begin(
    item: Item,
    stream: Box<dyn Read + Send>,
    options: Arc<UploadOptions>,
    worker: &mut Worker,
) -> u64 {
    let mut state = StreamState {
        stream,
        next: 0,
        ended: false,
    };
    let account = Arc::clone(&item.batch.account);
    let mut first = account.take_block();
    if let Err(error) = state.read(&mut first) {
        drop(state);
        item.finish(Err(error));
        return 0;
    }
    if state.ended {
        drop(state);
        let (mut session, _) = item.session(worker);
        let crc64 = checksum::crc64(0, &first);
        let result = put_blob(&item, &mut session, Body::Bytes(&first), crc64, &options);
        let moved = first.len() as u64;
        account.put_block(first);
        item.finish(result);
        return moved;
    }
    let blocks = Arc::new(StreamBlocks {
        stream: Mutex::new(Some(state)),
        item,
        options,
        ids: BlockIds::new(),
        tally: Tally::new(None, 1),
        claimed: AtomicBool::new(false),
    });
    blocks.offer();
    blocks.send(0, first, worker)
}

impl StreamState {
    /// Reads the next block and returns its number; None at the end. A block that is not full is the
    /// last.
    fn read(&mut self, block: &mut Vec<u8>) -> Result<Option<u64>> {
        block.clear();
        let size = stream_block_size(self.next);
        block.reserve_exact(usize::try_from(size).unwrap_or(0));
        let read = (&mut self.stream).take(size).read_to_end(block);
        let count = read.map_err(|error| {
            self.ended = true;
            Error::new(
                ErrorKind::Local,
                format!("the stream could not be read: {error}"),
            )
            .with_source(Arc::new(error))
        })?;
        self.ended = (count as u64) < size;
        if count == 0 {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some(self.next - 1))
    }
}

impl PartSource for StreamBlocks {
    fn claim(self: Arc<Self>) -> Option<Box<dyn Work>> {
        if self.claimed.swap(true, Ordering::Relaxed) {
            return None;
        }
        self.tally.claim()?;
        Some(Box::new(StreamBlock(self)))
    }

    fn reservation(&self) -> u64 {
        stream_block_size(self.tally.begun())
    }
}

struct StreamBlock(Arc<StreamBlocks>);

impl Work for StreamBlock {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let blocks = self.0;
        let guard = blocks.tally.guard();
        let mut block = blocks.item.batch.account.take_block();
        let read = blocks.read(&mut block);
        guard.release();
        match read {
            Ok(Some(index)) => blocks.send(index, block, worker),
            Ok(None) => {
                blocks.item.batch.account.put_block(block);
                blocks.end(Ok(None), worker);
                0
            }
            Err(error) => {
                blocks.end(Err(error), worker);
                0
            }
        }
    }
}

impl StreamBlocks {
    /// Lets somebody read the next block.
    fn offer(self: &Arc<Self>) {
        self.claimed.store(false, Ordering::Relaxed);
        let parts: Arc<Self> = Arc::clone(self);
        let batch = &self.item.batch;
        batch.account.scheduler.push_parts(batch.lane, parts);
    }

    fn read(self: &Arc<Self>, block: &mut Vec<u8>) -> Result<Option<u64>> {
        let mut stream = lock(&self.stream);
        let state = stream.as_mut().ok_or_else(Error::cancelled)?;
        let read = state.read(block);
        if state.ended {
            self.tally.ends_after(state.next);
        } else {
            drop(stream);
            self.offer();
        }
        read
    }

    fn send(&self, index: u64, block: Vec<u8>, worker: &mut Worker) -> u64 {
        let length = block.len() as u64;
        let crc64 = checksum::crc64(0, &block);
        let (mut session, _) = self.item.session(worker);
        let id = self.ids.get(index);
        let result = put_block(&self.item, &mut session, &id, Body::Bytes(&block), crc64);
        self.item.batch.account.put_block(block);
        let moved = if result.is_ok() { length } else { 0 };
        let part = result.map(|()| {
            Some(Part {
                index,
                crc64,
                length,
            })
        });
        self.end(part, worker);
        moved
    }

    fn end(&self, result: Result<Option<Part>>, worker: &mut Worker) {
        if let Some(end) = self.tally.done(result) {
            let result =
                end.and_then(|total| commit(&self.item, self.ids, total, &self.options, worker));
            drop(lock(&self.stream).take());
            self.item.finish(result);
        }
    }
}
