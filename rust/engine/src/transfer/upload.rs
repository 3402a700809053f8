//! One blob on the way up, from a file or from memory.
//!
//! Small content is one Put Blob. Larger content is blocks, several at a time, and a block list at the
//! end, before which nobody sees anything of it.

use std::{fs::File, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use super::{
    blocks,
    item::Item,
    job::{Output, Source, Uploaded},
    memory::MemorySource,
    scheduler::{Task, Worker},
    source::{OpenFile, OpenSource},
};
use crate::{
    azure::{Attempts, Content, PutBlob, WriteOptions},
    error::{Error, Result},
    limits::{BUFFER_SIZE, PART_SIZE},
    os,
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
                blocks::begin(self.item, source, self.options);
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
        path: item.address.path(),
        options,
        content_md5: md5.as_deref(),
    };
    let (crc64, head) = put
        .run(&mut session, attempts, content)
        .map_err(|error| source.locate(error))?;
    item.moved(length);
    Ok(Uploaded::new(length, Some(crc64), &head))
}

/// MD5 of content, base64.
fn md5_of(content: Content) -> Result<String> {
    let mut hash = Md5::new();
    update(&mut hash, content)?;
    Ok(STANDARD.encode(hash.finalize()))
}

/// Hashes content, which may have to be read.
pub(super) fn update(hash: &mut Md5, content: Content) -> Result<()> {
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
