//! Memory of the caller that blobs are read into and written from, without a copy.

use std::{any::Any, fmt, io, sync::Arc};

/// Bytes to be written to a blob, and whatever keeps them alive.
pub struct MemorySource {
    bytes: &'static [u8],
    owned: Option<Vec<u8>>,
    _owner: Box<dyn Any + Send + Sync>,
}

impl MemorySource {
    /// `bytes` must stay as they are for as long as `owner` lives; `owner` is dropped after the last use
    /// of them, on any thread.
    pub fn new(bytes: &'static [u8], owner: Box<dyn Any + Send + Sync>) -> Self {
        Self {
            bytes,
            owned: None,
            _owner: owner,
        }
    }

    /// Bytes that belong to it.
    pub fn owned(content: Vec<u8>) -> Self {
        Self {
            bytes: &[],
            owned: Some(content),
            _owner: Box::new(()),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.owned.as_deref().unwrap_or(self.bytes)
    }
}

/// Room for a blob's bytes, and whatever keeps it alive.
pub struct MemoryRegion {
    bytes: &'static mut [u8],
    owner: Arc<dyn Any + Send + Sync>,
}

impl MemoryRegion {
    /// Nobody else may use `bytes` until `owner` is dropped, which happens on any thread.
    pub fn new(bytes: &'static mut [u8], owner: Arc<dyn Any + Send + Sync>) -> Self {
        Self { bytes, owner }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// Two neighbours, that two threads can fill at the same time.
    pub(crate) fn split_at(self, middle: usize) -> (Self, Self) {
        let (first, second) = self.bytes.split_at_mut(middle);
        (
            Self::new(first, Arc::clone(&self.owner)),
            Self::new(second, self.owner),
        )
    }
}

/// Where a blob is read to: asked for room as soon as the size is known.
pub trait MemoryTarget: Send {
    /// Room for exactly `length` bytes, all of which will be written unless the transfer fails.
    ///
    /// Called by any thread; a second time where the blob changed meanwhile and is read anew.
    ///
    /// # Errors
    /// Where there is no room.
    fn allocate(&mut self, length: u64) -> io::Result<MemoryRegion>;
}

impl fmt::Debug for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySource({} bytes)", self.bytes().len())
    }
}

impl fmt::Debug for MemoryRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryRegion({} bytes)", self.bytes.len())
    }
}

impl fmt::Debug for dyn MemoryTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryTarget")
    }
}
