//! Whether a request's body, or the answer's, is a structured message.

use super::call::Call;
use crate::errors::{self, Failure};
use crate::http::{Answer, RequestBody};
use crate::store::{Block, Checksums};
use crate::structured_message::{Decoder, FORM};

/// Older versions of the service do not know the header, and pay no heed to it.
const FIRST_VERSION: &str = "2025-01-05";

/// Whether the request has `x-ms-structured-body`, in the only form there is.
pub(super) fn is_wanted(call: &Call<'_>) -> Result<bool, Failure> {
    let knows = call
        .request
        .header("x-ms-version")
        .is_some_and(|version| version >= FIRST_VERSION);
    match call.request.filled_header("x-ms-structured-body") {
        Some(FORM) if knows => Ok(true),
        Some(other) if knows => Err(errors::invalid_header("x-ms-structured-body", other)),
        _ => Ok(false),
    }
}

/// Reads the content that a request brings, plain or as a structured message.
pub(super) fn receive(
    call: &Call<'_>,
    body: &mut RequestBody<'_>,
    limit: u64,
    with_md5: bool,
) -> Result<(std::sync::Arc<Block>, Checksums), Failure> {
    let blocks = &call.context.store.blocks;
    if !is_wanted(call)? {
        return blocks.receive(body, limit, with_md5);
    }
    let header = "x-ms-structured-content-length";
    let length = call.request.filled_header(header).ok_or_else(|| {
        errors::MISSING_REQUIRED_HEADER
            .error()
            .detail("HeaderName", header)
    })?;
    let length = length
        .parse()
        .map_err(|_| errors::invalid_header(header, length))?;
    let mut message = Decoder::new(body, length)?;
    let received = blocks.receive(&mut message, limit, with_md5)?;
    message.finish()?;
    Ok(received)
}

/// Says that what was received, or is sent, is a structured message.
pub(super) fn echo(call: &Call<'_>, answer: &mut Answer) -> Result<(), Failure> {
    if is_wanted(call)? {
        answer.header("x-ms-structured-body", FORM);
    }
    Ok(())
}
