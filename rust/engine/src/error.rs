//! What can go wrong, grouped by what the caller does about it.

use std::{
    error::Error as StdError,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{azure::shown_path, os};

/// An argument that is refused before anything is sent. Its text says how to repair it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidInput(String);

impl InvalidInput {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// What the caller does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The blob or the container does not exist.
    NotFound,
    /// The blob exists and was not to be overwritten.
    AlreadyExists,
    /// The blob changed meanwhile, or a lease protects it.
    Modified,
    /// The blob or the container is in a state that does not allow it: archived, immutable, being deleted.
    Conflict,
    /// No credential, a wrong one, or one without the role that the operation needs.
    Authentication,
    /// Another answer of the service.
    Service,
    /// The service could not be reached, or the connection broke and would not be mended.
    Network,
    /// What arrived is not what was stored or sent.
    Integrity,
    /// A local file could not be read or written.
    Local,
    /// A defect of this library.
    Internal,
    /// An argument of this item is not acceptable.
    InvalidInput,
    /// A token has to be fetched before anything can be sent; never the error of an outcome.
    TokenNeeded,
    /// The caller gave up, or an earlier item's failure ended the call.
    Cancelled,
}

/// Why an operation failed. `Display` gives one sentence that says what to do next; its wording is not
/// part of the interface, the attributes are.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    blob: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    attempts: u32,
    path: Option<PathBuf>,
    os_error: Option<i32>,
    reason: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            blob: None,
            status: None,
            code: None,
            request_id: None,
            attempts: 0,
            path: None,
            os_error: None,
            reason: None,
            source: None,
        }))
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "the transfer was cancelled")
    }

    pub(crate) fn token_needed() -> Self {
        Self::new(ErrorKind::TokenNeeded, "a token is needed")
    }

    pub(crate) fn is_token_needed(&self) -> bool {
        self.kind() == ErrorKind::TokenNeeded
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            ErrorKind::Internal,
            "an internal error of fastblob ended the transfer; please report it",
        )
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// Whether the service has no such feature.
    pub(crate) fn is_not_supported(&self) -> bool {
        matches!(
            self.code(),
            Some("FeatureNotSupported" | "NotImplemented" | "UnsupportedHeader")
        )
    }

    /// Whether the service says that it is a header, or the version, that it does not take.
    pub(crate) fn is_about_a_header(&self) -> bool {
        self.is_not_supported() || self.code() == Some("InvalidHeaderValue")
    }

    pub(crate) fn local(path: &Path, error: io::Error) -> Self {
        let this = if let Some(code) = error.raw_os_error() {
            let mut this = Self::new(ErrorKind::Local, format!("{}: {error}", path.display()));
            this.0.os_error = Some(code);
            this.0.path = Some(path.to_owned());
            this
        } else {
            // What the standard library finds by itself has no number.
            let code = match error.kind() {
                io::ErrorKind::InvalidInput => os::code::INVALID,
                _ => os::code::IO,
            };
            Self::local_because(path, code, error.to_string())
        };
        this.with_source(Arc::new(error))
    }

    /// Trouble with a local file that is found here; `code` is the operating system's number that comes
    /// nearest.
    pub(crate) fn local_because(path: &Path, code: i32, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let mut this = Self::new(ErrorKind::Local, format!("{}: {reason}", path.display()));
        this.0.path = Some(path.to_owned());
        this.0.os_error = Some(code);
        this.0.reason = Some(reason);
        this
    }

    pub(crate) fn is_a_folder(path: &Path) -> Self {
        Self::local(path, io::Error::from_raw_os_error(os::code::IS_A_FOLDER))
    }

    /// Whether a file could not be opened because too many are open.
    pub(crate) fn is_descriptor_shortage(&self) -> bool {
        self.kind() == ErrorKind::Local && self.os_error().is_some_and(os::is_descriptor_shortage)
    }

    /// The same answer, which means more to whoever knows what was asked.
    pub(crate) fn meaning(mut self, kind: ErrorKind, message: impl Into<String>) -> Self {
        self.0.kind = kind;
        self.0.message = message.into();
        self
    }

    /// The operating system's number of `error`.
    pub(crate) fn with_os_error(mut self, error: &io::Error) -> Self {
        self.0.os_error = error.raw_os_error();
        self
    }

    pub(crate) fn with_answer(
        mut self,
        status: u16,
        code: Option<&str>,
        request_id: Option<&str>,
    ) -> Self {
        self.0.status = Some(status);
        self.0.code = code.map(str::to_owned);
        self.0.request_id = request_id.map(str::to_owned);
        self
    }

    pub(crate) fn with_blob(mut self, blob: impl fmt::Display) -> Self {
        // The account itself has no name.
        let blob = Some(blob.to_string()).filter(|blob| !blob.is_empty());
        self.0.blob = self.0.blob.take().or(blob);
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_source(mut self, source: Arc<dyn StdError + Send + Sync>) -> Self {
        self.0.source = Some(source);
        self
    }

    /// What the caller does about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// `<container>/<name>` of the blob concerned.
    pub fn blob(&self) -> Option<&str> {
        self.0.blob.as_deref()
    }

    /// HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's error code, such as `BlobNotFound`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// `x-ms-request-id` of the answer, which Azure support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How often the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The local file concerned.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The operating system's error number, where it was this machine that failed.
    pub fn os_error(&self) -> Option<i32> {
        self.0.os_error
    }

    /// What to say instead of the operating system's text for that number, where there is more to say.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The sentence without blob, code and request id.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl From<InvalidInput> for Error {
    fn from(invalid: InvalidInput) -> Self {
        Self::new(ErrorKind::InvalidInput, invalid.0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(&inner.message)?;
        let mut details = Vec::new();
        if let Some(blob) = &inner.blob {
            details.push(format!("blob {:?}", shown_path(blob)));
        }
        match (inner.status, &inner.code) {
            (Some(status), Some(code)) => details.push(format!("{status} {code}")),
            (Some(status), None) => details.push(format!("status {status}")),
            _ => {}
        }
        if inner.attempts > 1 {
            details.push(format!("{} attempts", inner.attempts));
        }
        if let Some(id) = &inner.request_id {
            details.push(format!("request id {id}"));
        }
        if !details.is_empty() {
            write!(f, " ({})", details.join(", "))?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
