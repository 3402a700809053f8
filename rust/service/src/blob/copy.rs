//! Copies within the account.

use std::sync::Arc;

use super::call::Call;
use super::put::{NewBlob, check_name, written};
use super::target::Target;
use super::{conditions, properties};
use crate::auth::{self, Caller};
use crate::clock::Timestamp;
use crate::errors::{self, Failure};
use crate::http::{Answer, parse_query};
use crate::random::random_hex;
use crate::store::{Blob, CopyRecord, Tier};

/// Copy Blob, which is done by the time it is answered. The source's owner may read it by the
/// request's own authorization.
pub(super) fn copy_blob(call: &Call<'_>) -> Result<Answer, Failure> {
    let owner = matches!(call.caller, Caller::AccountKey | Caller::Token);
    let fetched = call.request.flag("x-ms-requires-sync");
    let (source, url) = source(call, owner, fetched)?;
    let id = random_hex::<16>()?;
    let record = CopyRecord {
        id: id.clone(),
        source: url,
        completed: Timestamp::now(),
    };
    let mut new = NewBlob::of(call)?.or_metadata(&source.metadata);
    new.copy = Some(record);
    let mut answer = commit(call, new, &source)?;
    answer.status = 202;
    answer.header("x-ms-copy-id", &id);
    answer.header("x-ms-copy-status", "success");
    Ok(answer)
}

/// Put Blob From URL: a Put Blob whose bytes the service fetches.
pub(super) fn put_blob_from_url(call: &Call<'_>) -> Result<Answer, Failure> {
    if call.request.header("x-ms-blob-type") != Some("BlockBlob") {
        return Err(errors::INVALID_HEADER_VALUE.into());
    }
    let (source, _) = source(call, false, true)?;
    let new = NewBlob::of(call)?.or_metadata(&source.metadata);
    commit(call, new, &source)
}

fn commit(call: &Call<'_>, new: NewBlob, source: &Blob) -> Result<Answer, Failure> {
    check_name(call.blob_name())?;
    let container = call.container()?;
    let given = properties::from_blob_headers(call.request);
    let from = &source.headers;
    let mut headers = from.clone();
    headers.content_type = given.content_type.or(headers.content_type);
    headers.content_encoding = given.content_encoding.or(headers.content_encoding);
    headers.content_language = given.content_language.or(headers.content_language);
    headers.content_disposition = given.content_disposition.or(headers.content_disposition);
    headers.cache_control = given.cache_control.or(headers.cache_control);
    let mut contents = container.contents.write();
    let (blob, replaced) = new.commit(call, &mut contents, source.content.clone(), headers)?;
    drop(contents);
    drop(replaced);
    Ok(written(&blob))
}

/// The blob that `x-ms-copy-source` names, if it may be read; and the URL without its signature.
/// Where the service fetches it before it answers, it says less of what is wrong.
fn source(call: &Call<'_>, owner: bool, fetched: bool) -> Result<(Arc<Blob>, String), Failure> {
    let url = call.request.header("x-ms-copy-source").unwrap_or_default();
    let (target, query) = Target::parse_url(url).ok_or(errors::INVALID_HEADER_VALUE)?;
    let query = parse_query(query).ok_or(errors::INVALID_HEADER_VALUE)?;
    let container = target
        .container
        .as_deref()
        .filter(|_| target.account == call.context.options.account);
    let container = container.and_then(|name| call.context.store.container(name));
    let container = container.ok_or(errors::CANNOT_VERIFY_COPY_SOURCE)?;
    let token = call.request.header("x-ms-copy-source-authorization");
    if !owner && !auth::may_read_source(call.context, &query, &target, &container, token) {
        return Err(errors::CANNOT_VERIFY_COPY_SOURCE.into());
    }
    let blob = container.blob(target.blob.as_deref().unwrap_or_default());
    let blob = blob.ok_or(if fetched || !owner {
        errors::CANNOT_VERIFY_COPY_SOURCE
    } else {
        errors::BLOB_NOT_FOUND
    })?;
    if blob.tier() == Tier::Archive {
        return Err(errors::BLOB_ARCHIVED.into());
    }
    if fetched {
        conditions::check_fetched_source(call.request, &blob)?;
    } else {
        conditions::check_source(call.request, &blob)?;
    }
    Ok((blob, url.split('?').next().unwrap_or_default().to_owned()))
}
