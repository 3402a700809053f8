//! Blobs that the service itself reads, for copies to another account.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    content_headers::ContentHeaders,
    get_properties::{BlobProperties, get_properties, require_no_directory},
    redaction::shown_path,
    session::Session,
    write_options::WriteOptions,
};
use crate::{
    account::Account,
    auth::{Credential, Sas, SasOptions, SasScope, Signing, TokenCache},
    config::check_token_to,
    error::{Error, ErrorKind, Result},
    http::Request,
    limits::TICK,
};

/// A signature for one request lasts long enough for its retries.
const SIGNED_FOR: Duration = Duration::from_secs(3_600);

/// The account that the blobs of a call are copied from.
#[derive(Clone)]
pub struct CopySource {
    account: Arc<Account>,
    /// How many tokens had been fetched when the call began.
    token_fetches: u64,
}

/// The version of a blob that is copied.
#[derive(Debug)]
pub(crate) struct CopiedBlob {
    source: CopySource,
    blob: BlobRef,
    properties: BlobProperties,
    etag: String,
}

/// By what the service may read it.
#[derive(Clone)]
pub(crate) struct Authorized {
    url: String,
    token: Option<Arc<str>>,
}

impl fmt::Debug for CopySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CopySource({})", self.account.endpoint.url())
    }
}

impl CopySource {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        let token_fetches = account.with_tokens(TokenCache::fetches).unwrap_or_default();
        Self {
            account,
            token_fetches,
        }
    }

    /// Whether it is this thread's turn to fetch a token of the source's account.
    pub fn needs_token(&self) -> bool {
        let fetches = self.token_fetches;
        let begin = self
            .account
            .with_tokens(|tokens| tokens.begin_fetch(fetches));
        begin.unwrap_or(false)
    }

    /// Looks at a blob: the version that is there now is what is copied. `session` is the target's.
    pub(crate) fn look(
        &self,
        session: Session,
        blob: &BlobRef,
        conditions: &Conditions,
    ) -> Result<CopiedBlob> {
        if self.account.credential().tokens().is_some() {
            // With each request for a copy the target's service gets it.
            let target = session.account;
            check_token_to(&target.endpoint, target.pool.proxy())?;
        }
        let mut session = Session {
            account: &self.account,
            token_fetches: self.token_fetches,
            ..session
        };
        let found = loop {
            self.wait_for_token(&session)?;
            match get_properties(&mut session, &mut Attempts::default(), blob, conditions) {
                Err(error) if error.is_token_needed() => {}
                found => break found,
            }
        };
        let (properties, head) = found.map_err(|error| error.with_blob(blob))?;
        require_no_directory(&properties, &head, &session)
            .map_err(|error| error.with_blob(blob))?;
        let etag = properties.etag.clone().ok_or_else(|| {
            let message = "the source has no ETag, by which its version would be known";
            Error::new(ErrorKind::Service, message).with_blob(blob)
        })?;
        Ok(CopiedBlob {
            source: self.clone(),
            blob: blob.clone(),
            properties,
            etag,
        })
    }

    /// Where there is none: until whoever drives the call has fetched one.
    fn wait_for_token(&self, session: &Session) -> Result<()> {
        let end = Instant::now() + self.account.timeout;
        loop {
            match self
                .account
                .with_tokens(|tokens| tokens.authorization(self.token_fetches))
            {
                Some(Ok(None)) => {}
                Some(Err(error)) => return Err(error),
                Some(Ok(Some(_))) | None => return Ok(()),
            }
            if Instant::now() >= end {
                return Err(Error::new(
                    ErrorKind::Authentication,
                    "no token for the source of the copy came in time",
                ));
            }
            let sleep = session.cancellation.sleep(TICK / 10);
            sleep.map_err(|_| Error::cancelled())?;
        }
    }
}

impl CopiedBlob {
    pub(crate) fn size(&self) -> u64 {
        self.properties.size
    }

    pub(crate) fn content_md5(&self) -> Option<&[u8]> {
        self.properties.content_md5.as_deref()
    }

    /// The options of a blob that is made of blocks of this one: what they do not say is as here.
    pub(crate) fn complete(&self, options: &WriteOptions) -> WriteOptions {
        let mut options = self.with_all_headers(options);
        if options.metadata.is_empty() {
            options.metadata.clone_from(&self.properties.metadata);
        }
        options
    }

    /// The same where the service copies all that nothing is said about: headers of content go together.
    pub(crate) fn with_all_headers(&self, options: &WriteOptions) -> WriteOptions {
        let (given, own) = (&options.content, &self.properties.content);
        let either = |given: &Option<String>, own: &Option<String>| given.clone().or(own.clone());
        WriteOptions {
            content: ContentHeaders {
                content_type: either(&given.content_type, &own.content_type),
                content_encoding: either(&given.content_encoding, &own.content_encoding),
                content_language: either(&given.content_language, &own.content_language),
                content_disposition: either(&given.content_disposition, &own.content_disposition),
                cache_control: either(&given.cache_control, &own.cache_control),
            },
            ..options.clone()
        }
    }

    /// Without what authorises.
    fn url(&self) -> String {
        let endpoint = &self.source.account.endpoint;
        format!("{}{}", endpoint.origin(), endpoint.path_of(&self.blob))
    }

    /// What lets the service read it.
    pub(crate) fn authorized(&self, session: &Session) -> Result<Authorized> {
        loop {
            self.source.wait_for_token(session)?;
            if let Some(authorized) = self.try_authorized()? {
                return Ok(authorized);
            }
        }
    }

    /// None where a token has to be fetched first.
    fn try_authorized(&self) -> Result<Option<Authorized>> {
        let account = &self.source.account;
        let credential = account.credential();
        let url = self.url();
        if let Some(tokens) = credential.tokens() {
            let token = tokens.authorization(self.source.token_fetches)?;
            return Ok(token.map(|token| Authorized {
                url,
                token: Some(token),
            }));
        }
        let query = match credential.query() {
            Some(sas) => Some(sas.to_owned()),
            None if credential.is_anonymous() => None,
            None => Some(self.signed(&credential)?),
        };
        let url = query.map_or_else(|| url.clone(), |query| format!("{url}?{query}"));
        Ok(Some(Authorized { url, token: None }))
    }

    /// A SAS that lets its holder read this blob, for a while.
    fn signed(&self, credential: &Credential) -> Result<String> {
        let sas = Sas::new(SasOptions {
            scope: SasScope::Blob,
            permissions: "r".to_owned(),
            start: None,
            expiry: SystemTime::now() + SIGNED_FOR,
            ip: None,
            protocol: None,
            content: ContentHeaders::default(),
        })?;
        let sas = sas.with_default_protocol(self.source.account.endpoint.is_tls());
        match credential.sign(&sas, Some(&self.blob))? {
            Signing::Done(query) => Ok(query),
            Signing::NeedsDelegationKey => Err(Error::internal()),
        }
    }

    /// The headers that name the source, in the version that was seen.
    pub(crate) fn apply<'r>(
        &'r self,
        request: Request<'r>,
        authorized: &'r Authorized,
    ) -> Request<'r> {
        let request = request
            .header("x-ms-copy-source", authorized.url.as_str())
            .header("x-ms-source-if-match", self.etag.as_str());
        match &authorized.token {
            Some(token) => request.header("x-ms-copy-source-authorization", &**token),
            None => request,
        }
    }

    /// An error that is about the source says which it is: its account is another one.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let is_about_it = matches!(
            error.code(),
            Some("CannotVerifyCopySource" | "SourceConditionNotMet")
        );
        if !is_about_it {
            return error;
        }
        let said = match error.status() {
            // Nothing else was asked of it.
            Some(304 | 412) => "the source of the copy was written while it was copied",
            _ => error.message(),
        };
        let message = format!("{said}: {}", shown_path(&self.url()));
        let kind = error.kind();
        error.meaning(kind, message).with_blob(&self.blob)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Token, config::Config, endpoint::Endpoint};

    fn source(credential: Credential) -> CopiedBlob {
        let endpoint = Endpoint::parse("https://acct.blob.core.windows.net").unwrap();
        let account = Account::new(Config::new(endpoint, credential)).unwrap();
        let properties = BlobProperties {
            content: ContentHeaders {
                content_type: Some("text/csv".to_owned()),
                content_language: Some("de".to_owned()),
                ..ContentHeaders::default()
            },
            metadata: vec![("a".to_owned(), "1".to_owned())],
            ..BlobProperties::default()
        };
        let blob = BlobRef::parse("data/a b").unwrap();
        CopiedBlob {
            source: CopySource::new(Arc::new(account)),
            blob,
            etag: "\"0x1\"".to_owned(),
            properties,
        }
    }

    fn headers(credential: Credential) -> Vec<(String, String)> {
        let source = source(credential);
        let authorized = source.try_authorized().unwrap().unwrap();
        let request = source.apply(Request::new("PUT", "/"), &authorized);
        let pairs = request.headers.iter();
        pairs
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    const URL: &str = "https://acct.blob.core.windows.net/data/a%20b";

    #[test]
    fn by_what_the_service_may_read_it() {
        let etag = ("x-ms-source-if-match".to_owned(), "\"0x1\"".to_owned());
        let anonymous = headers(Credential::anonymous());
        assert_eq!(
            anonymous,
            [
                ("x-ms-copy-source".to_owned(), URL.to_owned()),
                etag.clone()
            ]
        );
        let sas = headers(Credential::sas("sv=1&sig=x%2F").unwrap());
        assert_eq!(sas[0].1, format!("{URL}?sv=1&sig=x%2F"));
        let key = headers(Credential::shared_key("acct", "a2V5").unwrap());
        let (url, query) = key[0].1.split_once('?').unwrap();
        assert_eq!(url, URL);
        assert!(
            query.contains("&sr=b&sp=r&se=") && query.contains("&spr=https&sig="),
            "{query}"
        );
        assert_eq!((key.len(), &key[1]), (2, &etag));
    }

    #[test]
    fn a_token_goes_beside_the_url() {
        let source = source(Credential::token());
        assert!(source.try_authorized().unwrap().is_none());
        assert!(source.source.needs_token());
        let token = Token::new("secret".to_owned(), 9e9).unwrap();
        source
            .source
            .account
            .with_tokens(|tokens| tokens.fetched(&token));
        assert!(!source.source.needs_token());
        let authorized = source.try_authorized().unwrap().unwrap();
        let request = source.apply(Request::new("PUT", "/"), &authorized);
        assert_eq!(request.header_value("x-ms-copy-source"), Some(URL));
        let value = request.header_value("x-ms-copy-source-authorization");
        assert_eq!(value, Some("Bearer secret"));
        assert!(!format!("{source:?}").contains("secret"));
    }

    #[test]
    fn a_source_without_a_token_fails_the_copy() {
        let source = source(Credential::token());
        assert!(source.source.needs_token());
        source
            .source
            .account
            .with_tokens(|tokens| tokens.failed("none left".into()));
        let error = source.try_authorized().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Authentication);
    }

    #[test]
    fn what_the_copy_has_of_it() {
        let source = source(Credential::anonymous());
        let given = WriteOptions {
            content: ContentHeaders {
                content_type: Some("text/plain".to_owned()),
                ..ContentHeaders::default()
            },
            ..WriteOptions::default()
        };
        let complete = source.complete(&given);
        assert_eq!(complete.content.content_type.as_deref(), Some("text/plain"));
        assert_eq!(complete.content.content_language.as_deref(), Some("de"));
        assert_eq!(complete.metadata, [("a".to_owned(), "1".to_owned())]);
        // The service sees to the metadata where it copies the blob as a whole.
        assert!(source.with_all_headers(&given).metadata.is_empty());
    }

    #[test]
    fn errors_tell_source_and_target_apart() {
        let source = source(Credential::sas("sv=1&sig=secret").unwrap());
        let error = |status, code| {
            let error = Error::new(ErrorKind::NotFound, "said");
            source.explain(error.with_answer(status, Some(code), None))
        };
        let changed = error(412, "CannotVerifyCopySource");
        assert_eq!(changed.blob(), Some("data/a b"));
        assert_eq!(
            changed.message(),
            format!("the source of the copy was written while it was copied: {URL}")
        );
        let unreadable = error(403, "CannotVerifyCopySource");
        assert_eq!(unreadable.message(), format!("said: {URL}"));
        let of_target = error(404, "ContainerNotFound");
        assert_eq!((of_target.blob(), of_target.message()), (None, "said"));
    }
}
