//! Making a message.

use std::{cell::RefCell, fs::File, io};

use super::{CRC64, HEAD, SEGMENT_HEAD, VERSION, WITH_CRC64};
use crate::{
    checksum::{Crc64, combine},
    http::Produced,
    os,
};

/// Content of a segment of what is sent, as azure-storage-blob has it.
const SEGMENT_CONTENT: u64 = 4 << 20;

/// A piece of a file as a message, which is read once: while it is sent.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    file: &'a File,
    offset: u64,
    length: u64,
    segment_content: u64,
    state: RefCell<Encoded>,
}

/// How much of a message has been made.
#[derive(Debug)]
struct Encoded {
    /// Bytes of content.
    content: u64,
    segment: u16,
    /// Bytes of content that the current segment still gets.
    left: u64,
    running: Crc64,
    /// Of all segments before the current one.
    crc64: u64,
    /// What goes before further content.
    frame: Vec<u8>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(file: &'a File, offset: u64, length: u64) -> Self {
        let segment_content = SEGMENT_CONTENT.max(length.div_ceil(u64::from(u16::MAX)));
        let encoder = Self {
            file,
            offset,
            length,
            segment_content,
            state: RefCell::new(Encoded {
                content: 0,
                segment: 0,
                left: 0,
                running: Crc64::new(),
                crc64: 0,
                frame: Vec::new(),
            }),
        };
        encoder.restart();
        encoder
    }

    fn segments(&self) -> u16 {
        self.length.div_ceil(self.segment_content).max(1) as u16
    }

    /// Begins the message anew.
    pub(crate) fn restart(&self) {
        let mut frame = vec![VERSION];
        frame.extend_from_slice(&self.length().to_le_bytes());
        frame.extend_from_slice(&WITH_CRC64.to_le_bytes());
        frame.extend_from_slice(&self.segments().to_le_bytes());
        let mut state = self.state.borrow_mut();
        *state = Encoded {
            content: 0,
            segment: 0,
            left: 0,
            running: Crc64::new(),
            crc64: 0,
            frame,
        };
        self.begin_segment(&mut state);
    }

    /// Bytes of content, and the CRC64 of them once the message has been made to its end.
    pub(crate) fn content(&self) -> (u64, u64) {
        (self.length, self.state.borrow().crc64)
    }

    fn begin_segment(&self, state: &mut Encoded) {
        state.segment += 1;
        state.left = self.segment_content.min(self.length - state.content);
        state.frame.extend_from_slice(&state.segment.to_le_bytes());
        state.frame.extend_from_slice(&state.left.to_le_bytes());
    }

    fn end_segment(&self, state: &mut Encoded) {
        let length = state.content - u64::from(state.segment - 1) * self.segment_content;
        let crc64 = std::mem::replace(&mut state.running, Crc64::new()).value();
        state.crc64 = combine(state.crc64, crc64, length);
        state.frame.extend_from_slice(&crc64.to_le_bytes());
        if state.content < self.length {
            self.begin_segment(state);
        } else {
            state.frame.extend_from_slice(&state.crc64.to_le_bytes());
        }
    }
}

impl Produced for Encoder<'_> {
    fn length(&self) -> u64 {
        let frame = HEAD + usize::from(self.segments()) * (SEGMENT_HEAD + CRC64) + CRC64;
        self.length + frame as u64
    }

    fn next(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        let mut filled = 0;
        loop {
            let most = state.frame.len().min(buffer.len() - filled);
            buffer[filled..filled + most].copy_from_slice(&state.frame[..most]);
            state.frame.drain(..most);
            filled += most;
            let most = usize::try_from(state.left).unwrap_or(usize::MAX);
            let most = most.min(buffer.len() - filled);
            if most == 0 {
                return Ok(filled);
            }
            let piece = &mut buffer[filled..filled + most];
            os::read_exact_at(self.file, piece, self.offset + state.content)?;
            state.running.update(piece);
            state.content += most as u64;
            state.left -= most as u64;
            filled += most;
            if state.left == 0 {
                self.end_segment(state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::known::{CONTENT, ONE_SEGMENT, THREE_SEGMENTS, bytes},
        *,
    };
    use crate::checksum::crc64;

    #[test]
    fn what_is_sent_is_what_azure_storage_blob_sends() {
        let path = std::env::temp_dir().join(format!("fastblob-encoder-{}", std::process::id()));
        std::fs::write(&path, [b"before", CONTENT, b"behind"].concat()).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for (segment_content, expected) in [(4, THREE_SEGMENTS), (SEGMENT_CONTENT, ONE_SEGMENT)] {
            let mut encoder = Encoder::new(&file, 6, 9);
            encoder.segment_content = segment_content;
            for at_once in [1, 5, 14, 1_000] {
                encoder.restart();
                let mut message: Vec<u8> = Vec::new();
                let mut buffer = vec![0; at_once];
                loop {
                    match encoder.next(&mut buffer).unwrap() {
                        0 => break,
                        count => message.extend(&buffer[..count]),
                    }
                }
                assert_eq!(message, bytes(expected), "{at_once}");
                assert_eq!(encoder.length(), message.len() as u64);
                assert_eq!(encoder.content(), (9, crc64(0, CONTENT)));
            }
        }
        let encoder = Encoder::new(&file, 20, 9);
        assert!(encoder.next(&mut [0; 100]).is_err());
    }
}
