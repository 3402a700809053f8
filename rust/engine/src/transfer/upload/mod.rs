//! One blob on the way up.
//!
//! Small content is one Put Blob. Larger content is blocks, several at a time, and a block list at the
//! end, before which nobody sees anything of it.

mod blocks;
mod content;
mod stream;

use std::{fs::File, io::Read, path::PathBuf, sync::Arc};

use rustix::io::Errno;

use self::content::{Content, OpenFile};
use super::{
    item::{Item, Moved},
    job::Source,
    options::UploadOptions,
    put::{crc64_of, put_blob},
};
use crate::{
    error::{Error, Result},
    http::Body,
    limits::{PART_SIZE, WORK_MEMORY},
    scheduler::{Work, Worker},
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
            Ok(Opened::Stream(stream)) => stream::begin(item, stream, options, worker),
            Ok(Opened::Content(content)) if content.length() <= PART_SIZE => {
                let result = put_whole(&item, &content, &options, worker);
                drop(content);
                let moved = result.as_ref().map_or(0, |moved| moved.size);
                item.finish(result);
                moved
            }
            Ok(Opened::Content(content)) => {
                blocks::begin(item, content, options);
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
    Ok(Opened::Content(Content::File(OpenFile::new(
        path, file, found,
    ))))
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
