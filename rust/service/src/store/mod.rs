//! Containers and blobs: names and properties in memory, content in memory or in files.

mod blob;
mod block;
mod buffers;
mod container;
mod content;
mod lease;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

pub(crate) use blob::{Blob, ContentHeaders, CopyRecord, Tier};
pub(crate) use block::{Block, BlockStore, Checksums, Source};
pub(crate) use container::{Container, Contents, PublicAccess};
pub(crate) use content::{Content, ContentRange};
pub(crate) use lease::{Lease, LeaseState};

use crate::clock::{Etags, Timestamp};

/// All that an account holds.
#[derive(Debug)]
pub(crate) struct Store {
    containers: RwLock<BTreeMap<String, Arc<Container>>>,
    pub(crate) blocks: BlockStore,
    pub(crate) etags: Etags,
}

impl Store {
    pub(crate) fn new(directory: Option<PathBuf>) -> io::Result<Self> {
        Ok(Self {
            containers: RwLock::default(),
            blocks: BlockStore::new(directory)?,
            etags: Etags::default(),
        })
    }

    /// The container of that name.
    pub(crate) fn container(&self, name: &str) -> Option<Arc<Container>> {
        self.containers.read().get(name).cloned()
    }

    /// All containers, by name.
    pub(crate) fn containers(&self) -> Vec<Arc<Container>> {
        self.containers.read().values().cloned().collect()
    }

    /// Adds a container. None if there is one of that name.
    pub(crate) fn add_container(
        &self,
        name: &str,
        metadata: Vec<(String, String)>,
        access: Option<PublicAccess>,
    ) -> Option<Arc<Container>> {
        let mut containers = self.containers.write();
        if containers.contains_key(name) {
            return None;
        }
        let container = Arc::new(Container {
            name: name.to_owned(),
            etag: self.etags.next(),
            modified: Timestamp::now(),
            metadata,
            access,
            contents: RwLock::default(),
        });
        containers.insert(name.to_owned(), container.clone());
        Some(container)
    }

    /// Adds a private container unless there is one of that name.
    pub(crate) fn ensure_container(&self, name: &str) {
        self.add_container(name, Vec::new(), None);
    }

    /// Removes a container and what is in it.
    pub(crate) fn remove_container(&self, name: &str) -> Option<Arc<Container>> {
        self.containers.write().remove(name)
    }
}
