//! A container: its blobs, the blocks not yet committed, the leases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;

use super::blob::Blob;
use super::block::Block;
use super::lease::Lease;
use crate::clock::Timestamp;

/// What anybody may do without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicAccess {
    /// Read blobs.
    Blob,
    /// Read and list blobs.
    Container,
}

impl PublicAccess {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Blob, Self::Container]
            .into_iter()
            .find(|access| access.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Container => "container",
        }
    }
}

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) access: Option<PublicAccess>,
    pub(crate) contents: RwLock<Contents>,
}

impl Container {
    /// The committed blob of that name.
    pub(crate) fn blob(&self, name: &str) -> Option<Arc<Blob>> {
        self.contents.read().blobs.get(name).cloned()
    }
}

/// What a container's lock guards.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) blobs: BTreeMap<String, Arc<Blob>>,
    /// Blocks put and not committed, by blob and id (in the order in which Get Block List tells
    /// them).
    pub(crate) uncommitted: HashMap<String, BTreeMap<String, Arc<Block>>>,
    pub(crate) leases: HashMap<String, Lease>,
}
