//! The content of a blob: blocks one after another.

use std::io;
use std::sync::Arc;

use super::block::Block;

#[derive(Debug)]
struct Segment {
    /// The block id; None if the blob was put whole.
    id: Option<String>,
    block: Arc<Block>,
    /// Offset in the blob of the byte after this block.
    end: u64,
}

/// Immutable content, shared by all that read it.
#[derive(Debug)]
pub(crate) struct Content {
    segments: Vec<Segment>,
}

impl Content {
    /// Content put whole.
    pub(crate) fn whole(block: Arc<Block>) -> Self {
        let end = block.length();
        Self {
            segments: vec![Segment {
                id: None,
                block,
                end,
            }],
        }
    }

    /// Content made of blocks.
    pub(crate) fn of_blocks(blocks: Vec<(String, Arc<Block>)>) -> Self {
        let mut end = 0;
        let segments = blocks.into_iter().map(|(id, block)| {
            end += block.length();
            Segment {
                id: Some(id),
                block,
                end,
            }
        });
        Self {
            segments: segments.collect(),
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.end)
    }

    /// The blocks it was made of, with their ids.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (&str, &Arc<Block>)> {
        self.segments
            .iter()
            .filter_map(|segment| Some((segment.id.as_deref()?, &segment.block)))
    }

    /// A range to be sent; it must lie within the content.
    pub(crate) fn range(self: &Arc<Self>, start: u64, length: u64) -> ContentRange {
        ContentRange {
            content: self.clone(),
            start,
            length,
        }
    }
}

/// Part of a blob's content, which lives as long as somebody reads it.
#[derive(Clone, Debug)]
pub(crate) struct ContentRange {
    content: Arc<Content>,
    start: u64,
    length: u64,
}

impl ContentRange {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Part of this part; it must lie within.
    pub(crate) fn part(&self, start: u64, length: u64) -> Self {
        self.content.range(self.start + start, length)
    }

    /// Passes on the bytes from where they are stored.
    pub(crate) fn for_each_slice(
        &self,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let end = self.start + self.length;
        let segments = &self.content.segments;
        let first = segments.partition_point(|segment| segment.end <= self.start);
        for segment in &segments[first..] {
            let begins = segment.end - segment.block.length();
            if begins >= end {
                break;
            }
            let from = self.start.max(begins);
            let to = end.min(segment.end);
            if to > from {
                segment
                    .block
                    .for_each_slice(from - begins, to - from, sink)?;
            }
        }
        Ok(())
    }
}
