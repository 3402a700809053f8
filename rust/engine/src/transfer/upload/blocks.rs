//! A file, or memory, as blocks.

use std::sync::{Arc, Mutex};

use super::content::Content;
use crate::{
    error::{Error, ErrorKind, Result},
    limits::WORK_MEMORY,
    parts::{BlockIds, Parts},
    scheduler::{PartSource, Work, Worker},
    sync::lock,
    transfer::{
        item::{Item, Moved},
        options::UploadOptions,
        parts::{Part, Tally, Total},
        put::{put_block, put_block_list},
    },
};

/// Blocks of a file or of memory.
struct Blocks {
    /// Let go of before the end is reported: the caller's memory is the caller's again then.
    content: Mutex<Option<Arc<Content>>>,
    item: Item,
    options: Arc<UploadOptions>,
    parts: Parts,
    ids: BlockIds,
    tally: Tally,
}

pub(super) fn begin(item: Item, content: Content, options: Arc<UploadOptions>) {
    let Some(parts) = Parts::new(content.length()) else {
        item.finish(Err(Error::new(
            ErrorKind::InvalidInput,
            "the content is larger than a blob can be (190.7 TiB)",
        )));
        return;
    };
    let (lane, account) = (item.batch.lane, Arc::clone(&item.batch.account));
    account.scheduler.push_parts(
        lane,
        Arc::new(Blocks {
            item,
            content: Mutex::new(Some(Arc::new(content))),
            options,
            parts,
            ids: BlockIds::new(),
            tally: Tally::new(Some(parts.count()), 0),
        }),
    );
}

impl PartSource for Blocks {
    fn claim(self: Arc<Self>) -> Option<Box<dyn Work>> {
        let index = self.tally.claim()?;
        Some(Box::new(Block {
            blocks: self,
            index,
        }))
    }

    fn reservation(&self) -> u64 {
        WORK_MEMORY
    }
}

struct Block {
    blocks: Arc<Blocks>,
    index: u64,
}

impl Work for Block {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let (offset, length) = self.blocks.parts.get(self.index);
        let guard = self.blocks.tally.guard();
        let result = self.send(offset, length, worker);
        guard.release();
        let blocks = self.blocks;
        let moved = if result.is_ok() { length } else { 0 };
        if let Some(end) = blocks.tally.done(result.map(Some)) {
            let result = end.and_then(|total| {
                blocks.content()?.check_unchanged()?;
                commit(&blocks.item, blocks.ids, total, &blocks.options, worker)
            });
            drop(lock(&blocks.content).take());
            blocks.item.finish(result);
        }
        moved
    }
}

impl Blocks {
    fn content(&self) -> Result<Arc<Content>> {
        lock(&self.content).clone().ok_or_else(Error::cancelled)
    }
}

impl Block {
    fn send(&self, offset: u64, length: u64, worker: &mut Worker) -> Result<Part> {
        let Blocks { item, ids, .. } = &*self.blocks;
        let content = self.blocks.content()?;
        let (mut session, _) = item.session(worker);
        let crc64 = content.crc64(offset, length, session.body)?;
        let id = ids.get(self.index);
        put_block(
            item,
            &mut session,
            &id,
            content.piece(offset, length),
            crc64,
        )
        .map_err(|error| content.locate(error))?;
        Ok(Part {
            index: self.index,
            crc64,
            length,
        })
    }
}

/// Makes a blob of the blocks.
pub(super) fn commit(
    item: &Item,
    ids: BlockIds,
    total: Total,
    options: &UploadOptions,
    worker: &mut Worker,
) -> Result<Moved> {
    let (mut session, _) = item.session(worker);
    let etag = put_block_list(item, &mut session, ids, total.parts, options)?;
    Ok(Moved {
        size: total.size,
        etag,
        crc64: Some(total.crc64),
        ..Moved::default()
    })
}
