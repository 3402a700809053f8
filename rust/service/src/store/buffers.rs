//! Memory for blocks, used again and again.
//!
//! The first touch of fresh memory costs more than copying into memory already mapped (a page fault
//! every 4 KiB), and would be charged to whichever client is being measured: so freed buffers are
//! kept and handed out again.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Smaller blocks are left to the allocator, which keeps them itself.
const SMALLEST_KEPT: usize = 4 << 10;
/// At most this much lies idle.
const MOST_IDLE: usize = 1 << 30;

#[derive(Debug, Default)]
struct Idle {
    by_capacity: HashMap<usize, Vec<Vec<u8>>>,
    bytes: usize,
}

/// The buffers that no block uses at present.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    idle: Mutex<Idle>,
}

impl BufferPool {
    /// A buffer of at least `length` bytes, of arbitrary content.
    pub(crate) fn take(self: &Arc<Self>, length: usize) -> Buffer {
        let capacity = capacity_for(length);
        let kept = (capacity >= SMALLEST_KEPT)
            .then(|| self.take_idle(capacity))
            .flatten();
        Buffer {
            bytes: kept.unwrap_or_else(|| vec![0; capacity]),
            pool: self.clone(),
        }
    }

    fn take_idle(&self, capacity: usize) -> Option<Vec<u8>> {
        let mut idle = self.idle.lock();
        let bytes = idle.by_capacity.get_mut(&capacity)?.pop()?;
        idle.bytes -= capacity;
        Some(bytes)
    }

    fn give_back(&self, bytes: Vec<u8>) {
        let mut idle = self.idle.lock();
        if bytes.len() >= SMALLEST_KEPT && idle.bytes + bytes.len() <= MOST_IDLE {
            idle.bytes += bytes.len();
            idle.by_capacity.entry(bytes.len()).or_default().push(bytes);
        }
    }
}

/// Eight sizes an octave: blocks of nearly one size share buffers, at most an eighth is wasted.
fn capacity_for(length: usize) -> usize {
    if length < SMALLEST_KEPT {
        return length;
    }
    let step = 1 << (length.ilog2() - 3);
    length.next_multiple_of(step)
}

/// A buffer that returns to its pool.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    pool: Arc<BufferPool>,
}

impl Buffer {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.len() >= SMALLEST_KEPT {
            self.pool.give_back(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_buffers_come_back() {
        let pool = Arc::new(BufferPool::default());
        let first = pool.take(100_000);
        let address = first.as_slice().as_ptr();
        drop(first);
        assert_eq!(pool.take(99_000).as_slice().as_ptr(), address);
    }

    #[test]
    fn capacities_waste_little() {
        assert_eq!(capacity_for(8 << 20), 8 << 20);
        for length in [4096, 4097, 65_537, 1_000_000, 5_000_001] {
            let capacity = capacity_for(length);
            assert!(
                capacity >= length && capacity - length <= length / 8,
                "{length} {capacity}"
            );
        }
    }
}
