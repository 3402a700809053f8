//! The structured message: content in segments, each followed by its CRC64, and the CRC64 of all of
//! it at the end. The form is that of version 1 in azure-storage-blob's `_shared/streams.py`.

use std::io;

use crc_fast::{CrcAlgorithm, Digest as Crc, checksum_combine};

use crate::errors::{self, Failure};
use crate::http::RequestBody;
use crate::store::{ContentRange, Source};

/// What `x-ms-structured-body` says of messages of this form.
pub(crate) const FORM: &str = "XSM/1.0; properties=crc64";

const VERSION: u8 = 1;
/// Version, length of the message, flags, number of segments.
const MESSAGE_HEAD: usize = 1 + 8 + 2 + 2;
/// Number of the segment, length of its content.
const SEGMENT_HEAD: usize = 2 + 8;
const CRC64: usize = 8;
/// The flag that says that CRC64 are there.
const WITH_CRC64: u16 = 1;
const SEGMENT_CONTENT: u64 = 4 << 20;
/// What is summed up is still in the processor's cache when it is sent.
const IN_CACHE: usize = 512 << 10;

fn new_crc() -> Crc {
    Crc::new(CrcAlgorithm::Crc64Nvme)
}

/// The CRC64 of what has the first and, after it, of what has the second and that length.
fn combined(first: u64, second: u64, length: u64) -> u64 {
    if first == 0 {
        // Shifting zero gives zero; for any other value it takes 50 microseconds.
        return second;
    }
    checksum_combine(CrcAlgorithm::Crc64Nvme, first, second, length)
}

/// Part of a blob's content, to be sent as a structured message.
#[derive(Clone, Debug)]
pub(crate) struct StructuredRange {
    content: ContentRange,
    segment_content: u64,
    segments: u16,
}

impl StructuredRange {
    pub(crate) fn new(content: ContentRange) -> Self {
        let length = content.length();
        // Content too long for segments of the usual size has larger ones: their number has 16 bits.
        let segment_content = SEGMENT_CONTENT.max(length.div_ceil(u64::from(u16::MAX)));
        let segments = length.div_ceil(segment_content).max(1) as u16;
        Self {
            content,
            segment_content,
            segments,
        }
    }

    /// Length of the message.
    pub(crate) fn length(&self) -> u64 {
        let framing = MESSAGE_HEAD + usize::from(self.segments) * (SEGMENT_HEAD + CRC64) + CRC64;
        self.content.length() + framing as u64
    }

    /// Passes the message on: content from where it is stored, with `true`, and the little that is
    /// around it, with `false`.
    pub(crate) fn for_each_slice(
        &self,
        sink: &mut dyn FnMut(&[u8], bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut head = vec![VERSION];
        head.extend_from_slice(&self.length().to_le_bytes());
        head.extend_from_slice(&WITH_CRC64.to_le_bytes());
        head.extend_from_slice(&self.segments.to_le_bytes());
        sink(&head, false)?;

        let mut all = new_crc().finalize();
        for number in 1..=self.segments {
            let start = u64::from(number - 1) * self.segment_content;
            let length = self.segment_content.min(self.content.length() - start);
            let mut head = number.to_le_bytes().to_vec();
            head.extend_from_slice(&length.to_le_bytes());
            sink(&head, false)?;
            let mut crc = new_crc();
            self.content
                .part(start, length)
                .for_each_slice(&mut |slice| {
                    slice.chunks(IN_CACHE).try_for_each(|piece| {
                        crc.update(piece);
                        sink(piece, true)
                    })
                })?;
            let crc = crc.finalize();
            sink(&crc.to_le_bytes(), false)?;
            all = combined(all, crc, length);
        }
        sink(&all.to_le_bytes(), false)
    }
}

/// The content of a structured message, verified as it is read.
#[derive(Debug)]
pub(crate) struct Decoder<'b, 'c> {
    body: &'b mut RequestBody<'c>,
    content_length: u64,
    segments: u16,
    /// Number of the segment being read; 0 before the first.
    segment: u16,
    segment_length: u64,
    left_in_segment: u64,
    segment_crc: Crc,
    crc: u64,
    received: u64,
    ended: bool,
}

impl<'b, 'c> Decoder<'b, 'c> {
    /// Reads the head of a message whose content is said to be of that length.
    pub(crate) fn new(body: &'b mut RequestBody<'c>, content_length: u64) -> Result<Self, Failure> {
        let told = body.length();
        // Nobody is to have memory reserved for more than is sent.
        if told.is_some_and(|told| told < content_length) {
            return Err(errors::INVALID_INPUT.into());
        }
        let [version, head @ ..] = read::<MESSAGE_HEAD>(body)?;
        let length = little_endian(&head[..8]);
        let flags = little_endian(&head[8..10]);
        let segments = little_endian(&head[10..]) as u16;
        let fits = told.is_none_or(|told| told == length);
        if version != VERSION || !fits || flags != u64::from(WITH_CRC64) || segments == 0 {
            return Err(errors::INVALID_INPUT.into());
        }
        Ok(Self {
            body,
            content_length,
            segments,
            segment: 0,
            segment_length: 0,
            left_in_segment: 0,
            segment_crc: new_crc(),
            crc: new_crc().finalize(),
            received: 0,
            ended: false,
        })
    }

    /// Reads to the end of the message, where its last checksums are.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        match self.read_full(&mut [0])? {
            0 => Ok(()),
            _ => Err(errors::INVALID_INPUT.into()),
        }
    }

    /// Verifies the segment that was read, and goes on to the next. False at the end of the message.
    fn next_segment(&mut self) -> Result<bool, Failure> {
        if self.ended {
            return Ok(false);
        }
        if self.segment > 0 {
            let crc = std::mem::replace(&mut self.segment_crc, new_crc()).finalize();
            self.verify(crc)?;
            self.crc = combined(self.crc, crc, self.segment_length);
        }
        if self.segment == self.segments {
            self.verify(self.crc)?;
            let more = self.body.read(&mut [0])? > 0;
            if more || self.received != self.content_length {
                return Err(errors::INVALID_INPUT.into());
            }
            self.ended = true;
            return Ok(false);
        }
        let head = read::<SEGMENT_HEAD>(self.body)?;
        let number = little_endian(&head[..2]) as u16;
        let length = little_endian(&head[2..]);
        let expected = self.content_length - self.received;
        if number != self.segment + 1 || length > expected {
            return Err(errors::INVALID_INPUT.into());
        }
        self.segment = number;
        self.segment_length = length;
        self.left_in_segment = length;
        Ok(true)
    }

    fn verify(&mut self, calculated: u64) -> Result<(), Failure> {
        let specified = u64::from_le_bytes(read::<CRC64>(self.body)?);
        if specified == calculated {
            Ok(())
        } else {
            Err(errors::crc64_mismatch(specified, calculated))
        }
    }
}

impl Source for Decoder<'_, '_> {
    fn length(&self) -> Option<u64> {
        Some(self.content_length)
    }

    fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.left_in_segment == 0 {
                if self.next_segment()? {
                    continue;
                }
                break;
            }
            let length = self.left_in_segment.min((buffer.len() - filled) as u64) as usize;
            let piece = &mut buffer[filled..filled + length];
            read_exact(self.body, piece)?;
            self.segment_crc.update(piece);
            self.left_in_segment -= length as u64;
            self.received += length as u64;
            filled += length;
        }
        Ok(filled)
    }
}

fn read<const BYTES: usize>(body: &mut RequestBody<'_>) -> Result<[u8; BYTES], Failure> {
    let mut bytes = [0; BYTES];
    read_exact(body, &mut bytes)?;
    Ok(bytes)
}

/// A message that ends before its end is the client's mistake, not the connection's.
fn read_exact(body: &mut RequestBody<'_>, buffer: &mut [u8]) -> Result<(), Failure> {
    if body.read_full(buffer)? == buffer.len() {
        Ok(())
    } else {
        Err(errors::INVALID_INPUT.into())
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
