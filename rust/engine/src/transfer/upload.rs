//! One blob on the way up, from a file or from memory.
//!
//! Small content is one Put Blob. Larger content is blocks, several at a time, and a block list at the
//! end, before which nobody sees anything of it.

use std::{fs::File, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use super::{
    item::Item,
    job::{Output, Source, Uploaded},
    memory::MemorySource,
    ordered_digest::OrderedDigest,
    part_tracker::{Part, PartTracker, Total},
    plan::{BlockIds, Parts},
    scheduler::{PartSource, Task, Worker},
    source::{OpenFile, OpenSource},
};
use crate::{
    azure::{Attempts, Content, PutBlob, PutBlock, PutBlockList, WriteOptions},
    cancel::Cancellation,
    error::{Error, ErrorKind, Result},
    limits::{BUFFER_SIZE, PART_SIZE},
    os,
    sync::Mutex,
};

/// The task of uploading a blob.
pub(super) fn task(item: Item, source: Source, options: Arc<WriteOptions>) -> Box<dyn Task> {
    Box::new(Upload {
        source: Some(source),
        opened: None,
        item,
        options,
        attempts: Attempts::default(),
    })
}

struct Upload {
    // Dropped in this order: the caller's memory before the item reports that it was cancelled.
    source: Option<Source>,
    opened: Option<OpenSource>,
    item: Item,
    options: Arc<WriteOptions>,
    attempts: Attempts,
}

impl Task for Upload {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        loop {
            let source = match self.opened.take().map_or_else(|| self.open(worker), Ok) {
                Ok(source) => source,
                Err(error) => {
                    self.item.finish(Err(error));
                    return None;
                }
            };
            if source.length() > PART_SIZE {
                begin_blocks(self.item, source, self.options);
                return None;
            }
            let sent = put_whole(
                &self.item,
                &source,
                &self.options,
                &mut self.attempts,
                worker,
            );
            let result = match (sent, source) {
                (Err(error), source) if error.is_token_needed() => {
                    self.opened = Some(source);
                    return Some(self);
                }
                // Its descriptor may be what others lack for a connection.
                (Err(error), OpenSource::File(file)) if error.is_descriptor_shortage() => {
                    self.source = Some(Source::File(file.close()));
                    let session = self.item.session(worker);
                    match session.wait_for_room(&mut self.attempts, error) {
                        Ok(()) => continue,
                        Err(error) => Err(error),
                    }
                }
                (sent, _) => sent,
            };
            self.item.finish(result.map(Output::Uploaded));
            return None;
        }
    }
}

impl Upload {
    fn open(&mut self, worker: &mut Worker) -> Result<OpenSource> {
        let path = match self.source.take() {
            Some(Source::File(path)) => path,
            Some(Source::Memory(memory)) => return Ok(OpenSource::Memory(memory)),
            Some(Source::Blocks) | None => return Err(Error::internal()),
        };
        loop {
            match open_file(&path) {
                Err(error) if error.is_descriptor_shortage() => {
                    let session = self.item.session(worker);
                    session.wait_for_room(&mut self.attempts, error)?;
                }
                opened => return opened,
            }
        }
    }
}

fn open_file(path: &Path) -> Result<OpenSource> {
    // A pipe that nobody writes would be waited for.
    let opened = os::open_nonblocking(path).and_then(|file| Ok((file.metadata()?, file)));
    let (found, file) = opened.map_err(|error| Error::local(path, error))?;
    if found.is_dir() {
        return Err(Error::is_a_folder(path));
    }
    if found.is_file() && found.len() > 0 {
        let open = OpenFile::new(path.to_owned(), file, found);
        return Ok(OpenSource::File(open));
    }
    read_unsized(path, file, found)
}

/// What says that it is empty may be a file of /proc, whose content is made while it is read.
fn read_unsized(path: &Path, mut file: File, found: std::fs::Metadata) -> Result<OpenSource> {
    use std::io::Read;
    if !found.is_file() {
        return Err(Error::local_because(
            path,
            os::code::INVALID,
            "is a pipe or a device; open it and give the file object to write()",
        ));
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)
        .map_err(|error| Error::local(path, error))?;
    if content.is_empty() {
        return Ok(OpenSource::File(OpenFile::new(
            path.to_owned(),
            file,
            found,
        )));
    }
    Ok(OpenSource::Memory(MemorySource::owned(content)))
}

fn put_whole(
    item: &Item,
    source: &OpenSource,
    options: &WriteOptions,
    attempts: &mut Attempts,
    worker: &mut Worker,
) -> Result<Uploaded> {
    let length = source.length();
    source.check_unchanged()?;
    let mut session = item.session(worker);
    session.gives_way = matches!(source, OpenSource::File(_));
    let content = source.piece(0, length);
    let md5 = options.content_md5.then(|| md5_of(content)).transpose();
    let md5 = md5.map_err(|error| source.locate(error))?;
    let put = PutBlob {
        blob: &item.blob,
        path: &item.url_path,
        options,
        content_md5: md5.as_deref(),
    };
    let (crc64, head) = put
        .run(&mut session, attempts, content)
        .map_err(|error| source.locate(error))?;
    item.moved(length);
    Ok(Uploaded::new(length, crc64, &head))
}

/// MD5 of content, base64.
fn md5_of(content: Content) -> Result<String> {
    let mut hash = Md5::new();
    update(&mut hash, content)?;
    Ok(STANDARD.encode(hash.finalize()))
}

fn update(hash: &mut Md5, content: Content) -> Result<()> {
    match content {
        Content::Memory(bytes) => hash.update(bytes),
        Content::File {
            file,
            offset,
            length,
            failed,
        } => {
            let mut buffer = vec![0; BUFFER_SIZE];
            let end = offset + length;
            let mut position = offset;
            while position < end {
                let most = (end - position).min(BUFFER_SIZE as u64) as usize;
                os::read_exact_at(file, &mut buffer[..most], position).map_err(failed)?;
                hash.update(&buffer[..most]);
                position += most as u64;
            }
        }
    }
    Ok(())
}

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

fn begin_blocks(item: Item, source: OpenSource, options: Arc<WriteOptions>) {
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
            path: &blocks.item.url_path,
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
            path: &item.url_path,
            ids: &ids,
            options,
            content_md5: self.md5.as_deref(),
        };
        let head = list.run(&mut item.session(worker), &mut self.attempts)?;
        Ok(Uploaded::new(self.total.size, self.total.crc64, &head))
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
