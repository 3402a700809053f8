//! Get Blob and Get Blob Properties: bytes go out.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::call::Call;
use super::{checksum, conditions, range, structured};
use crate::auth::Caller;
use crate::errors::{self, Failure};
use crate::http::{Answer, Payload};
use crate::store::{Blob, Checksums, Contents, LeaseState, Tier};
use crate::structured_message::StructuredRange;

/// Get Blob.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
    let contents = container.contents.read();
    let blob = contents
        .blobs
        .get(call.blob_name())
        .ok_or(errors::BLOB_NOT_FOUND)?
        .clone();
    conditions::check_read(call.request, &contents, call.blob_name(), &blob)?;
    if blob.tier() == Tier::Archive {
        return Err(errors::BLOB_ARCHIVED.into());
    }
    let size = blob.content.length();
    let wanted = range::wanted(call.request, size)?;
    let mut answer = Answer::new(if wanted.partial { 206 } else { 200 });
    add_properties(&mut answer, call, &blob, &contents);
    drop(contents);

    let stored = blob.content.range(wanted.start, wanted.length);
    let stored_md5 = blob.headers.content_md5.as_deref();
    if wanted.partial {
        let last = wanted.start + wanted.length - 1;
        answer.header(
            "Content-Range",
            &format!("bytes {}-{last}/{size}", wanted.start),
        );
        answer.optional_header("x-ms-blob-content-md5", stored_md5);
    } else {
        answer.optional_header("Content-MD5", stored_md5);
    }
    if let Some(with_md5) = range::wanted_checksum(call.request, wanted)? {
        let sums = Checksums::of_slices(with_md5, |sink| stored.for_each_slice(sink))?;
        match sums.md5 {
            Some(md5) => answer.header("Content-MD5", &BASE64_STANDARD.encode(md5)),
            None => answer.header("x-ms-content-crc64", &checksum::encode_crc64(sums.crc64)),
        }
    }
    answer.payload = if structured::is_wanted(call)? {
        structured::echo(call, &mut answer)?;
        let length = stored.length().to_string();
        answer.header("x-ms-structured-content-length", &length);
        Payload::Structured(StructuredRange::new(stored))
    } else {
        Payload::Stored(stored)
    };
    Ok(answer)
}

/// Get Blob Properties.
pub(super) fn properties(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
    let contents = container.contents.read();
    let blob = contents
        .blobs
        .get(call.blob_name())
        .ok_or(errors::BLOB_NOT_FOUND)?
        .clone();
    conditions::check_read(call.request, &contents, call.blob_name(), &blob)?;
    let mut answer = Answer::new(200);
    add_properties(&mut answer, call, &blob, &contents);
    answer.optional_header("Content-MD5", blob.headers.content_md5.as_deref());
    answer.header("x-ms-access-tier", blob.tier().as_str());
    if blob.tier.is_none() {
        answer.header("x-ms-access-tier-inferred", "true");
    }
    if let Some(changed) = blob.tier_changed {
        answer.header("x-ms-access-tier-change-time", &changed.to_http());
    }
    if let Some(status) = blob.archive_status() {
        answer.header("x-ms-archive-status", &status);
        answer.header("x-ms-rehydrate-priority", blob.rehydrate_priority);
    }
    answer.payload = Payload::Stored(blob.content.range(0, blob.content.length()));
    Ok(answer)
}

/// What both tell of a blob.
fn add_properties(answer: &mut Answer, call: &Call<'_>, blob: &Blob, contents: &Contents) {
    let headers = &blob.headers;
    // A signature may say what its URL is answered with.
    for (name, parameter, stored) in [
        ("Content-Type", "rsct", &headers.content_type),
        ("Content-Encoding", "rsce", &headers.content_encoding),
        ("Content-Language", "rscl", &headers.content_language),
        ("Content-Disposition", "rscd", &headers.content_disposition),
        ("Cache-Control", "rscc", &headers.cache_control),
    ] {
        let said = call.request.parameter(parameter);
        let said = said.filter(|_| matches!(call.caller, Caller::Signature { .. }));
        answer.optional_header(name, said.or(stored.as_deref()));
    }
    answer.header("Last-Modified", &blob.modified.to_http());
    answer.header("ETag", &blob.etag);
    answer.header("Accept-Ranges", "bytes");
    for (name, value) in &blob.metadata {
        answer.header(&format!("x-ms-meta-{name}"), value);
    }
    if !blob.tags.is_empty() {
        answer.header("x-ms-tag-count", &blob.tags.len().to_string());
    }
    answer.header("x-ms-blob-type", "BlockBlob");
    let lease = contents.leases.get(call.blob_name());
    let state = lease.map_or(LeaseState::Available, crate::store::Lease::state);
    answer.header("x-ms-lease-state", state.as_str());
    answer.header("x-ms-lease-status", state.status());
    if let Some(lease) = lease.filter(|_| state == LeaseState::Leased) {
        answer.header("x-ms-lease-duration", lease.duration_kind());
    }
    answer.header("x-ms-creation-time", &blob.created.to_http());
    answer.header("x-ms-server-encrypted", "true");
    if let Some(copy) = &blob.copy {
        let length = blob.content.length();
        answer.header("x-ms-copy-id", &copy.id);
        answer.header("x-ms-copy-source", &copy.source);
        answer.header("x-ms-copy-status", "success");
        answer.header("x-ms-copy-progress", &format!("{length}/{length}"));
        answer.header("x-ms-copy-completion-time", &copy.completed.to_http());
    }
}
