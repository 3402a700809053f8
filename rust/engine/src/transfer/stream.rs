//! A stream as blocks: the driver of the call reads them one after another, on its own thread; they are
//! sent several at a time.
//!
//! Memory for a block is there before it is read, and no request waits for whoever reads it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use super::{
    blocks::Commit,
    call::WantedBlock,
    item::Item,
    job::{Output, Uploaded},
    memory::MemorySource,
    part_tracker::{Part, PartTracker},
    plan::{BlockIds, stream_block_size},
    scheduler::{Task, Worker},
};
use crate::{
    admission::{Reservation, Ticket},
    azure::{Attempts, Content, PutBlob, PutBlock, WriteOptions},
    error::{Error, Result},
    sync::Mutex,
};

#[derive(Debug)]
pub(crate) struct StreamUpload {
    reading: Mutex<Reading>,
    item: Item,
    options: Arc<WriteOptions>,
    ids: BlockIds,
    tracker: PartTracker,
}

#[derive(Debug, Default)]
struct Reading {
    /// A place in the queue for memory.
    ticket: Option<Ticket>,
    /// The memory of the block that is being read.
    memory: Option<Reservation>,
    /// Number of the next block.
    next: u64,
    md5: Option<Md5>,
}

impl StreamUpload {
    pub(super) fn new(item: Item, options: Arc<WriteOptions>) -> Arc<Self> {
        let this = Arc::new(Self {
            reading: Mutex::new(Reading {
                md5: options.content_md5.then(Md5::new),
                ..Reading::default()
            }),
            item,
            options,
            ids: BlockIds::new(),
            tracker: PartTracker::new(None, 0),
        });
        this.want_memory();
        this
    }

    pub(super) fn index(&self) -> usize {
        self.item.index
    }

    fn block_size(&self, number: u64) -> u64 {
        // Several blocks fit into the limit, so that one is read while others are sent.
        stream_block_size(number, self.item.call.account.memory_limit / 4)
    }

    fn want_memory(&self) {
        let call = Arc::clone(&self.item.call);
        let size = self.block_size(self.reading.lock().next);
        let wake = Arc::new(move || {
            // Whoever has looked and is about to wait has the lock until then.
            drop(call.items.lock());
            call.changed.notify_all();
        });
        let ticket = self.item.call.account.admission.request_block(size, wake);
        self.reading.lock().ticket = Some(ticket);
    }

    /// Whether there is memory for the next block.
    pub(super) fn is_ready(&self) -> bool {
        let reading = self.reading.lock();
        if reading.memory.is_some() {
            return false; // it is being read
        }
        reading.ticket.as_ref().is_some_and(Ticket::is_granted)
    }

    pub(super) fn begin_block(&self) -> Option<WantedBlock> {
        let mut reading = self.reading.lock();
        reading.memory = reading.ticket.as_mut()?.take();
        reading.memory.as_ref()?;
        reading.ticket = None;
        Some(WantedBlock {
            item: self.index(),
            size: self.block_size(reading.next),
        })
    }

    pub(super) fn put_block(self: &Arc<Self>, block: MemorySource, last: bool) {
        let mut reading = self.reading.lock();
        let Some(memory) = reading.memory.take() else {
            return; // cancelled meanwhile
        };
        if let Some(md5) = &mut reading.md5 {
            md5.update(block.bytes());
        }
        let number = reading.next;
        let md5 = reading.md5.clone().filter(|_| last);
        let empty = block.bytes().is_empty() && number > 0;
        if !empty {
            reading.next += 1;
        }
        drop(reading);
        let Some(claimed) = self.tracker.claim() else {
            return; // another block failed; its end is the item's
        };
        if last {
            self.tracker
                .ends_after(if empty { number } else { number + 1 });
        }
        let md5 = md5.map(|md5| STANDARD.encode(md5.finalize()));
        let stage = if number == 0 && last {
            Stage::Whole(block)
        } else if empty {
            Stage::Nothing
        } else {
            Stage::Block(block)
        };
        let task = StreamBlock {
            stage,
            stream: Arc::clone(self),
            number: claimed,
            memory: Some(memory),
            md5,
            attempts: Attempts::default(),
        };
        let call = &self.item.call;
        call.account
            .scheduler
            .push(call.queue, vec![Box::new(task)]);
        if !last {
            self.want_memory();
        }
    }

    /// The stream could not be read.
    pub(super) fn failed(&self, error: Error) {
        let memory = self.reading.lock().memory.take();
        drop(memory); // without the lock: it wakes who waits for memory
        if self.tracker.claim().is_some() {
            self.end(Err(error));
        }
    }

    pub(super) fn cancel(&self) {
        let mut reading = self.reading.lock();
        let (ticket, memory) = (reading.ticket.take(), reading.memory.take());
        drop(reading);
        drop((ticket, memory));
        self.failed(Error::cancelled());
    }

    /// A block that came to nothing.
    fn end(&self, result: Result<Option<Part>>) {
        if let Some(Err(error)) = self.tracker.done(result) {
            self.item.finish(Err(error));
        }
    }
}

/// Ends a block whose thread panics, and its item with the last block under way: the call keeps the
/// stream, which so does not notice by itself.
struct Guard<'a>(&'a StreamUpload);

impl Guard<'_> {
    fn release(self) {
        std::mem::forget(self);
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.end(Err(Error::internal()));
    }
}

enum Stage {
    Whole(MemorySource),
    Block(MemorySource),
    /// The stream ended where the block before did.
    Nothing,
    Commit(Commit),
}

struct StreamBlock {
    // Dropped in this order: the caller's memory before the item reports.
    stage: Stage,
    stream: Arc<StreamUpload>,
    number: u64,
    memory: Option<Reservation>,
    /// Of the whole, with the last block.
    md5: Option<String>,
    attempts: Attempts,
}

impl Task for StreamBlock {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let stream = Arc::clone(&self.stream);
        let item = &stream.item;
        let result = match &mut self.stage {
            Stage::Whole(block) => {
                let put = PutBlob {
                    blob: &item.blob,
                    path: item.address.path(),
                    options: &stream.options,
                    content_md5: self.md5.as_deref(),
                };
                let content = Content::Memory(block.bytes());
                put.run(&mut item.session(worker), &mut self.attempts, content)
                    .map(|(crc64, head)| Uploaded::new(content.length(), Some(crc64), &head))
            }
            Stage::Commit(commit) => commit.send(item, stream.ids, &stream.options, worker),
            Stage::Block(block) => {
                let guard = Guard(&stream);
                let put = PutBlock {
                    path: item.address.path(),
                    id: &stream.ids.get(self.number),
                    options: &stream.options,
                };
                let content = Content::Memory(block.bytes());
                let sent = put.run(&mut item.session(worker), &mut self.attempts, content);
                let length = content.length();
                if matches!(&sent, Err(error) if error.is_token_needed()) {
                    guard.release();
                    return Some(self);
                }
                let index = self.number;
                let part = sent.map(|crc64| {
                    item.moved(length);
                    Some(Part {
                        index,
                        crc64,
                        length,
                    })
                });
                return self.done(part, guard, worker);
            }
            Stage::Nothing => return self.done(Ok(None), Guard(&stream), worker),
        };
        match result {
            Err(error) if error.is_token_needed() => Some(self),
            result => {
                if let (Stage::Whole(_), Ok(uploaded)) = (&self.stage, &result) {
                    item.moved(uploaded.size);
                }
                self.stage = Stage::Nothing;
                self.memory = None;
                item.finish(result.map(Output::Uploaded));
                None
            }
        }
    }
}

impl StreamBlock {
    fn done(
        mut self: Box<Self>,
        part: Result<Option<Part>>,
        guard: Guard<'_>,
        worker: &mut Worker<'_>,
    ) -> Option<Box<dyn Task>> {
        self.stage = Stage::Nothing;
        self.memory = None;
        guard.release();
        match self.stream.tracker.done(part)? {
            Ok(total) => {
                let md5 = self.stream.reading.lock().md5.clone();
                let md5 = md5.map(|md5| STANDARD.encode(md5.finalize()));
                self.stage = Stage::Commit(Commit::new(total).with_md5(md5));
                self.run(worker)
            }
            Err(error) => {
                self.stream.item.finish(Err(error));
                None
            }
        }
    }
}
