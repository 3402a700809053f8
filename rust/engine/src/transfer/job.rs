//! One item of a call, as the caller gives it, and what became of it.

use std::{io::Read, path::PathBuf, sync::Arc, time::Duration};

use super::options::UploadOptions;
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

impl Target {
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Memory(_) => None,
        }
    }
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

impl Source {
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Memory(_) | Self::Stream(_) => None,
        }
    }
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
pub struct Job(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
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

    /// An item whose arguments the caller found unacceptable; it fails in its place.
    pub fn invalid(blob: BlobPath, path: Option<PathBuf>, reason: InvalidInput) -> Self {
        Self(Kind::Invalid { blob, path, reason })
    }

    /// Bytes of the caller's memory that the job holds until it has ended.
    pub fn memory(&self) -> u64 {
        self.0.memory()
    }

    pub(super) fn check_range(&self) -> Result<(), InvalidInput> {
        match &self.0 {
            Kind::Download { offset, length, .. }
                if offset.saturating_add(length.unwrap_or(0)) > i64::MAX as u64 =>
            {
                Err(InvalidInput::new(
                    "offset and length are beyond the end of any blob",
                ))
            }
            _ => Ok(()),
        }
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
