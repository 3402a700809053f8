//! Put Blob and Put Block: bytes come in.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::call::Call;
use super::checksum::{self, Expected};
use super::{conditions, metadata, properties, structured, tags, tier};
use crate::clock::Timestamp;
use crate::errors::{self, Failure};
use crate::http::{Answer, RequestBody};
use crate::store::{Blob, Content, ContentHeaders, Contents, CopyRecord};

/// <https://learn.microsoft.com/rest/api/storageservices/put-blob#remarks>
const LARGEST_BLOB: u64 = 5000 << 20;
/// <https://learn.microsoft.com/rest/api/storageservices/put-block#remarks>
const LARGEST_BLOCK: u64 = 4000 << 20;
const MOST_UNCOMMITTED: usize = 100_000;
const LONGEST_BLOCK_ID: usize = 64;
const LONGEST_NAME: usize = 1024;

/// Put Blob.
pub(super) fn put_blob(call: &Call<'_>, body: &mut RequestBody<'_>) -> Result<Answer, Failure> {
    match call.request.header("x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some("AppendBlob") => return Err(errors::not_offered("append blobs")),
        Some("PageBlob") => return Err(errors::not_offered("page blobs")),
        Some(_) => return Err(errors::INVALID_HEADER_VALUE.into()),
        None => {
            let error = errors::MISSING_REQUIRED_HEADER.error();
            return Err(error.detail("HeaderName", "x-ms-blob-type").into());
        }
    }
    check_name(call.blob_name())?;
    let container = call.container()?;
    require_length(call)?;
    let expected = Expected::of(call.request)?;
    let stored_md5 = checksum::md5_header(call.request, "x-ms-blob-content-md5")?;
    let new = NewBlob::of(call)?;

    let (block, sums) = structured::receive(call, body, LARGEST_BLOB, true)?;
    expected.verify(&sums)?;
    if let (Some(stored), Some(actual)) = (stored_md5, sums.md5) {
        checksum::verify_md5(stored, actual)?;
    }
    let mut headers = properties::from_put(call.request);
    headers.content_md5 = sums.md5.map(|md5| BASE64_STANDARD.encode(md5));

    let mut contents = container.contents.write();
    let (blob, replaced) =
        new.commit(call, &mut contents, Content::whole(block).into(), headers)?;
    drop(contents);
    drop(replaced);
    let mut answer = written(&blob);
    checksum::add_crc64(&mut answer, &sums);
    checksum::add_md5(&mut answer, &sums);
    structured::echo(call, &mut answer)?;
    Ok(answer)
}

/// Put Block.
pub(super) fn put_block(call: &Call<'_>, body: &mut RequestBody<'_>) -> Result<Answer, Failure> {
    check_name(call.blob_name())?;
    let id = call
        .request
        .parameter("blockid")
        .ok_or(errors::MISSING_REQUIRED_QUERY_PARAMETER)?;
    check_block_id(id)?;
    let container = call.container()?;
    require_length(call)?;
    let expected = Expected::of(call.request)?;
    let (block, sums) = structured::receive(call, body, LARGEST_BLOCK, expected.has_md5())?;
    if block.length() == 0 {
        return Err(errors::INVALID_HEADER_VALUE
            .error()
            .detail("HeaderName", "Content-Length")
            .into());
    }
    expected.verify(&sums)?;

    let mut contents = container.contents.write();
    conditions::check_lease(call.request, &contents, call.blob_name())?;
    let committed = contents.blobs.get(call.blob_name()).cloned();
    let uncommitted = contents
        .uncommitted
        .entry(call.blob_name().to_owned())
        .or_default();
    let other = uncommitted.keys().next().map(String::as_str);
    let other = other.or_else(|| {
        committed
            .as_ref()?
            .content
            .blocks()
            .next()
            .map(|(id, _)| id)
    });
    if other.is_some_and(|other| other.len() != id.len()) {
        return Err(errors::INVALID_BLOB_OR_BLOCK.into());
    }
    if uncommitted.len() >= MOST_UNCOMMITTED && !uncommitted.contains_key(id) {
        return Err(errors::BLOCK_COUNT_EXCEEDS_LIMIT.into());
    }
    let replaced = uncommitted.insert(id.to_owned(), block);
    drop(contents);
    drop(replaced);

    let mut answer = Answer::new(201);
    checksum::add_what_was_sent(&mut answer, &sums);
    structured::echo(call, &mut answer)?;
    answer.header("x-ms-request-server-encrypted", "true");
    Ok(answer)
}

/// What a request that makes a blob says of it, checked before its bytes are read.
pub(super) struct NewBlob {
    metadata: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    tier: Option<crate::store::Tier>,
    /// The copy that makes it, if one does.
    pub(super) copy: Option<CopyRecord>,
}

impl NewBlob {
    pub(super) fn of(call: &Call<'_>) -> Result<Self, Failure> {
        Ok(Self {
            metadata: metadata::from_headers(call.request)?,
            tags: tags::from_header(call.request)?,
            tier: tier::from_header(call.request)?,
            copy: None,
        })
    }

    /// The same with the source's metadata where the request brings none, and its tags where they are
    /// asked for.
    pub(super) fn with_source(mut self, call: &Call<'_>, source: &Blob) -> Self {
        if self.metadata.is_empty() {
            self.metadata.clone_from(&source.metadata);
        }
        if call.request.header("x-ms-copy-source-tag-option") == Some("COPY") {
            self.tags.clone_from(&source.tags);
        }
        self
    }

    /// Puts the blob in its place if conditions, lease and permissions allow. What it replaces is
    /// passed back, for it is best dropped when the lock is free.
    pub(super) fn commit(
        self,
        call: &Call<'_>,
        contents: &mut Contents,
        content: Arc<Content>,
        headers: ContentHeaders,
    ) -> Result<(Arc<Blob>, Replaced), Failure> {
        let name = call.blob_name();
        let existing = contents.blobs.get(name);
        conditions::check_write(call.request, contents, name)?;
        if existing.is_some() {
            call.caller.check_overwrite()?;
        }
        let now = Timestamp::now();
        let blob = Arc::new(Blob {
            content,
            etag: call.context.store.etags.next(),
            created: existing.map_or(now, |blob| blob.created),
            modified: now,
            headers,
            metadata: self.metadata,
            tags: self.tags,
            tier: self.tier,
            tier_changed: self.tier.map(|_| now),
            rehydrates_to: None,
            rehydrate_priority: "Standard",
            copy: self.copy,
        });
        let blocks = contents.uncommitted.remove(name);
        let replaced = contents.blobs.insert(name.to_owned(), blob.clone());
        Ok((
            blob,
            Replaced {
                _blob: replaced,
                _blocks: blocks,
            },
        ))
    }
}

/// What a commit threw out.
pub(super) struct Replaced {
    _blob: Option<Arc<Blob>>,
    _blocks: Option<std::collections::BTreeMap<String, Arc<crate::store::Block>>>,
}

/// The answer to a request that made or changed a blob.
pub(super) fn written(blob: &Blob) -> Answer {
    let mut answer = Answer::new(201);
    answer.header("ETag", &blob.etag);
    answer.header("Last-Modified", &blob.modified.to_http());
    answer.header("x-ms-request-server-encrypted", "true");
    answer
}

pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let fits = name.chars().count() <= LONGEST_NAME;
    if fits {
        Ok(())
    } else {
        Err(errors::INVALID_RESOURCE_NAME.into())
    }
}

/// A body of no length at all is a mistake, not an empty blob.
fn require_length(call: &Call<'_>) -> Result<(), Failure> {
    let request = call.request;
    let told = request
        .header("content-length")
        .or(request.header("transfer-encoding"));
    told.map(|_| ())
        .ok_or_else(|| errors::MISSING_CONTENT_LENGTH.into())
}

fn check_block_id(id: &str) -> Result<(), Failure> {
    let decoded = BASE64_STANDARD.decode(id).ok();
    match decoded.map(|bytes| bytes.len()) {
        Some(1..=LONGEST_BLOCK_ID) => Ok(()),
        Some(_) => Err(errors::OUT_OF_RANGE_QUERY_PARAMETER_VALUE.into()),
        None => Err(errors::INVALID_QUERY_PARAMETER_VALUE.into()),
    }
}
