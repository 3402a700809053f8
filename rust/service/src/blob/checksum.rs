//! Checksums that come with a request or go with an answer.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::errors::{self, Failure};
use crate::http::{Answer, Request};
use crate::store::Checksums;

/// What a client says of the body it sends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    crc64: Option<u64>,
    md5: Option<[u8; 16]>,
}

impl Expected {
    /// Reads `x-ms-content-crc64` and `Content-MD5`, of which a request may have one.
    pub(super) fn of(request: &Request<'_>) -> Result<Self, Failure> {
        Self::read(request, "x-ms-content-crc64", "content-md5")
    }

    /// The same of what a copy's source is said to be.
    pub(super) fn of_source(request: &Request<'_>) -> Result<Self, Failure> {
        Self::read(
            request,
            "x-ms-source-content-crc64",
            "x-ms-source-content-md5",
        )
    }

    fn read(request: &Request<'_>, crc64: &str, md5: &str) -> Result<Self, Failure> {
        let crc64 = request.filled_header(crc64).map(|text| {
            let bytes = decode::<8>(text).ok_or(errors::INVALID_HEADER_VALUE)?;
            Ok::<_, Failure>(u64::from_le_bytes(bytes))
        });
        let expected = Self {
            crc64: crc64.transpose()?,
            md5: md5_header(request, md5)?,
        };
        if expected.crc64.is_some() && expected.md5.is_some() {
            return Err(errors::INVALID_HEADER_VALUE.into());
        }
        Ok(expected)
    }

    pub(super) fn has_md5(&self) -> bool {
        self.md5.is_some()
    }

    /// Compares with what arrived.
    pub(super) fn verify(&self, actual: &Checksums) -> Result<(), Failure> {
        if let Some(expected) = self.crc64.filter(|expected| *expected != actual.crc64) {
            return Err(errors::crc64_mismatch(expected, actual.crc64));
        }
        match (self.md5, actual.md5) {
            (Some(expected), Some(actual)) => verify_md5(expected, actual),
            _ => Ok(()),
        }
    }
}

/// Compares an MD5 as sent with one as computed.
pub(super) fn verify_md5(expected: [u8; 16], actual: [u8; 16]) -> Result<(), Failure> {
    if expected == actual {
        return Ok(());
    }
    let error = errors::MD5_MISMATCH.error();
    let error = error.detail("UserSpecifiedMd5", BASE64_STANDARD.encode(expected));
    Err(error
        .detail("ServerCalculatedMd5", BASE64_STANDARD.encode(actual))
        .into())
}

/// Reads a header that holds an MD5.
pub(super) fn md5_header(request: &Request<'_>, name: &str) -> Result<Option<[u8; 16]>, Failure> {
    let md5 = request
        .filled_header(name)
        .map(|text| decode::<16>(text).ok_or(errors::INVALID_MD5));
    Ok(md5.transpose()?)
}

/// Says what arrived, by its CRC64.
pub(super) fn add_crc64(answer: &mut Answer, checksums: &Checksums) {
    answer.header("x-ms-content-crc64", &encode_crc64(checksums.crc64));
}

/// The same by its MD5, where that was computed.
pub(super) fn add_md5(answer: &mut Answer, checksums: &Checksums) {
    if let Some(md5) = checksums.md5 {
        answer.header("Content-MD5", &BASE64_STANDARD.encode(md5));
    }
}

/// The same by the checksum that the request had: CRC64 if it had none.
pub(super) fn add_what_was_sent(answer: &mut Answer, checksums: &Checksums) {
    if checksums.md5.is_some() {
        add_md5(answer, checksums);
    } else {
        add_crc64(answer, checksums);
    }
}

pub(super) fn encode_crc64(crc64: u64) -> String {
    BASE64_STANDARD.encode(crc64.to_le_bytes())
}

fn decode<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}
