//! Content in blocks, several at a time, and a block list at the end, before which nobody sees anything of it.

use std::sync::Arc;

use super::{
    item::Item,
    job::{Output, Uploaded},
    ordered_digest::OrderedDigest,
    part_tracker::{Part, PartTracker, Total},
    plan::{BlockIds, Parts},
    scheduler::{PartSource, Task, Worker},
    source::OpenSource,
    upload::update,
};
use crate::{
    azure::{Attempts, PutBlock, PutBlockList, WriteOptions},
    cancel::Cancellation,
    error::{Error, ErrorKind, Result},
    sync::Mutex,
};

/// Blocks of a file or of memory.
struct Blocks {
    /// Let go of before the end is reported: the caller's memory is the caller's again then.
    source: Mutex<Option<Arc<OpenSource>>>,
    item: Item,
    options: Arc<WriteOptions>,
    parts: Parts,
    ids: BlockIds,
    tracker: PartTracker,
    /// Where an MD5 is to be stored: of each block as soon as it and all before it have been sent.
    digest: Option<OrderedDigest<Part>>,
}

/// Sends content that is too large for one request.
pub(super) fn begin(item: Item, source: OpenSource, options: Arc<WriteOptions>) {
    let Some(parts) = Parts::new(source.length()) else {
        item.finish(Err(Error::new(
            ErrorKind::InvalidInput,
            "the content is larger than a blob can be (190.7 TiB)",
        )));
        return;
    };
    let (queue, scheduler) = (item.call.queue, Arc::clone(&item.call.account.scheduler));
    scheduler.push_parts(
        queue,
        Arc::new(Blocks {
            item,
            source: Mutex::new(Some(Arc::new(source))),
            digest: options.content_md5.then(OrderedDigest::new),
            options,
            parts,
            ids: BlockIds::new(),
            tracker: PartTracker::new(Some(parts.count()), 0),
        }),
    );
}

impl PartSource for Blocks {
    fn claim(self: Arc<Self>) -> Option<Box<dyn Task>> {
        let index = self.tracker.claim()?;
        Some(Box::new(Block {
            blocks: self,
            index,
            attempts: Attempts::default(),
        }))
    }
}

struct Block {
    blocks: Arc<Blocks>,
    index: u64,
    attempts: Attempts,
}

impl Task for Block {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let blocks = Arc::clone(&self.blocks);
        let guard = blocks.tracker.guard();
        let result = self.send(worker);
        guard.release();
        if matches!(&result, Err(error) if error.is_token_needed()) {
            return Some(self);
        }
        // All ends are the same one, which comes with the last part.
        let end = blocks
            .digested(result, worker)
            .into_iter()
            .filter_map(|part| blocks.tracker.done(part.map(Some)))
            .last()?;
        match end {
            Ok(total) => {
                let md5 = blocks.digest.as_ref().and_then(OrderedDigest::value);
                let commit = Commit::new(total).with_md5(md5);
                Box::new(BlocksCommit { blocks, commit }).run(worker)
            }
            Err(error) => {
                blocks.finish(Err(error));
                None
            }
        }
    }
}

impl Blocks {
    fn source(&self) -> Result<Arc<OpenSource>> {
        self.source.lock().clone().ok_or_else(Error::cancelled)
    }

    /// The parts that have come to their end with this one, digest included.
    fn digested(&self, part: Result<Part>, worker: &Worker<'_>) -> Vec<Result<Part>> {
        let Some(digest) = &self.digest else {
            return vec![part];
        };
        match part {
            Ok(part) => {
                let (offset, length) = self.parts.get(part.index);
                let done = digest.add(
                    offset,
                    length,
                    part,
                    &Cancellation::new(&self.item.call.cancel, worker.signals),
                    |hash, part, bytes| {
                        let (offset, _) = self.parts.get(part.index);
                        let source = self.source()?;
                        let content = source.piece(offset + bytes.start, bytes.end - bytes.start);
                        update(hash, content).map_err(|error| source.locate(error))
                    },
                );
                done.into_iter()
                    .map(|(part, hashed)| hashed.map(|()| part))
                    .collect()
            }
            Err(error) => {
                let waiting = digest.abandon().into_iter().map(Ok);
                waiting.chain([Err(error)]).collect()
            }
        }
    }

    fn finish(&self, result: Result<Uploaded>) {
        drop(self.source.lock().take());
        self.item.finish(result.map(Output::Uploaded));
    }
}

impl Block {
    fn send(&mut self, worker: &mut Worker) -> Result<Part> {
        let blocks = &*self.blocks;
        let (offset, length) = blocks.parts.get(self.index);
        let source = blocks.source()?;
        let put = PutBlock {
            path: blocks.item.address.path(),
            id: &blocks.ids.get(self.index),
            options: &blocks.options,
        };
        let crc64 = put
            .run(
                &mut blocks.item.session(worker),
                &mut self.attempts,
                source.piece(offset, length),
            )
            .map_err(|error| source.locate(error))?;
        blocks.item.moved(length);
        Ok(Part {
            index: self.index,
            crc64,
            length,
        })
    }
}

/// The block list that makes a blob of blocks.
pub(super) struct Commit {
    total: Total,
    attempts: Attempts,
    md5: Option<String>,
}

impl Commit {
    pub(super) fn new(total: Total) -> Self {
        Self {
            total,
            attempts: Attempts::default(),
            md5: None,
        }
    }

    pub(super) fn with_md5(self, md5: Option<String>) -> Self {
        Self { md5, ..self }
    }

    pub(super) fn send(
        &mut self,
        item: &Item,
        ids: BlockIds,
        options: &WriteOptions,
        worker: &mut Worker,
    ) -> Result<Uploaded> {
        let ids: Vec<_> = (0..self.total.parts).map(|index| ids.get(index)).collect();
        let list = PutBlockList {
            path: item.address.path(),
            ids: &ids,
            options,
            content_md5: self.md5.as_deref(),
        };
        let head = list.run(&mut item.session(worker), &mut self.attempts)?;
        Ok(Uploaded::new(
            self.total.size,
            Some(self.total.crc64),
            &head,
        ))
    }
}

struct BlocksCommit {
    blocks: Arc<Blocks>,
    commit: Commit,
}

impl Task for BlocksCommit {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let blocks = Arc::clone(&self.blocks);
        let result = self.check().and_then(|()| {
            self.commit
                .send(&blocks.item, blocks.ids, &blocks.options, worker)
        });
        match result {
            Err(error) if error.is_token_needed() => Some(self),
            result => {
                blocks.finish(result);
                None
            }
        }
    }
}

impl BlocksCommit {
    fn check(&self) -> Result<()> {
        self.blocks.source()?.check_unchanged()
    }
}
