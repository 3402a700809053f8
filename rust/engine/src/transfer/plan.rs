//! How a blob is cut into parts: the ranges of a download, the blocks of an upload.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    limits::{MAX_BLOCK_SIZE, MAX_BLOCKS, PART_SIZE},
    random,
};

/// Parts of equal size, the last one shorter, never more than [`MAX_BLOCKS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    total: u64,
    size: u64,
}

impl Parts {
    /// The parts of `total` bytes; None where no part may be large enough.
    pub(crate) fn new(total: u64) -> Option<Self> {
        Self::of(total, PART_SIZE)
    }

    /// The same in parts of `size`, or larger ones where that takes too many.
    pub(crate) fn of(total: u64, mut size: u64) -> Option<Self> {
        if total > size * MAX_BLOCKS {
            // Whole MiB, so that parts stay aligned to whatever stores them.
            size = total.div_ceil(MAX_BLOCKS).next_multiple_of(1 << 20);
        }
        (size <= MAX_BLOCK_SIZE).then_some(Self { total, size })
    }

    /// The same bytes in smaller parts, as a checksum of each part asks for.
    pub(crate) fn no_larger_than(self, size: u64) -> Self {
        Self {
            size: self.size.min(size),
            ..self
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.total.div_ceil(self.size)
    }

    /// Offset and length of a part.
    pub(crate) fn get(&self, index: u64) -> (u64, u64) {
        let offset = index * self.size;
        (offset, self.size.min(self.total - offset))
    }
}

/// Sizes of the blocks of a stream whose length nobody knows: they double every 5,000 blocks, so that
/// 50,000 of them hold 38 TiB, and those of the first 39 GiB are small.
/// `most` is how large one of the first may be.
pub(crate) fn stream_block_size(index: u64, most: u64) -> u64 {
    let first = most.clamp(SMALLEST_STREAM_BLOCK, PART_SIZE);
    (first << (index / 5_000)).min(MAX_BLOCK_SIZE)
}

/// Blocks of a stream are no smaller, however little memory there is.
const SMALLEST_STREAM_BLOCK: u64 = 256 << 10;

/// Ids of the blocks of one upload.
///
/// All blocks of a blob, uncommitted ones of others included, share one list and must have ids of equal
/// length. The nonce keeps apart two uploads to one blob at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockIds {
    nonce: u64,
}

impl BlockIds {
    pub(crate) fn new() -> Self {
        Self {
            nonce: random::unique(),
        }
    }

    pub(crate) fn get(self, index: u64) -> String {
        STANDARD.encode(format!("{:016x}-{index:07}", self.nonce))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(Parts::new(1 << 30).unwrap().count(), 128);
        assert_eq!(Parts::new(0).unwrap().count(), 0);
        assert_eq!(
            Parts::new(MAX_BLOCKS * MAX_BLOCK_SIZE).unwrap().count(),
            MAX_BLOCKS
        );
        assert_eq!(Parts::new(MAX_BLOCKS * MAX_BLOCK_SIZE + 1), None);
    }

    #[test]
    fn a_stream_may_be_long() {
        let total: u64 = (0..MAX_BLOCKS)
            .map(|index| stream_block_size(index, u64::MAX))
            .sum();
        assert!(total >= 38 << 40, "{total}");
    }

    #[test]
    fn large_parts_grow_where_there_would_be_too_many() {
        let size = 64 << 20;
        assert_eq!(Parts::of(size + 1, size).unwrap().count(), 2);
        let most = Parts::of(MAX_BLOCKS * MAX_BLOCK_SIZE, size).unwrap();
        assert_eq!(most.count(), MAX_BLOCKS);
        assert_eq!(Parts::of(MAX_BLOCKS * MAX_BLOCK_SIZE + 1, size), None);
    }

    proptest! {
        #[test]
        fn parts_cover_everything_once(total in 0..(MAX_BLOCKS * MAX_BLOCK_SIZE)) {
            let parts = Parts::new(total).unwrap();
            prop_assert!(parts.count() <= MAX_BLOCKS);
            let mut end = 0;
            for index in [0, 1, parts.count() / 2, parts.count().saturating_sub(1)] {
                if index < parts.count() {
                    let (offset, length) = parts.get(index);
                    prop_assert!(length > 0 && length <= MAX_BLOCK_SIZE);
                    prop_assert_eq!(offset, index * parts.get(0).1);
                    end = offset + length;
                }
            }
            prop_assert_eq!(end, total);
        }

        #[test]
        fn ids_have_one_length_and_differ(a in 0..MAX_BLOCKS, b in 0..MAX_BLOCKS) {
            let ids = BlockIds::new();
            prop_assert_eq!(ids.get(a).len(), ids.get(b).len());
            prop_assert!(STANDARD.decode(ids.get(a)).unwrap().len() <= 64);
            prop_assert_eq!(a == b, ids.get(a) == ids.get(b));
        }
    }
}
