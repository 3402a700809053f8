//! Copy Blob: <https://learn.microsoft.com/rest/api/storageservices/copy-blob>

use std::time::{Duration, Instant};

use super::{
    blob_ref::BlobRef,
    conditions::Conditions,
    creation::was_created_since,
    get_properties::{BlobProperties, get_properties},
    redaction::Secrets,
    session::{Attempts, Operation, Session},
    small_operation::{Answer, SmallOperation},
    write_options::WriteOptions,
};
use crate::{
    error::{Error, ErrorKind, InvalidInput, Result},
    http::{Request, ResponseHead, number},
};

/// How often the end of a copy is asked for that the service makes in the background.
const POLL: Duration = Duration::from_millis(500);

/// Copies a blob within the account, without its bytes passing through here; waits for the end.
#[derive(Debug)]
pub struct CopyBlob {
    source: BlobRef,
    source_conditions: Conditions,
    options: WriteOptions,
    started: bool,
    /// What the service calls the copy.
    id: Option<String>,
    /// It goes on in the background.
    pending: bool,
    /// At asking for the end.
    polls: Attempts,
}

impl CopyBlob {
    /// A copy of `source`; of the options its metadata, tier, tags and conditions count, and metadata
    /// that is empty means that of the source.
    ///
    /// # Errors
    /// Where `source` is a container, or an option is refused.
    pub fn new(
        source: BlobRef,
        source_conditions: Conditions,
        options: WriteOptions,
    ) -> Result<Self, InvalidInput> {
        source.require_name()?;
        options.validate()?;
        source_conditions.validate()?;
        Ok(Self {
            source,
            source_conditions,
            options,
            started: false,
            id: None,
            pending: false,
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
        let endpoint = &session.account.endpoint;
        let source_url = format!("{}{}", endpoint.origin(), endpoint.path_of(&self.source));
        if !self.started {
            let authorized = match session.account.credential().query() {
                Some(sas) => format!("{source_url}?{sas}"),
                None => source_url.clone(),
            };
            let mut call = Call {
                path: endpoint.path_of(blob),
                source_url: authorized,
                copy: self,
            };
            match session.call(attempts, &mut call) {
                Ok((head, _)) => self.took(&head),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && attempts.ambiguous => {
                    // An earlier attempt may have succeeded without our learning of it.
                    let none = Conditions::default();
                    let (found, head) =
                        get_properties(session, &mut Attempts::default(), blob, &none)?;
                    let copied = head
                        .get("x-ms-copy-source")
                        .and_then(|url| url.split('?').next());
                    let since = attempts.first();
                    if copied != Some(&source_url) || !was_created_since(&found, &head, since) {
                        return Err(error);
                    }
                    self.took(&head);
                }
                Err(error) => {
                    return Err(match error.code() {
                        Some(
                            "BlobNotFound" | "CannotVerifyCopySource" | "SourceConditionNotMet",
                        ) => error.with_blob(&self.source),
                        _ => error,
                    });
                }
            }
            self.started = true;
        }
        self.wait_for_end(session, blob).map(Answer::Properties)
    }
}

impl CopyBlob {
    /// The service has begun the copy.
    fn took(&mut self, head: &ResponseHead) {
        self.id = head.get("x-ms-copy-id").map(str::to_owned);
        self.pending = head.get("x-ms-copy-status") == Some("pending");
    }

    /// Waits for a copy that the service makes in the background, as long as it makes progress.
    fn wait_for_end(
        &mut self,
        session: &mut Session,
        blob: &BlobRef,
    ) -> Result<Box<BlobProperties>> {
        let none = Conditions::default();
        let timeout = session.account.timeout;
        let secrets = Secrets::new(&session.account.credential(), None);
        let id = secrets.identifier(self.id.as_deref().unwrap_or("none"));
        let failed = |reason: String| Error::new(ErrorKind::Service, reason);
        let mut progress = (0, Instant::now());
        loop {
            let (properties, head) = get_properties(session, &mut self.polls, blob, &none)?;
            self.polls = Attempts::default();
            let status = head.get("x-ms-copy-status");
            let is_another = head.get("x-ms-copy-id") != self.id.as_deref() || status.is_none();
            if self.pending && is_another {
                return Err(Error::new(
                    ErrorKind::Modified,
                    format!("somebody else wrote the blob before the copy was done (copy id {id})"),
                ));
            }
            match status {
                Some("success") | None => return Ok(Box::new(properties)),
                Some("pending") => {
                    let moved = head.get("x-ms-copy-progress");
                    let bytes = moved.and_then(|text| number(text.split('/').next()?));
                    if bytes.is_some_and(|bytes| bytes > progress.0) {
                        progress = (bytes.unwrap_or_default(), Instant::now());
                    } else if progress.1.elapsed() >= timeout {
                        return Err(failed(format!(
                            "the copy made no progress for {} s and stays at {} bytes; the service goes on \
                             with it: look at the target's properties later, or abort it (copy id {id})",
                            timeout.as_secs_f64(),
                            secrets.shown(moved.unwrap_or("an unknown number of")),
                        )));
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
                    return Err(failed(format!(
                        "the copy ended as {}: {} (copy id {id})",
                        secrets.shown(other),
                        secrets.shown(reason)
                    )));
                }
            }
        }
    }
}
