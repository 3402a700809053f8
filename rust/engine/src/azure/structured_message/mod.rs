//! The structured message: content in segments, each followed by its CRC64, and the CRC64 of all of it
//! at the end, so that content of any size is vouched for by whoever sends it.
//!
//! | part | fields, little-endian |
//! |---|---|
//! | head | version (1 byte), length of the message (8), flags (2), number of segments (2) |
//! | segment | its number, from 1 (2), length of its content (8), content, CRC64 of it (8) |
//! | end | CRC64 of all content (8) |
//!
//! Asked for with `x-ms-structured-body`; the form is that of version 1 in azure-storage-blob's
//! `_shared/streams.py`. Nothing of a message is believed: each field is checked against what the head of
//! the answer says, before a byte is read on its word.

mod decoder;
mod encoder;

pub(crate) use self::{
    decoder::{Decoder, Unreadable},
    encoder::Encoder,
};

/// What `x-ms-structured-body` says of messages of this form.
pub(crate) const FORM: &str = "XSM/1.0; properties=crc64";

const VERSION: u8 = 1;
const HEAD: usize = 1 + 8 + 2 + 2;
const SEGMENT_HEAD: usize = 2 + 8;
const CRC64: usize = 8;
/// What is around content in one segment.
const SMALLEST_FRAME: usize = HEAD + SEGMENT_HEAD + CRC64 + CRC64;
/// The flag that says that there are CRC64.
const WITH_CRC64: u16 = 1;

#[cfg(test)]
mod known {
    pub(super) const CONTENT: &[u8] = b"123456789";
    /// What azure-storage-blob's `StructuredMessageEncodeStream` makes of it, in segments of 4 bytes.
    pub(super) const THREE_SEGMENTS: &str = "0154000000000000000100030001000400000000000000\
        31323334d471ffe2e7dbf529020004000000000000003536\
        3738d79f00e7af74c7f30300010000000000000039a7400f2e774d89858898790a86148bae";
    /// The same, in one segment.
    pub(super) const ONE_SEGMENT: &str = "0130000000000000000100010001000900000000000000313233343536373839\
        8898790a86148bae8898790a86148bae";

    pub(super) fn bytes(hex: &str) -> Vec<u8> {
        let digit = |byte: &u8| (*byte as char).to_digit(16).unwrap() as u8;
        hex.as_bytes()
            .chunks(2)
            .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
            .collect()
    }
}
