//! What the caller asks of one blob, and what became of it.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    file::FileTarget,
    memory::{MemorySource, MemoryTarget},
};
use crate::{
    azure::{
        Answer, BlobRef, Conditions, CopyBlob, CreateContainer, DeleteBlob, DeleteContainer,
        Downloaded, GetAccountInformation, GetContainerProperties, GetProperties, GetTags, Lease,
        ListAll, ListOptions, SetContainerMetadata, SetHttpHeaders, SetMetadata, SetTags, SetTier,
        SmallOperation, SnapshotBlob, UndeleteBlob, Updated, WriteOptions,
    },
    error::{Error, Result},
    http::ResponseHead,
};

/// What becomes of the bytes of a download.
#[derive(Debug)]
pub(crate) enum Target {
    File(FileTarget),
    Memory(Box<dyn MemoryTarget>),
}

/// Where the bytes of an upload come from.
#[derive(Debug)]
pub enum Source {
    /// A file, read while it is sent.
    File(PathBuf),
    /// Memory, sent from where it is.
    Memory(MemorySource),
    /// Blocks that the driver of the call supplies, one after another.
    Blocks,
}

/// What the caller asks of one blob.
#[derive(Debug)]
pub struct Job {
    pub(super) blob: BlobRef,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Download {
        target: Target,
        offset: u64,
        length: Option<u64>,
        conditions: Arc<Conditions>,
    },
    Upload {
        source: Source,
        options: Arc<WriteOptions>,
    },
    Delete(DeleteBlob),
    Small(Box<dyn SmallOperation>),
    /// Nothing is to be done; keeps its place among the results. The local file, where there is one.
    Settled(Option<PathBuf>, Settled),
}

/// What is known of an item before anything is done.
pub(super) enum Settled {
    Skipped(String),
    Failed(Error),
}

impl From<Settled> for Result<Output> {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Skipped(reason) => Ok(Output::Skipped(reason)),
            Settled::Failed(error) => Err(error),
        }
    }
}

impl Job {
    /// Downloads a blob to a file, which appears under its name when it is complete.
    pub fn download(blob: BlobRef, path: PathBuf, conditions: Arc<Conditions>) -> Self {
        Self::download_to(blob, FileTarget::Path(path), conditions)
    }

    pub(super) fn download_to(
        blob: BlobRef,
        target: FileTarget,
        conditions: Arc<Conditions>,
    ) -> Self {
        Self::get(blob, Target::File(target), 0, None, conditions)
    }

    /// Reads a blob, or `length` bytes of it from `offset`, into memory. A range is cut at the blob's end.
    pub fn read(
        blob: BlobRef,
        target: Box<dyn MemoryTarget>,
        offset: u64,
        length: Option<u64>,
        conditions: Arc<Conditions>,
    ) -> Self {
        Self::get(blob, Target::Memory(target), offset, length, conditions)
    }

    fn get(
        blob: BlobRef,
        target: Target,
        offset: u64,
        length: Option<u64>,
        conditions: Arc<Conditions>,
    ) -> Self {
        Self {
            blob,
            kind: Kind::Download {
                target,
                offset,
                length,
                conditions,
            },
        }
    }

    /// Writes a blob.
    pub fn upload(source: Source, blob: BlobRef, options: Arc<WriteOptions>) -> Self {
        Self {
            blob,
            kind: Kind::Upload { source, options },
        }
    }

    /// Deletes a blob; several of one call go into one request.
    pub fn delete(blob: BlobRef, delete: DeleteBlob) -> Self {
        Self {
            blob,
            kind: Kind::Delete(delete),
        }
    }

    /// Copies a blob.
    pub fn copy(target: BlobRef, copy: CopyBlob) -> Self {
        Self::small(target, copy)
    }

    /// Asks for a blob's properties.
    pub fn properties(blob: BlobRef, conditions: Conditions) -> Self {
        Self::small(blob, GetProperties { conditions })
    }

    /// Does something with the lease on a blob.
    pub fn lease(blob: BlobRef, operation: Lease) -> Self {
        Self::small(blob, operation)
    }

    /// Lists what is below a prefix.
    pub fn list(prefix: BlobRef, options: ListOptions) -> Self {
        Self::small(prefix, ListAll::new(options))
    }

    /// Moves a blob to another tier.
    pub fn set_tier(blob: BlobRef, operation: SetTier) -> Self {
        Self::small(blob, operation)
    }

    /// Replaces a blob's index tags.
    pub fn set_tags(blob: BlobRef, operation: SetTags) -> Self {
        Self::small(blob, operation)
    }

    /// Asks for a blob's index tags.
    pub fn get_tags(blob: BlobRef, operation: GetTags) -> Self {
        Self::small(blob, operation)
    }

    /// Replaces a blob's metadata.
    pub fn set_metadata(blob: BlobRef, operation: SetMetadata) -> Self {
        Self::small(blob, operation)
    }

    /// Replaces a blob's headers of content.
    pub fn set_http_headers(blob: BlobRef, operation: SetHttpHeaders) -> Self {
        Self::small(blob, operation)
    }

    /// Takes a snapshot of a blob.
    pub fn snapshot(blob: BlobRef, operation: SnapshotBlob) -> Self {
        Self::small(blob, operation)
    }

    /// Brings a blob back that was deleted.
    pub fn undelete(blob: BlobRef, operation: UndeleteBlob) -> Self {
        Self::small(blob, operation)
    }

    /// Makes a container.
    pub fn create_container(container: BlobRef, operation: CreateContainer) -> Self {
        Self::small(container, operation)
    }

    /// Deletes a container.
    pub fn delete_container(container: BlobRef, operation: DeleteContainer) -> Self {
        Self::small(container, operation)
    }

    /// Asks for a container's properties.
    pub fn container_properties(container: BlobRef, operation: GetContainerProperties) -> Self {
        Self::small(container, operation)
    }

    /// Replaces a container's metadata.
    pub fn set_container_metadata(container: BlobRef, operation: SetContainerMetadata) -> Self {
        Self::small(container, operation)
    }

    /// Asks what kind of account it is.
    pub fn account_information() -> Self {
        Self::small(BlobRef::account(), GetAccountInformation)
    }

    fn small(blob: BlobRef, operation: impl SmallOperation + 'static) -> Self {
        Self {
            blob,
            kind: Kind::Small(Box::new(operation)),
        }
    }

    /// An item that nothing is done for, for a reason that its result gives.
    pub fn skipped(blob: BlobRef, path: Option<PathBuf>, reason: String) -> Self {
        Self {
            blob,
            kind: Kind::Settled(path, Settled::Skipped(reason)),
        }
    }

    /// An item that has failed already; it does so in its place.
    pub fn failed(blob: BlobRef, path: Option<PathBuf>, error: Error) -> Self {
        Self {
            blob,
            kind: Kind::Settled(path, Settled::Failed(error)),
        }
    }

    /// Bytes of the caller's memory that the job holds until it has ended.
    pub fn memory(&self) -> u64 {
        match &self.kind {
            Kind::Upload {
                source: Source::Memory(memory),
                ..
            } => memory.bytes().len() as u64,
            _ => 0,
        }
    }

    pub(super) fn path(&self) -> Option<PathBuf> {
        match &self.kind {
            Kind::Download {
                target: Target::File(target),
                ..
            } => Some(target.path()),
            Kind::Upload {
                source: Source::File(path),
                ..
            } => Some(path.clone()),
            Kind::Settled(path, _) => path.clone(),
            _ => None,
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Download { .. } => "Download",
            Self::Upload { .. } => "Upload",
            Self::Delete(_) => "Delete",
            Self::Small(_) => "Small",
            Self::Settled(..) => "Settled",
        })
    }
}

/// What an item that succeeded has to say.
#[derive(Debug)]
pub enum Output {
    /// Of a download or a read.
    Downloaded(Downloaded),
    /// Of an upload or a write.
    Uploaded(Uploaded),
    /// Of any other operation.
    Answer(Answer),
    /// Nothing was done, for this reason.
    Skipped(String),
}

/// What an upload has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Bytes that the blob has now.
    pub size: u64,
    /// CRC64 of them.
    pub crc64: u64,
    /// ETag, in quotes as the service sends it.
    pub etag: Option<String>,
    /// When it was written.
    pub last_modified: Option<SystemTime>,
    /// Where the account keeps versions: which one it is.
    pub version_id: Option<String>,
}

impl Uploaded {
    /// `head` is of the answer to what made the blob.
    pub(super) fn new(size: u64, crc64: u64, head: &ResponseHead) -> Self {
        let Updated {
            etag,
            last_modified,
            version_id,
        } = Updated::read(head);
        Self {
            size,
            crc64,
            etag,
            last_modified,
            version_id,
        }
    }
}

/// What became of one item.
#[derive(Debug)]
pub struct Outcome {
    /// The blob.
    pub blob: BlobRef,
    /// The local file, where one took part.
    pub path: Option<PathBuf>,
    /// What was asked for, or why it failed.
    pub result: Result<Output>,
    /// Requests sent.
    pub requests: u32,
    /// Requests among them that were repeated.
    pub retries: u32,
    /// From the first request to the end.
    pub elapsed: Duration,
}
