//! Ranges of a blob.

use crate::errors::{self, Failure};
use crate::http::Request;

/// Checksums of ranges are computed up to this length.
const LARGEST_SUMMED: u64 = 4 << 20;

/// What a Get Blob asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) start: u64,
    pub(super) length: u64,
    /// Whether a range was asked for, even if it is all of the blob.
    pub(super) partial: bool,
}

/// Reads `x-ms-range`, or else `Range`, against a blob's size.
pub(super) fn wanted(request: &Request<'_>, size: u64) -> Result<Wanted, Failure> {
    let header = request
        .filled_header("x-ms-range")
        .or_else(|| request.filled_header("range"));
    let Some(text) = header else {
        return Ok(Wanted {
            start: 0,
            length: size,
            partial: false,
        });
    };
    let (start, end) = parse(text).ok_or(errors::INVALID_HEADER_VALUE)?;
    if start >= size {
        let error = errors::INVALID_RANGE.error();
        return Err(error
            .header("Content-Range", format!("bytes */{size}"))
            .into());
    }
    let end = end.map_or(size, |last| size.min(last.saturating_add(1)));
    Ok(Wanted {
        start,
        length: end - start,
        partial: true,
    })
}

/// `bytes=first-last` or `bytes=first-`; Azure knows no other form.
fn parse(text: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse().ok()?;
    let last = if last.is_empty() {
        None
    } else {
        Some(last.parse().ok()?)
    };
    last.is_none_or(|last: u64| last >= first)
        .then_some((first, last))
}

/// Which checksum of the range is wanted: MD5 for true, CRC64 for false.
pub(super) fn wanted_checksum(
    request: &Request<'_>,
    wanted: Wanted,
) -> Result<Option<bool>, Failure> {
    let crc64 = request.flag("x-ms-range-get-content-crc64");
    let md5 = request.flag("x-ms-range-get-content-md5");
    if !crc64 && !md5 {
        return Ok(None);
    }
    if crc64 && md5 {
        return Err(errors::BOTH_RANGE_CHECKSUMS.into());
    }
    if !wanted.partial {
        return Err(errors::INVALID_HEADER_VALUE.into());
    }
    if wanted.length > LARGEST_SUMMED {
        return Err(errors::OUT_OF_RANGE_INPUT.into());
    }
    Ok(Some(md5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_ranges() {
        assert_eq!(parse("bytes=0-9"), Some((0, Some(9))));
        assert_eq!(parse("bytes=5-"), Some((5, None)));
        assert_eq!(parse("bytes=-5"), None);
        assert_eq!(parse("bytes=9-5"), None);
        assert_eq!(parse("items=0-9"), None);
    }
}
