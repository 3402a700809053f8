//! Operations on a blob that move no content: its properties, and copying it within the account.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    error::{Error, ErrorKind, Result},
    http::{Request, ResponseHead},
    path::BlobPath,
    session::Session,
};

/// Properties of a blob:
/// <https://learn.microsoft.com/rest/api/storageservices/get-blob-properties>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobProperties {
    /// Bytes.
    pub size: u64,
    /// ETag, in quotes as the service sends it.
    pub etag: Option<String>,
    /// When the blob or its metadata last changed.
    pub last_modified: Option<SystemTime>,
    /// When the blob was created.
    pub creation_time: Option<SystemTime>,
    /// Content type.
    pub content_type: Option<String>,
    /// MD5 of the content, where one is stored.
    pub content_md5: Option<Vec<u8>>,
    /// Metadata.
    pub metadata: Vec<(String, String)>,
    /// Access tier.
    pub tier: Option<String>,
    /// Number of index tags.
    pub tag_count: u64,
}

/// How often the end of a copy is asked for that the service makes in the background.
const COPY_POLL: Duration = Duration::from_millis(500);

/// Get Blob Properties.
pub(crate) fn properties(session: &mut Session, blob: &BlobPath) -> Result<BlobProperties> {
    get_properties(session, blob).map(|(properties, _)| properties)
}

fn get_properties(
    session: &mut Session,
    blob: &BlobPath,
) -> Result<(BlobProperties, ResponseHead)> {
    let path = session.account.endpoint.path_of(blob);
    let (head, _) = session.call(|| Request::new("HEAD", path.clone()))?;
    let text = |name: &str| head.get(name).map(str::to_owned);
    let date = |name: &str| {
        head.get(name)
            .and_then(|text| httpdate::parse_http_date(text).ok())
    };
    let number = |name: &str| head.get(name).and_then(|text| text.parse().ok());
    let properties = BlobProperties {
        size: number("content-length").unwrap_or_default(),
        etag: text("etag"),
        last_modified: date("last-modified"),
        creation_time: date("x-ms-creation-time"),
        content_type: text("content-type"),
        content_md5: head
            .get("content-md5")
            .and_then(|text| STANDARD.decode(text).ok()),
        metadata: head.metadata(),
        tier: text("x-ms-access-tier"),
        tag_count: number("x-ms-tag-count").unwrap_or_default(),
    };
    Ok((properties, head))
}

/// Copy Blob: <https://learn.microsoft.com/rest/api/storageservices/copy-blob>
pub(crate) fn copy(
    session: &mut Session,
    source: &BlobPath,
    target: &BlobPath,
    overwrite: bool,
) -> Result<BlobProperties> {
    let account = session.account;
    let path = account.endpoint.path_of(target);
    let source_url = format!(
        "{}{}",
        account.endpoint.origin(),
        account.endpoint.path_of(source)
    );
    let authorized_url = match account.credential.query() {
        Some(sas) => format!("{source_url}?{sas}"),
        None => source_url.clone(),
    };
    let started = session.call(|| {
        let request =
            Request::new("PUT", path.clone()).header("x-ms-copy-source", authorized_url.clone());
        if overwrite {
            request
        } else {
            request.header("if-none-match", "*")
        }
    });
    match started {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && session.maybe_done => {
            // An earlier attempt may have succeeded without our learning of it.
            let (_, head) = get_properties(session, target)?;
            let copied = head
                .get("x-ms-copy-source")
                .and_then(|url| url.split('?').next());
            if copied != Some(&source_url) {
                return Err(error);
            }
        }
        Err(error) => {
            return Err(match error.code() {
                Some("BlobNotFound" | "CannotVerifyCopySource") => error.with_blob(source),
                _ => error,
            });
        }
    }
    loop {
        let (properties, head) = get_properties(session, target)?;
        match head.get("x-ms-copy-status") {
            Some("success") | None => return Ok(properties),
            Some("pending") => session
                .cancellation
                .sleep(COPY_POLL)
                .map_err(|_| Error::cancelled())?,
            Some(other) => {
                return Err(Error::new(
                    ErrorKind::Service,
                    CopyEnd(other, &head).to_string(),
                ));
            }
        }
    }
}

struct CopyEnd<'a>(&'a str, &'a ResponseHead);

impl fmt::Display for CopyEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.1.get("x-ms-copy-status-description");
        write!(
            f,
            "the copy ended as {:?}: {}",
            self.0,
            reason.unwrap_or("the service gives no reason")
        )
    }
}
