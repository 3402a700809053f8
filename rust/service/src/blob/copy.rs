//! Copies within the account.

use std::sync::Arc;

use super::call::Call;
use super::checksum::{self, Expected};
use super::put::{NewBlob, check_name};
use super::target::Target;
use super::{conditions, properties, unsupported};
use crate::auth::{self, Caller};
use crate::clock::Timestamp;
use crate::errors::{self, Failure};
use crate::http::{Answer, parse_query};
use crate::random::random_guid;
use crate::store::{Blob, Checksums, ContentHeaders, CopyRecord, Tier};

/// Copy Blob, which is done by the time it is answered. Unless the service fetches the source as any
/// client would, its owner may read it by the request's own authorization.
pub(super) fn copy_blob(call: &Call<'_>) -> Result<Answer, Failure> {
    let fetched = call.request.flag("x-ms-requires-sync");
    let (source, url) = source(call, fetched)?;
    let id = random_guid()?;
    let record = CopyRecord {
        id: id.clone(),
        source: url,
        completed: Timestamp::now(),
    };
    let mut new = NewBlob::of(call)?.with_source(call, &source);
    new.copy = Some(record);
    let mut answer = Answer::new(202);
    commit(call, new, &source, fetched, &mut answer)?;
    answer.header("x-ms-copy-id", &id);
    answer.header("x-ms-copy-status", "success");
    Ok(answer)
}

/// Put Blob From URL: a Put Blob whose bytes the service fetches.
pub(super) fn put_blob_from_url(call: &Call<'_>) -> Result<Answer, Failure> {
    if call.request.header("x-ms-blob-type") != Some("BlockBlob") {
        return Err(errors::INVALID_HEADER_VALUE.into());
    }
    let (source, _) = source(call, true)?;
    let new = NewBlob::of(call)?.with_source(call, &source);
    let mut answer = Answer::new(201);
    commit(call, new, &source, true, &mut answer)?;
    Ok(answer)
}

fn commit(
    call: &Call<'_>,
    new: NewBlob,
    source: &Blob,
    fetched: bool,
    answer: &mut Answer,
) -> Result<(), Failure> {
    check_name(call.blob_name())?;
    if fetched {
        let expected = Expected::of_source(call.request)?;
        let content = source.content.range(0, source.content.length());
        let sums = Checksums::of_slices(expected.has_md5(), |sink| content.for_each_slice(sink))?;
        expected.verify(&sums)?;
        checksum::add_what_was_sent(answer, &sums);
        answer.header("x-ms-request-server-encrypted", "true");
    }
    let container = call.container()?;
    let given = properties::from_blob_headers(call.request);
    let keeps = call.request.header("x-ms-copy-source-blob-properties") != Some("false");
    let mut headers = if keeps {
        source.headers.clone()
    } else {
        ContentHeaders {
            content_md5: source.headers.content_md5.clone(),
            ..properties::of_new(call.request)
        }
    };
    headers.content_type = given.content_type.or(headers.content_type);
    headers.content_encoding = given.content_encoding.or(headers.content_encoding);
    headers.content_language = given.content_language.or(headers.content_language);
    headers.content_disposition = given.content_disposition.or(headers.content_disposition);
    headers.cache_control = given.cache_control.or(headers.cache_control);
    let mut contents = container.contents.write();
    let (blob, replaced) = new.commit(call, &mut contents, source.content.clone(), headers)?;
    drop(contents);
    drop(replaced);
    answer.header("ETag", &blob.etag);
    answer.header("Last-Modified", &blob.modified.to_http());
    Ok(())
}

/// The blob that `x-ms-copy-source` names, if it may be read; and the URL without its signature.
/// Where the service fetches it before it answers, it says less of what is wrong.
fn source(call: &Call<'_>, fetched: bool) -> Result<(Arc<Blob>, String), Failure> {
    let owner = !fetched && matches!(call.caller, Caller::AccountKey | Caller::Token);
    let url = call.request.header("x-ms-copy-source").unwrap_or_default();
    let (target, query) = Target::parse_url(url).ok_or(errors::INVALID_HEADER_VALUE)?;
    let query = parse_query(query).ok_or(errors::INVALID_HEADER_VALUE)?;
    if target.account != call.context.options.account {
        return Err(errors::not_offered("copies from other accounts"));
    }
    unsupported::check_parameters(&query)?;
    let container = target.container.as_deref();
    let container = container.and_then(|name| call.context.store.container(name));
    let container = container.ok_or(errors::CANNOT_VERIFY_COPY_SOURCE)?;
    let token = call.request.header("x-ms-copy-source-authorization");
    if !owner && !auth::may_read_source(call.context, &query, &target, &container, token) {
        return Err(errors::CANNOT_VERIFY_COPY_SOURCE.into());
    }
    let blob = container.blob(target.blob.as_deref().unwrap_or_default());
    let blob = blob.ok_or(if owner {
        errors::BLOB_NOT_FOUND
    } else {
        errors::CANNOT_VERIFY_COPY_SOURCE
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
