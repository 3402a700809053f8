//! One blob on the way up.
//!
//! Small content is one Put Blob. Larger content is blocks, several at a time, and a block list at the
//! end, before which nobody sees anything of it.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::io::Errno;

use super::{
    item::{Item, Moved},
    job::Source,
    options::UploadOptions,
    parts::{Part, Tally, Total},
    put::{crc64_of, put_blob, put_block, put_block_list},
};
use crate::{
    checksum,
    error::{Error, ErrorKind, Result},
    http::Body,
    limits::{PART_SIZE, WORK_MEMORY},
    memory::MemorySource,
    parts::{BlockIds, Parts, stream_block_size},
    scheduler::{PartSource, Work, Worker},
    sync::lock,
};

/// The work of uploading a blob.
pub(crate) fn work(item: Item, source: Source, options: Arc<UploadOptions>) -> Box<dyn Work> {
    Box::new(Upload {
        source,
        item,
        options,
    })
}

struct Upload {
    // Dropped in this order: the caller's memory before the item reports that it was cancelled.
    source: Source,
    item: Item,
    options: Arc<UploadOptions>,
}

impl Work for Upload {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let Self {
            source,
            item,
            options,
        } = *self;
        let opened = match source {
            Source::File(path) => open(path),
            Source::Memory(memory) => Ok(Opened::Content(Content::Memory(memory))),
            Source::Stream(stream) => Ok(Opened::Stream(stream)),
        };
        match opened {
            Err(error) => {
                item.finish(Err(error));
                0
            }
            Ok(Opened::Stream(stream)) => begin_stream(item, stream, options, worker),
            Ok(Opened::Content(content)) if content.length() <= PART_SIZE => {
                let result = put_whole(&item, &content, &options, worker);
                drop(content);
                let moved = result.as_ref().map_or(0, |moved| moved.size);
                item.finish(result);
                moved
            }
            Ok(Opened::Content(content)) => {
                begin_blocks(item, content, options);
                0
            }
        }
    }

    fn reservation(&self) -> u64 {
        match self.source {
            Source::Stream(_) => PART_SIZE,
            _ => WORK_MEMORY,
        }
    }
}

enum Opened {
    Content(Content),
    Stream(Box<dyn Read + Send>),
}

/// Content that can be sent in pieces, in any order, again and again.
enum Content {
    File(OpenFile),
    Memory(MemorySource),
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: File,
    found: Metadata,
}

fn open(path: PathBuf) -> Result<Opened> {
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
    let (found, file) = opened.map_err(|error| Error::local(&path, error))?;
    if found.is_dir() {
        return Err(Error::local_code(&path, Errno::ISDIR));
    }
    if !found.is_file() {
        // A pipe or a device has no length.
        return Ok(Opened::Stream(Box::new(file)));
    }
    Ok(Opened::Content(Content::File(OpenFile {
        path,
        file,
        found,
    })))
}

impl OpenFile {
    /// An error if the file is not what it was when it was opened.
    fn check_unchanged(&self) -> Result<()> {
        let now = self
            .file
            .metadata()
            .map_err(|error| Error::local(&self.path, error))?;
        let same = now.len() == self.found.len() && modified(&now) == modified(&self.found);
        if same {
            return Ok(());
        }
        Err(Error::local(
            &self.path,
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file changed while it was uploaded; nothing was stored",
            ),
        ))
    }

    fn read_error(&self, error: io::Error) -> Error {
        let error = match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                io::ErrorKind::InvalidData,
                "the file became shorter while it was uploaded; nothing was stored",
            ),
            _ => error,
        };
        Error::local(&self.path, error)
    }
}

fn modified(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.modified().ok()
}

impl Content {
    fn length(&self) -> u64 {
        match self {
            Self::File(file) => file.found.len(),
            Self::Memory(memory) => memory.bytes().len() as u64,
        }
    }

    fn piece(&self, offset: u64, length: u64) -> Body<'_> {
        match self {
            Self::File(open) => Body::File {
                file: &open.file,
                offset,
                length,
            },
            Self::Memory(memory) => {
                Body::Bytes(&memory.bytes()[offset as usize..(offset + length) as usize])
            }
        }
    }

    fn crc64(&self, offset: u64, length: u64, buffer: &mut [u8]) -> Result<u64> {
        crc64_of(self.piece(offset, length), buffer).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: io::Error) -> Error {
        match self {
            Self::File(file) => file.read_error(error),
            Self::Memory(_) => Error::new(ErrorKind::Local, error.to_string()),
        }
    }

    fn check_unchanged(&self) -> Result<()> {
        match self {
            Self::File(file) => file.check_unchanged(),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Names the file in errors that came up while it was sent.
    fn locate(&self, error: Error) -> Error {
        use std::error::Error as _;
        let Self::File(file) = self else {
            return error;
        };
        let reason = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>());
        match (error.kind(), reason) {
            (ErrorKind::Local, Some(reason)) if error.path().is_none() => {
                file.read_error(match reason.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => reason.kind().into(),
                })
            }
            // The service found other bytes than were read a moment before.
            (ErrorKind::Integrity, _) => match file.check_unchanged() {
                Err(changed) => changed,
                Ok(()) => error,
            },
            _ => error,
        }
    }
}

fn put_whole(
    item: &Item,
    content: &Content,
    options: &UploadOptions,
    worker: &mut Worker,
) -> Result<Moved> {
    let length = content.length();
    let (mut session, room) = item.session(worker);
    let body = match content {
        // Small enough to be read once.
        Content::File(open) if length <= room.len() as u64 => {
            use std::os::unix::fs::FileExt;
            let room = &mut room[..length as usize];
            open.file
                .read_exact_at(room, 0)
                .map_err(|error| open.read_error(error))?;
            Body::Bytes(room)
        }
        content => content.piece(0, length),
    };
    let crc64 = match body {
        Body::File { .. } => content.crc64(0, length, session.body)?,
        body => crc64_of(body, &mut []).map_err(|error| content.explain(error))?,
    };
    content.check_unchanged()?;
    put_blob(item, &mut session, body, crc64, options).map_err(|error| content.locate(error))
}

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

fn begin_blocks(item: Item, content: Content, options: Arc<UploadOptions>) {
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

fn commit(
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

/// Blocks of a stream: read one after another, sent several at a time.
///
/// The source of parts is handed out for one block and comes back when that has been read, so that a
/// stream that stalls holds one thread and not all of them.
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

fn begin_stream(
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
