//! Copy Blob: <https://learn.microsoft.com/rest/api/storageservices/copy-blob>

use std::time::{Duration, Instant};

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    creation::was_created_since,
    error_response,
    get_properties::{BlobProperties, get_properties},
    known_versions::require_versions,
    redaction::Secrets,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
    write_options::WriteOptions,
};
use crate::{
    error::{Error, ErrorKind, InvalidInput, Result},
    http::{Request, ResponseHead, number},
};

/// How often the end of a copy is asked for that the service makes in the background.
const POLL: Duration = Duration::from_millis(500);

/// Copies a blob within the account, without its bytes passing through here.
#[derive(Debug)]
pub struct CopyBlob {
    source: BlobRef,
    source_conditions: Conditions,
    options: WriteOptions,
    /// The end is waited for.
    waits: bool,
    begun: Option<Begun>,
    /// At asking for the end.
    polls: Attempts,
}

/// A copy that the service has begun.
#[derive(Debug)]
struct Begun {
    id: Option<String>,
    /// It goes on in the background.
    is_pending: bool,
}

impl Begun {
    fn read(head: &ResponseHead) -> Self {
        Self {
            id: head.get("x-ms-copy-id").map(str::to_owned),
            is_pending: head.get("x-ms-copy-status") == Some("pending"),
        }
    }
}

impl CopyBlob {
    /// A copy of `source`; of the options its metadata, tier, tags and conditions count, and metadata
    /// that is empty means that of the source. Where the service makes it in the background, `waits` says
    /// whether the properties of the target are those at its end.
    ///
    /// # Errors
    /// Where `source` is a container, or an option is refused.
    pub fn new(
        source: BlobRef,
        source_conditions: Conditions,
        options: WriteOptions,
        waits: bool,
    ) -> Result<Self, InvalidInput> {
        source.require_name()?;
        source.require_not_deleted()?;
        options.validate()?;
        source_conditions.validate()?;
        Ok(Self {
            source,
            source_conditions,
            options,
            waits,
            begun: None,
            polls: Attempts::default(),
        })
    }
}

struct Call<'a> {
    path: String,
    source_url: String,
    copy: &'a CopyBlob,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[202]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request =
            Request::new("PUT", &*self.path).header("x-ms-copy-source", self.source_url.as_str());
        let mut request = self.copy.options.apply(request);
        let as_source = self.copy.source_conditions.apply(Request::new("PUT", ""));
        for (name, value) in as_source.headers {
            let name = match &*name {
                "x-ms-lease-id" => "x-ms-source-lease-id".to_owned(),
                "x-ms-if-tags" => "x-ms-source-if-tags".to_owned(),
                name => format!("x-ms-source-{name}"),
            };
            request = request.header(name, value.into_owned());
        }
        request
    }
}

impl SmallOperation for CopyBlob {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        if let Some(encryption) = &session.account.encryption {
            return Err(encryption.refuse_copy().into());
        }
        let begun = match self.begun.take() {
            Some(begun) => begun,
            None => self.begin(session, attempts, blob)?,
        };
        let ended = self.wait_for_end(session, blob, &begun);
        self.begun = Some(begun);
        ended.map(Answer::Properties)
    }
}

impl CopyBlob {
    fn begin(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Begun> {
        require_versions(session, &self.source)?;
        let endpoint = &session.account.endpoint;
        let mut source_url = endpoint.address_of(&self.source).url(&endpoint.origin());
        if let Some(sas) = session.account.credential().query() {
            let separator = if source_url.contains('?') { "&" } else { "?" };
            source_url.extend([separator, sas]);
        }
        let mut call = Call {
            path: endpoint.path_of(blob),
            source_url,
            copy: self,
        };
        let error = match session.call(attempts, &mut call) {
            Ok((head, _)) => return Ok(Begun::read(&head)),
            Err(error) => self.options.explain(error),
        };
        let is_there = error.kind() == ErrorKind::AlreadyExists
            || error.code() == Some("PendingCopyOperation");
        if is_there && attempts.ambiguous {
            // An earlier attempt may have succeeded without our learning of it.
            return self.find_ours(session, attempts, blob)?.ok_or(error);
        }
        Err(match error.code() {
            Some("BlobNotFound" | "CannotVerifyCopySource" | "SourceConditionNotMet") => {
                error.with_blob(&self.source)
            }
            _ => error,
        })
    }

    /// The copy that is there or under way, if an attempt of ours has begun it.
    fn find_ours(
        &self,
        session: &mut Session,
        attempts: &Attempts,
        blob: &BlobRef,
    ) -> Result<Option<Begun>> {
        let none = Conditions::default();
        let (mut found, head) = get_properties(session, &mut Attempts::default(), blob, &none)?;
        if !self.options.creates() {
            // What was there before was created at another time; its last change is that a copy began.
            found.creation_time = found.last_modified;
        }
        let endpoint = &session.account.endpoint;
        let source = endpoint.address_of(&self.source);
        let ours = head
            .get("x-ms-copy-source")
            .is_some_and(|url| source.is_at(&endpoint.origin(), url))
            && was_created_since(&found, &head, attempts.first());
        Ok(ours.then(|| Begun::read(&head)))
    }

    /// Waits for a copy that the service makes in the background, as long as it makes progress.
    fn wait_for_end(
        &mut self,
        session: &mut Session,
        blob: &BlobRef,
        begun: &Begun,
    ) -> Result<Box<BlobProperties>> {
        let none = Conditions::default();
        let timeout = session.account.timeout;
        let secrets = Secrets::new(&session.account.credential(), None);
        let id = secrets.identifier(begun.id.as_deref().unwrap_or("none"));
        let mut progress = (0, Instant::now());
        loop {
            let (properties, head) = get_properties(session, &mut self.polls, blob, &none)
                .map_err(|error| with_copy(error, begun, &id))?;
            self.polls = Attempts::default();
            let status = head.get("x-ms-copy-status");
            let failed = |kind, reason: String| {
                let message = format!("{reason} (copy id {id})");
                error_response::about(&head, &secrets, kind, message)
            };
            if head.get("x-ms-copy-id") != begun.id.as_deref() || status.is_none() {
                if begun.is_pending {
                    let reason = "somebody else wrote the blob before the copy was done".to_owned();
                    return Err(failed(ErrorKind::Modified, reason));
                }
                // What is there is not the copy any more, nor does its end matter.
                return Ok(Box::new(properties));
            }
            match status {
                Some("success") | None => return Ok(Box::new(properties)),
                Some("pending") if !self.waits => return Ok(Box::new(properties)),
                Some("pending") => {
                    let moved = head.get("x-ms-copy-progress");
                    let bytes = moved.and_then(|text| number(text.split('/').next()?));
                    if bytes.is_some_and(|bytes| bytes > progress.0) {
                        progress = (bytes.unwrap_or_default(), Instant::now());
                    } else if progress.1.elapsed() >= timeout {
                        let reason = format!(
                            "the copy made no progress for {} s and stays at {} bytes; the service goes on \
                             with it: look at the target's properties later, or abort it",
                            timeout.as_secs_f64(),
                            secrets.shown(moved.unwrap_or("an unknown number of")),
                        );
                        return Err(failed(ErrorKind::Service, reason));
                    }
                    session
                        .cancellation
                        .sleep(POLL.min(timeout))
                        .map_err(|_| Error::cancelled())?;
                }
                Some(other) => {
                    let reason = head
                        .get("x-ms-copy-status-description")
                        .unwrap_or("the service gives no reason");
                    let reason = format!(
                        "the copy ended as {}: {}",
                        secrets.shown(other),
                        secrets.shown(reason)
                    );
                    return Err(failed(ErrorKind::Service, reason));
                }
            }
        }
    }
}

/// An error at asking for the end of a copy, with what is known of the copy.
fn with_copy(error: Error, begun: &Begun, id: &str) -> Error {
    match error.kind() {
        ErrorKind::TokenNeeded | ErrorKind::Cancelled => error,
        ErrorKind::NotFound if begun.is_pending => {
            let message = format!("the target vanished before the copy was done (copy id {id})");
            error.meaning(ErrorKind::NotFound, message)
        }
        kind => {
            let (state, unknown) = if begun.is_pending {
                ("has begun", "how it ended is not known")
            } else {
                ("was made", "its properties could not be read")
            };
            let reason = error.message();
            let message = format!("the copy {state} (copy id {id}), but {unknown}: {reason}");
            error.meaning(kind, message)
        }
    }
}
