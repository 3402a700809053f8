//! A blob of another account on its way, which the service itself fetches.
//!
//! A small one is one Put Blob From URL. A larger one is blocks, several at a time, and a block list at the
//! end, before which nobody sees anything of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    blocks::Commit,
    item::Item,
    job::{Output, Uploaded},
    part_tracker::{Part, PartTracker, Total},
    plan::{BlockIds, Parts},
    scheduler::{PartSource, Task, Worker},
};
use crate::{
    azure::{
        Attempts, BlobRef, Conditions, CopiedBlob, CopySource, PutBlobFromUrl, PutBlockFromUrl,
        WriteOptions,
    },
    error::{Error, ErrorKind, Result},
    limits::COPY_BLOCK_SIZE,
};

/// What is asked of a copy.
#[derive(Debug)]
pub(super) struct CopyRequest {
    pub(super) source: CopySource,
    pub(super) blob: BlobRef,
    /// What must hold of the source.
    pub(super) conditions: Arc<Conditions>,
    pub(super) options: Arc<WriteOptions>,
}

/// The task of copying a blob.
pub(super) fn task(item: Item, request: CopyRequest) -> Box<dyn Task> {
    Box::new(CopyFrom {
        item,
        request,
        found: None,
        attempts: Attempts::default(),
    })
}

struct CopyFrom {
    item: Item,
    request: CopyRequest,
    /// The source, once it has been looked at.
    found: Option<CopiedBlob>,
    attempts: Attempts,
}

impl Task for CopyFrom {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let source = match self.found.take().map_or_else(|| self.look(worker), Ok) {
            Ok(source) => source,
            Err(error) => {
                self.item.finish(Err(error));
                return None;
            }
        };
        if source.size() > COPY_BLOCK_SIZE {
            begin_blocks(self.item, source, &self.request.options);
            return None;
        }
        let put = PutBlobFromUrl {
            blob: &self.item.blob,
            path: self.item.address.path(),
            source: &source,
            options: &self.request.options,
        };
        match put.run(&mut self.item.session(worker), &mut self.attempts) {
            Err(error) if error.is_token_needed() => {
                self.found = Some(source);
                return Some(self);
            }
            Err(error) => self.item.finish(Err(error)),
            Ok(head) => {
                self.item.moved(source.size());
                let copied = Uploaded::new(source.size(), None, &head);
                self.item.finish(Ok(Output::Uploaded(copied)));
            }
        }
        None
    }
}

impl CopyFrom {
    fn look(&self, worker: &mut Worker) -> Result<CopiedBlob> {
        if let Some(encryption) = &self.item.call.account.encryption {
            return Err(encryption.refuse_copy().into());
        }
        let CopyRequest {
            source,
            blob,
            conditions,
            ..
        } = &self.request;
        source.look(self.item.session(worker), blob, conditions)
    }
}

struct Blocks {
    item: Item,
    source: CopiedBlob,
    /// With all that the source says.
    options: WriteOptions,
    parts: Parts,
    ids: BlockIds,
    tracker: PartTracker,
    /// The service has said the checksum of each block.
    has_crc64: AtomicBool,
}

fn begin_blocks(item: Item, source: CopiedBlob, options: &WriteOptions) {
    let Some(parts) = Parts::of(source.size(), COPY_BLOCK_SIZE) else {
        item.finish(Err(Error::new(
            ErrorKind::InvalidInput,
            "the source is larger than a block blob can be (190.7 TiB)",
        )));
        return;
    };
    let (queue, scheduler) = (item.call.queue, Arc::clone(&item.call.account.scheduler));
    scheduler.push_parts(
        queue,
        Arc::new(Blocks {
            item,
            options: source.complete(options),
            source,
            parts,
            ids: BlockIds::new(),
            tracker: PartTracker::new(Some(parts.count()), 0),
            has_crc64: AtomicBool::new(true),
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
        let result = self.copy(worker);
        guard.release();
        if matches!(&result, Err(error) if error.is_token_needed()) {
            return Some(self);
        }
        match blocks.tracker.done(result.map(Some))? {
            Ok(total) => Box::new(BlocksCommit::new(blocks, total)).run(worker),
            Err(error) => {
                blocks.item.finish(Err(error));
                None
            }
        }
    }
}

impl Block {
    fn copy(&mut self, worker: &mut Worker) -> Result<Part> {
        let blocks = &*self.blocks;
        let (offset, length) = blocks.parts.get(self.index);
        let put = PutBlockFromUrl {
            path: blocks.item.address.path(),
            id: &blocks.ids.get(self.index),
            source: &blocks.source,
            offset,
            length,
            options: &blocks.options,
        };
        let crc64 = put.run(&mut blocks.item.session(worker), &mut self.attempts)?;
        if crc64.is_none() {
            blocks.has_crc64.store(false, Ordering::Relaxed);
        }
        blocks.item.moved(length);
        Ok(Part {
            index: self.index,
            crc64: crc64.unwrap_or_default(),
            length,
        })
    }
}

struct BlocksCommit {
    blocks: Arc<Blocks>,
    commit: Commit,
}

impl BlocksCommit {
    fn new(blocks: Arc<Blocks>, total: Total) -> Self {
        let md5 = blocks.source.content_md5().map(|md5| STANDARD.encode(md5));
        let commit = Commit::new(total).with_md5(md5);
        Self { blocks, commit }
    }
}

impl Task for BlocksCommit {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let blocks = Arc::clone(&self.blocks);
        let commit = &mut self.commit;
        match commit.send(&blocks.item, blocks.ids, &blocks.options, worker) {
            Err(error) if error.is_token_needed() => Some(self),
            result => {
                let result = result.map(|mut copied| {
                    let has_crc64 = blocks.has_crc64.load(Ordering::Relaxed);
                    copied.crc64 = copied.crc64.filter(|_| has_crc64);
                    Output::Uploaded(copied)
                });
                blocks.item.finish(result);
                None
            }
        }
    }
}
