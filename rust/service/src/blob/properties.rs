//! The properties that travel as `Content-...` headers.

use std::sync::Arc;

use super::call::Call;
use super::conditions;
use crate::clock::Timestamp;
use crate::errors::{self, Failure};
use crate::http::{Answer, Request};
use crate::store::{Blob, ContentHeaders};

const DEFAULT_TYPE: &str = "application/octet-stream";

/// As `x-ms-blob-...` headers give them; the MD5 is left to the operation.
pub(super) fn from_blob_headers(request: &Request<'_>) -> ContentHeaders {
    let value = |name| request.filled_header(name).map(Into::into);
    ContentHeaders {
        content_type: value("x-ms-blob-content-type"),
        content_encoding: value("x-ms-blob-content-encoding"),
        content_language: value("x-ms-blob-content-language"),
        content_disposition: value("x-ms-blob-content-disposition"),
        cache_control: value("x-ms-blob-cache-control"),
        content_md5: None,
    }
}

/// The same for making a blob, which never is without a content type.
pub(super) fn of_new(request: &Request<'_>) -> ContentHeaders {
    let given = from_blob_headers(request);
    ContentHeaders {
        content_type: given.content_type.or_else(|| Some(DEFAULT_TYPE.to_owned())),
        ..given
    }
}

/// The same, or the plain headers of the request in their place: Put Blob takes either.
pub(super) fn from_put(request: &Request<'_>) -> ContentHeaders {
    let plain = |name| request.filled_header(name).map(Into::into);
    let given = from_blob_headers(request);
    ContentHeaders {
        content_type: given
            .content_type
            .or_else(|| plain("content-type"))
            .or_else(|| Some(DEFAULT_TYPE.to_owned())),
        content_encoding: given.content_encoding.or_else(|| plain("content-encoding")),
        content_language: given.content_language.or_else(|| plain("content-language")),
        cache_control: given.cache_control.or_else(|| plain("cache-control")),
        ..given
    }
}

/// Set Blob Properties: what the request leaves out is cleared, and nobody looks at the MD5.
pub(super) fn set(call: &Call<'_>) -> Result<Answer, Failure> {
    let mut headers = from_blob_headers(call.request);
    headers.content_md5 = call
        .request
        .filled_header("x-ms-blob-content-md5")
        .map(Into::into);
    update(call, |blob| blob.headers = headers)
}

/// Replaces a blob by a changed copy of itself, with a new `ETag`.
pub(super) fn update(call: &Call<'_>, change: impl FnOnce(&mut Blob)) -> Result<Answer, Failure> {
    let container = call.container()?;
    let mut contents = container.contents.write();
    let existing = contents
        .blobs
        .get(call.blob_name())
        .ok_or(errors::BLOB_NOT_FOUND)?;
    conditions::check_change(call.request, &contents, call.blob_name(), existing)?;
    let mut blob = Blob::clone(existing);
    change(&mut blob);
    blob.etag = call.context.store.etags.next();
    blob.modified = Timestamp::now();
    let mut answer = Answer::new(200);
    answer.header("ETag", &blob.etag);
    answer.header("Last-Modified", &blob.modified.to_http());
    contents
        .blobs
        .insert(call.blob_name().to_owned(), Arc::new(blob));
    Ok(answer)
}
