//! Get Blob: <https://learn.microsoft.com/rest/api/storageservices/get-blob>
//!
//! A range is got in two steps: the head is opened, then whoever asked copies the body to its place.

use std::{ops::Range, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    conditions::Conditions, content_headers::ContentHeaders, encryption::Encrypts,
    revision::Address, session::Operation, small_operation::date, structured_message,
};
use crate::{
    http::{Request, ResponseHead, TransportError, number},
    limits::MAX_BLOB_SIZE,
};

/// How the service vouches for the bytes of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vouching {
    /// By their number alone.
    Length,
    /// With a CRC64 in the head of its answer, for a range of at most 4 MiB.
    RangeCrc64,
    /// With a structured message, where it knows that.
    StructuredMessage,
}

/// Bytes `first..=last` of a blob.
#[derive(Debug)]
pub(crate) struct GetBlob<'a> {
    pub(crate) address: &'a Address,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Of the version that is wanted, once one is known.
    pub(crate) etag: Option<&'a str>,
    /// What the caller asks of the version; for the first range.
    pub(crate) conditions: Option<&'a Conditions>,
    /// Bytes of buffer that copying the body needs.
    pub(crate) buffer: usize,
    /// What the service is asked for.
    pub(crate) vouching: Vouching,
}

impl Operation for GetBlob<'_> {
    fn expected(&self) -> &[u16] {
        &[200, 206]
    }

    fn buffer_size(&self) -> usize {
        self.buffer
    }

    fn encrypts(&self) -> Encrypts {
        Encrypts::Reading
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let mut request = self
            .address
            .request("GET")
            .header("x-ms-range", format!("bytes={}-{}", self.first, self.last));
        match (self.etag, self.conditions) {
            (Some(etag), conditions) => {
                request = request.header("if-match", etag);
                if let Some(conditions) = conditions {
                    request = conditions.apply_lease(request);
                }
            }
            (None, Some(conditions)) => request = conditions.apply(request),
            (None, None) => {}
        }
        match self.vouching {
            Vouching::Length => request,
            Vouching::RangeCrc64 => request.header("x-ms-range-get-content-crc64", "true"),
            Vouching::StructuredMessage => {
                request.header("x-ms-structured-body", structured_message::FORM)
            }
        }
    }
}

/// What the head of an answer tells about the range that follows.
#[derive(Debug)]
pub(crate) struct ReceivedRange {
    /// The bytes that follow.
    pub(crate) bytes: Range<u64>,
    /// Bytes of the whole blob.
    pub(crate) total: u64,
    /// The blob's stored MD5, base64.
    pub(crate) md5: Option<String>,
    /// They come in a structured message.
    pub(crate) is_message: bool,
}

impl ReceivedRange {
    /// Reads a head that answers a request for `first..end`.
    pub(crate) fn read(
        head: &ResponseHead,
        first: u64,
        end: u64,
        vouching: Vouching,
    ) -> Result<Self, TransportError> {
        let is_message = match head.get("x-ms-structured-body") {
            // The service does not know the header.
            None => false,
            Some(structured_message::FORM) if vouching == Vouching::StructuredMessage => true,
            Some(_) => {
                return Err(TransportError::Protocol(
                    "the answer has a form that was not asked for",
                ));
            }
        };
        let length = if is_message {
            head.get("x-ms-structured-content-length")
                .map(|text| {
                    number(text).ok_or(TransportError::Protocol("the answer has an illegal length"))
                })
                .transpose()?
        } else {
            head.length()
        };
        // 200 is the whole blob, from a proxy that does not know x-ms-range: good if all was asked for.
        let (bytes, total) = match (head.status, head.content_range()) {
            (206, Some((Some((from, to)), total))) => (from..to + 1, total),
            (200, _) if first == 0 => {
                let length = length.ok_or(TransportError::Protocol("the answer has no length"))?;
                (0..length, length)
            }
            _ => {
                return Err(TransportError::Protocol(
                    "the answer is not the range asked for",
                ));
            }
        };
        if total > MAX_BLOB_SIZE {
            return Err(TransportError::Protocol(
                "the answer tells a size that no blob can have",
            ));
        }
        if bytes.start != first || bytes.end != end.min(total) {
            return Err(TransportError::Protocol(
                "the answer is another range than asked for",
            ));
        }
        if length.is_some_and(|length| length != bytes.end - bytes.start) {
            return Err(TransportError::Protocol(
                "the answer's length is not that of its range",
            ));
        }
        Ok(Self {
            md5: stored_md5(head).map(str::to_owned),
            bytes,
            total,
            is_message,
        })
    }
}

/// The MD5 of the whole blob, not of the range.
fn stored_md5(head: &ResponseHead) -> Option<&str> {
    head.get("x-ms-blob-content-md5")
        .or_else(|| head.get("content-md5").filter(|_| head.status == 200))
        .filter(|md5| !md5.is_empty())
}

/// What a download brought along.
#[derive(Clone, Debug)]
pub struct Downloaded {
    /// Bytes that arrived.
    pub size: u64,
    /// CRC64 of them.
    pub crc64: u64,
    pub(crate) head: ResponseHead,
}

impl Downloaded {
    /// ETag of the version that was read, in quotes as the service sends it.
    pub fn etag(&self) -> Option<&str> {
        self.head.get("etag")
    }

    /// When the blob or its metadata last changed.
    pub fn last_modified(&self) -> Option<SystemTime> {
        date(&self.head, "last-modified")
    }

    /// Where the account keeps versions: which one was read.
    pub fn version_id(&self) -> Option<&str> {
        self.head.get("x-ms-version-id")
    }

    /// Metadata.
    pub fn metadata(&self) -> Vec<(String, String)> {
        self.head.metadata()
    }

    /// MD5 of the whole blob, where one is stored.
    pub fn content_md5(&self) -> Option<Vec<u8>> {
        STANDARD.decode(stored_md5(&self.head)?).ok()
    }

    /// Headers of content.
    pub fn content(&self) -> ContentHeaders {
        ContentHeaders::read(&self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(head: &str, first: u64, end: u64) -> Result<ReceivedRange, TransportError> {
        let head = format!("HTTP/1.1 {head}\r\n\r\n");
        let (head, _) = ResponseHead::parse(head.as_bytes(), false)
            .unwrap()
            .unwrap();
        ReceivedRange::read(&head, first, end, Vouching::StructuredMessage)
    }

    #[test]
    fn ranges_that_were_asked_for() {
        let part = range(
            "206 x\r\ncontent-length: 5\r\ncontent-range: bytes 2-6/7\r\nx-ms-blob-content-md5: m",
            2,
            10,
        )
        .unwrap();
        assert_eq!((part.bytes, part.total), (2..7, 7));
        assert_eq!(part.md5.as_deref(), Some("m"));
        let whole = range("200 x\r\ncontent-length: 5", 0, 10).unwrap();
        assert_eq!((whole.bytes, whole.total), (0..5, 5));
    }

    #[test]
    fn ranges_that_were_not() {
        for (head, first, end) in [
            (
                "206 x\r\ncontent-length: 5\r\ncontent-range: bytes 3-7/9",
                2,
                7,
            ),
            (
                "206 x\r\ncontent-length: 4\r\ncontent-range: bytes 2-5/9",
                2,
                7,
            ),
            (
                "206 x\r\ncontent-length: 6\r\ncontent-range: bytes 2-6/9",
                2,
                7,
            ),
            ("206 x\r\ncontent-length: 5", 2, 7),
            ("200 x\r\ncontent-length: 5", 2, 7),
            ("200 x\r\ncontent-length: 9", 0, 7),
            ("200 x", 0, 7),
            (
                "206 x\r\ncontent-length: 5\r\ncontent-range: bytes 2-6/9223372036854775808",
                2,
                7,
            ),
            (
                "206 x\r\ncontent-range: bytes 2-6/9\r\nx-ms-structured-body: XSM/1.0; \
                 properties=crc64\r\nx-ms-structured-content-length: +5",
                2,
                7,
            ),
        ] {
            assert!(range(head, first, end).is_err(), "{head}");
        }
    }
}
