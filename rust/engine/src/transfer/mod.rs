//! Moving blobs: one or many, whole or in parts.

mod batch;
mod delete;
mod download;
mod file;
mod item;
mod list;
mod options;
mod parts;
mod properties;
mod put;
mod range;
mod upload;

use std::{io::Read, path::PathBuf, sync::Arc, time::Duration};

pub(crate) use self::{delete::delete_blob, file::PARTIAL_SUFFIX};

pub use self::{
    batch::{Batch, BatchState, OnError},
    options::UploadOptions,
};
use crate::{
    blob::BlobProperties,
    error::{Error, InvalidInput},
    listing::ListEntry,
    memory::{MemorySource, MemoryTarget},
    path::BlobPath,
};

/// What becomes of the bytes of a download.
#[derive(Debug)]
pub(crate) enum Target {
    File(PathBuf),
    Memory(Box<dyn MemoryTarget>),
}

/// Where the bytes of an upload come from.
pub enum Source {
    /// A file, read while it is sent.
    File(PathBuf),
    /// Memory, sent from where it is.
    Memory(MemorySource),
    /// Anything that can be read once, from its current position to its end.
    Stream(Box<dyn Read + Send>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Memory(memory) => memory.fmt(f),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// One item of a call.
#[derive(Debug)]
pub struct Job(Kind);

#[derive(Debug)]
enum Kind {
    Download {
        blob: BlobPath,
        target: Target,
        offset: u64,
        length: Option<u64>,
    },
    Upload {
        source: Source,
        blob: BlobPath,
        options: Arc<UploadOptions>,
    },
    Delete {
        blob: BlobPath,
    },
    Properties {
        blob: BlobPath,
    },
    List {
        prefix: BlobPath,
        one_level: bool,
    },
    /// An argument that was refused before; keeps its place among the results.
    Invalid {
        blob: BlobPath,
        path: Option<PathBuf>,
        reason: InvalidInput,
    },
}

impl Job {
    /// Downloads a blob to a file, which appears under its name when it is complete.
    pub fn download(blob: BlobPath, path: PathBuf) -> Self {
        Self(Kind::Download {
            blob,
            target: Target::File(path),
            offset: 0,
            length: None,
        })
    }

    /// Reads a blob, or `length` bytes of it from `offset`, into memory. A range is cut at the blob's end.
    pub fn read(
        blob: BlobPath,
        target: Box<dyn MemoryTarget>,
        offset: u64,
        length: Option<u64>,
    ) -> Self {
        Self(Kind::Download {
            blob,
            target: Target::Memory(target),
            offset,
            length,
        })
    }

    /// Writes a blob.
    pub fn upload(source: Source, blob: BlobPath, options: Arc<UploadOptions>) -> Self {
        Self(Kind::Upload {
            source,
            blob,
            options,
        })
    }

    /// Deletes a blob.
    pub fn delete(blob: BlobPath) -> Self {
        Self(Kind::Delete { blob })
    }

    /// Asks for a blob's properties.
    pub fn properties(blob: BlobPath) -> Self {
        Self(Kind::Properties { blob })
    }

    /// Lists what is below a prefix; with `one_level` what is directly below it.
    pub fn list(prefix: BlobPath, one_level: bool) -> Self {
        Self(Kind::List { prefix, one_level })
    }

    /// Bytes of the caller's memory that the job holds until it has ended.
    pub fn memory(&self) -> u64 {
        self.0.memory()
    }
}

impl Kind {
    fn memory(&self) -> u64 {
        match self {
            Self::Upload {
                source: Source::Memory(memory),
                ..
            } => memory.bytes().len() as u64,
            _ => 0,
        }
    }
}

/// What became of one item.
#[derive(Debug)]
pub struct Outcome {
    /// The blob.
    pub blob: BlobPath,
    /// The local file, where one took part.
    pub path: Option<PathBuf>,
    /// Bytes that arrived, or that the blob has now.
    pub size: u64,
    /// The blob's ETag, as the service sends it.
    pub etag: Option<String>,
    /// CRC64 of the bytes moved.
    pub crc64: Option<u64>,
    /// The blob's metadata, after a download.
    pub metadata: Vec<(String, String)>,
    /// The blob's properties, where they were asked for.
    pub properties: Option<Box<BlobProperties>>,
    /// What is below the prefix, where a list was asked for.
    pub entries: Vec<ListEntry>,
    /// Requests sent.
    pub requests: u32,
    /// Requests among them that were repeated.
    pub retries: u32,
    /// From the first request to the end.
    pub elapsed: Duration,
    /// Why it failed.
    pub error: Option<Error>,
}
