//! Conditional headers and leases: whether an operation may go ahead.

use super::tag_condition;
use crate::clock::Timestamp;
use crate::errors::{self, Failure};
use crate::http::Request;
use crate::store::{Blob, Container, Contents};

/// The names of the headers of one set of conditions.
struct Names {
    matches: &'static str,
    none_match: &'static str,
    modified_since: &'static str,
    unmodified_since: &'static str,
    tags: &'static str,
}

const OF_BLOB: Names = Names {
    matches: "if-match",
    none_match: "if-none-match",
    modified_since: "if-modified-since",
    unmodified_since: "if-unmodified-since",
    tags: "x-ms-if-tags",
};

const OF_SOURCE: Names = Names {
    matches: "x-ms-source-if-match",
    none_match: "x-ms-source-if-none-match",
    modified_since: "x-ms-source-if-modified-since",
    unmodified_since: "x-ms-source-if-unmodified-since",
    tags: "x-ms-source-if-tags",
};

/// Whether `If-Match`, `If-Unmodified-Since` or a condition on tags want another blob than this.
fn is_another(request: &Request<'_>, names: &Names, blob: &Blob) -> Result<bool, Failure> {
    let other_tag = request
        .filled_header(names.matches)
        .is_some_and(|tag| !is_tag_of(blob, tag));
    let later = time(request, names.unmodified_since)?.is_some_and(|time| blob.modified > time);
    Ok(other_tag || later || has_other_tags(request, names, blob)?)
}

fn has_other_tags(request: &Request<'_>, names: &Names, blob: &Blob) -> Result<bool, Failure> {
    match request.filled_header(names.tags) {
        Some(condition) => Ok(!tag_condition::is_met(condition, &blob.tags)?),
        None => Ok(false),
    }
}

/// Whether `If-None-Match` or `If-Modified-Since` want any blob but this.
fn is_known(request: &Request<'_>, names: &Names, blob: &Blob) -> Result<bool, Failure> {
    let same_tag = request
        .filled_header(names.none_match)
        .is_some_and(|tag| is_tag_of(blob, tag));
    let not_later = time(request, names.modified_since)?.is_some_and(|time| blob.modified <= time);
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

/// For reading an existing blob: 304 where the client has it already, 412 where it is another. A
/// lease keeps nobody from reading, but an id that is not the lease's is a mistake.
pub(super) fn check_read(
    request: &Request<'_>,
    contents: &Contents,
    name: &str,
    blob: &Blob,
) -> Result<(), Failure> {
    if request.filled_header("x-ms-lease-id").is_some() {
        check_lease(request, contents, name)?;
    }
    if is_another(request, &OF_BLOB, blob)? {
        return Err(errors::CONDITION_NOT_MET.into());
    }
    if is_known(request, &OF_BLOB, blob)? {
        return Err(errors::NOT_MODIFIED.into());
    }
    Ok(())
}

/// For copying from a blob by Copy Blob.
pub(super) fn check_source(request: &Request<'_>, source: &Blob) -> Result<(), Failure> {
    if has_other_tags(request, &OF_SOURCE, source)? {
        return Err(errors::CONDITION_NOT_MET.into());
    }
    if is_another(request, &OF_SOURCE, source)? || is_known(request, &OF_SOURCE, source)? {
        return Err(errors::SOURCE_CONDITION_NOT_MET.into());
    }
    Ok(())
}

/// The same for copies that are done before they are answered: the service reads the source as any
/// client would, and passes on the status that it got.
pub(super) fn check_fetched_source(request: &Request<'_>, source: &Blob) -> Result<(), Failure> {
    let status = if is_another(request, &OF_SOURCE, source)? {
        412
    } else if is_known(request, &OF_SOURCE, source)? {
        304
    } else {
        return Ok(());
    };
    let mut error = errors::CANNOT_VERIFY_COPY_SOURCE.error();
    error.status = status;
    error.message = "The condition specified using HTTP conditional header(s) is not met.".into();
    Err(error.into())
}

/// For making a blob, or replacing it where there is one. Who holds the lease on a blob replaces it
/// whatever `If-None-Match: *` says.
pub(super) fn check_write(
    request: &Request<'_>,
    contents: &Contents,
    name: &str,
) -> Result<(), Failure> {
    let Some(blob) = contents.blobs.get(name) else {
        let wanted = ["if-match", "x-ms-if-tags"]
            .iter()
            .any(|name| request.filled_header(name).is_some());
        return if wanted {
            Err(errors::CONDITION_NOT_MET.into())
        } else {
            check_lease(request, contents, name)
        };
    };
    check_lease(request, contents, name)?;
    if request.header("if-none-match") == Some("*") {
        return if request.filled_header("x-ms-lease-id").is_some() {
            Ok(())
        } else {
            Err(errors::BLOB_ALREADY_EXISTS.into())
        };
    }
    check_conditions(request, blob)
}

/// For changing or deleting an existing blob.
pub(super) fn check_change(
    request: &Request<'_>,
    contents: &Contents,
    name: &str,
    blob: &Blob,
) -> Result<(), Failure> {
    check_lease(request, contents, name)?;
    check_conditions(request, blob)
}

/// The conditions alone, without the lease.
pub(super) fn check_conditions(request: &Request<'_>, blob: &Blob) -> Result<(), Failure> {
    if is_another(request, &OF_BLOB, blob)? || is_known(request, &OF_BLOB, blob)? {
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
    let lease = contents.leases.get(name);
    let locks = lease.is_some_and(|lease| lease.state().locks());
    let id = request.filled_header("x-ms-lease-id");
    if let Some(id) = id.filter(|id| !is_guid(id)) {
        return Err(errors::invalid_header("x-ms-lease-id", id));
    }
    match (lease, id) {
        (Some(_), None) if locks => Err(errors::LEASE_ID_MISSING.into()),
        (_, None) => Ok(()),
        (None, Some(_)) => Err(errors::LEASE_NOT_PRESENT.into()),
        (Some(lease), Some(id)) if !lease.id.eq_ignore_ascii_case(id) => {
            Err(errors::LEASE_ID_MISMATCH.into())
        }
        (Some(_), Some(_)) if locks => Ok(()),
        (Some(_), Some(_)) => Err(errors::LEASE_LOST.into()),
    }
}

/// The only form of ids that leases may have here.
fn is_guid(text: &str) -> bool {
    let mut groups = text.split('-');
    let fits = [8, 4, 4, 4, 12].iter().all(|length| {
        groups.next().is_some_and(|group| {
            group.len() == *length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    fits && groups.next().is_none()
}

/// For operations on a container, on which there are no leases here.
pub(super) fn check_container_lease(request: &Request<'_>) -> Result<(), Failure> {
    match request.filled_header("x-ms-lease-id") {
        Some(_) => Err(errors::LEASE_NOT_PRESENT_WITH_CONTAINER.into()),
        None => Ok(()),
    }
}

/// The same for changing it.
pub(super) fn check_container(request: &Request<'_>, container: &Container) -> Result<(), Failure> {
    check_container_lease(request)?;
    let modified = container.modified;
    let too_old = time(request, OF_BLOB.modified_since)?.is_some_and(|time| modified <= time);
    let too_new = time(request, OF_BLOB.unmodified_since)?.is_some_and(|time| modified > time);
    if too_old || too_new {
        return Err(errors::CONDITION_NOT_MET.into());
    }
    Ok(())
}
