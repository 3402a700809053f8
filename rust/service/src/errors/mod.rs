//! Errors of the blob service: what is wrong with a request, in Azure's statuses, codes and words.

use std::borrow::Cow;
use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::clock;
use crate::http::{Answer, Framing};

#[rustfmt::skip]
mod known;

pub(crate) use known::*;

/// An error that Azure answers with.
#[derive(Clone, Debug)]
pub(crate) struct ServiceError {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
    /// Further elements of the body, such as `AuthenticationErrorDetail`.
    pub(crate) details: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(String, String)>,
}

impl ServiceError {
    /// An error of another service than Blob, or of nobody's list.
    pub(crate) fn new(
        status: u16,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The error that a fault answers with.
    pub(crate) fn scripted(status: u16, code: &str, headers: &[(String, String)]) -> Self {
        let code = code.to_owned().into();
        Self {
            code,
            headers: headers.to_vec(),
            ..Self::new(status, "", "A scripted fault.")
        }
    }

    /// Adds an element to the body.
    pub(crate) fn detail(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.details.push((element, text.into()));
        self
    }

    /// Adds a header to the answer.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The answer to a request of that method: XML, and the code in a header for those that see no
    /// body.
    pub(crate) fn to_answer(&self, method: &str, request_id: &str) -> Answer {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error>");
        let now = clock::now_to_the_tick();
        let message = format!("{}\nRequestId:{request_id}\nTime:{now}", self.message);
        let parts = [("Code", &*self.code), ("Message", message.as_str())];
        let details = self
            .details
            .iter()
            .map(|(element, text)| (*element, text.as_str()));
        for (element, text) in parts.into_iter().chain(details) {
            let text = quick_xml::escape::escape(text);
            xml.extend(["<", element, ">", &text, "</", element, ">"]);
        }
        xml.push_str("</Error>");
        let mut answer = Answer::new(self.status);
        answer.from_front_end = matches!(
            &*self.code,
            "AuthenticationFailed" | "InvalidAuthenticationInfo" | "ResourceNotFound"
        );
        // What hides a resource from those that do not identify themselves hides its code as well.
        if self.code != "ResourceNotFound" {
            answer.header("x-ms-error-code", &self.code);
        }
        for (name, value) in &self.headers {
            answer.header(name, value);
        }
        match (method, self.status) {
            ("GET", 304) => answer.framing = Framing::Unsaid,
            (_, 304) => {}
            ("HEAD", _) => answer.framing = Framing::Chunked,
            _ => answer.xml(xml.into_bytes()),
        }
        answer
    }
}

/// What only the real service does.
pub(crate) fn not_offered(what: &str) -> Failure {
    let message = format!("The embedded service does not offer {what}.");
    ServiceError::new(501, "NotImplemented", message).into()
}

/// A header's value is not of the form.
pub(crate) fn invalid_header(name: &str, value: &str) -> Failure {
    let error = INVALID_HEADER_VALUE.error().detail("HeaderName", name);
    error.detail("HeaderValue", value).into()
}

/// A CRC64 as sent is not the one as computed.
pub(crate) fn crc64_mismatch(specified: u64, calculated: u64) -> Failure {
    let encode = |crc64: u64| BASE64_STANDARD.encode(crc64.to_le_bytes());
    let error = CRC64_MISMATCH.error();
    let error = error.detail("UserSpecifiedCrc", encode(specified));
    error
        .detail("ServerCalculatedCrc", encode(calculated))
        .into()
}

/// Why a request has no regular answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Answered with an error.
    Service(Box<ServiceError>),
    /// The connection broke while the body was read: there is nobody to answer.
    Connection(io::Error),
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<Known> for Failure {
    fn from(known: Known) -> Self {
        ServiceError::from(known).into()
    }
}
