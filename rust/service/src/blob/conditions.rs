//! Conditional headers and leases: whether an operation may go ahead.

use crate::clock::Timestamp;
use crate::errors::{self, Failure};
use crate::http::Request;
use crate::store::{Blob, Contents};

/// Whether `If-Match` or `If-Unmodified-Since` want another blob than this.
fn is_another(request: &Request<'_>, blob: &Blob) -> Result<bool, Failure> {
    let other_tag = request
        .filled_header("if-match")
        .is_some_and(|tag| !is_tag_of(blob, tag));
    let later = time(request, "if-unmodified-since")?.is_some_and(|time| blob.modified > time);
    Ok(other_tag || later)
}

/// Whether `If-None-Match` or `If-Modified-Since` want any blob but this.
fn is_known(request: &Request<'_>, blob: &Blob) -> Result<bool, Failure> {
    let same_tag = request
        .filled_header("if-none-match")
        .is_some_and(|tag| is_tag_of(blob, tag));
    let not_later = time(request, "if-modified-since")?.is_some_and(|time| blob.modified <= time);
    Ok(same_tag || not_later)
}

fn is_tag_of(blob: &Blob, tag: &str) -> bool {
    tag == "*" || tag.trim_matches('"') == blob.etag.trim_matches('"')
}

fn time(request: &Request<'_>, name: &str) -> Result<Option<Timestamp>, Failure> {
    let time = request
        .filled_header(name)
        .map(|text| Timestamp::from_http(text).ok_or_else(|| errors::INVALID_HEADER_VALUE.into()));
    time.transpose()
}

/// For reading an existing blob: 304 where the client has it already, 412 where it is another.
pub(super) fn check_read(request: &Request<'_>, blob: &Blob) -> Result<(), Failure> {
    if is_another(request, blob)? {
        return Err(errors::CONDITION_NOT_MET.into());
    }
    if is_known(request, blob)? {
        return Err(errors::NOT_MODIFIED
            .error()
            .header("ETag", &blob.etag)
            .into());
    }
    Ok(())
}

/// For copying from a blob.
pub(super) fn check_source(request: &Request<'_>, source: &Blob) -> Result<(), Failure> {
    let changed = request.filled_header("x-ms-source-if-match");
    let changed = changed.is_some_and(|tag| !is_tag_of(source, tag));
    let known = request.filled_header("x-ms-source-if-none-match");
    let known = known.is_some_and(|tag| is_tag_of(source, tag));
    if changed || known {
        Err(errors::CONDITION_NOT_MET.into())
    } else {
        Ok(())
    }
}

/// For making a blob, or replacing it where there is one.
pub(super) fn check_write(request: &Request<'_>, existing: Option<&Blob>) -> Result<(), Failure> {
    let Some(blob) = existing else {
        let wanted = request.filled_header("if-match").is_some();
        return if wanted {
            Err(errors::CONDITION_NOT_MET.into())
        } else {
            Ok(())
        };
    };
    if request.header("if-none-match") == Some("*") {
        return Err(errors::BLOB_ALREADY_EXISTS.into());
    }
    check_change(request, blob)
}

/// For changing or deleting an existing blob.
pub(super) fn check_change(request: &Request<'_>, blob: &Blob) -> Result<(), Failure> {
    if is_another(request, blob)? || is_known(request, blob)? {
        return Err(errors::CONDITION_NOT_MET.into());
    }
    Ok(())
}

/// A leased blob is changed by those alone that know the lease's id.
pub(super) fn check_lease(
    request: &Request<'_>,
    contents: &Contents,
    name: &str,
) -> Result<(), Failure> {
    let lease = contents
        .leases
        .get(name)
        .filter(|lease| lease.state().locks());
    match (lease, request.filled_header("x-ms-lease-id")) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(errors::LEASE_NOT_PRESENT.into()),
        (Some(_), None) => Err(errors::LEASE_ID_MISSING.into()),
        (Some(lease), Some(id)) if lease.id.eq_ignore_ascii_case(id) => Ok(()),
        (Some(_), Some(_)) => Err(errors::LEASE_ID_MISMATCH.into()),
    }
}
