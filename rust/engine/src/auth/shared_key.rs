//! Shared Key: a signature over the request with the account's key.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>

use std::{borrow::Cow, cmp::Ordering, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;

use crate::{error::InvalidInput, http::Request};

pub(crate) struct SharedKey {
    account: String,
    key: hmac::Key,
}

/// Bytes of the text to be signed, but for long names and metadata.
const USUAL_LENGTH: usize = 512;

/// Standard headers in the order in which they are signed; the dates stay empty, as `x-ms-date` is sent.
const SIGNED_HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

impl SharedKey {
    pub(crate) fn new(account: &str, key: &str) -> Result<Self, InvalidInput> {
        if account.is_empty() {
            return Err(InvalidInput::new(
                "the account's name does not follow from its URL; give AzureNamedKeyCredential(name, key)",
            ));
        }
        let key = STANDARD
            .decode(key.trim())
            .ok()
            .filter(|key| !key.is_empty())
            .ok_or_else(|| {
                InvalidInput::new(
                    "the account key is not base64; copy it whole, as the portal shows it",
                )
            })?;
        Ok(Self {
            account: account.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn sign(&self, text: &str) -> String {
        STANDARD.encode(hmac::sign(&self.key, text.as_bytes()))
    }

    /// The value of the Authorization header.
    pub(crate) fn authorization(&self, request: &Request) -> String {
        let signature = hmac::sign(&self.key, self.string_to_sign(request).as_bytes());
        let mut value = ["SharedKey ", &self.account, ":"].concat();
        STANDARD.encode_string(signature, &mut value);
        value
    }

    fn string_to_sign(&self, request: &Request) -> String {
        let mut text = String::with_capacity(USUAL_LENGTH);
        text.push_str(request.method);
        text.push('\n');
        for name in SIGNED_HEADERS {
            if name == "content-length" {
                // An empty body is signed as an empty string, since version 2015-02-21.
                match request.body.length() {
                    0 => {}
                    length => {
                        let _ = write!(text, "{length}");
                    }
                }
            } else if let Some(value) = request.header_value(name) {
                text.push_str(value);
            }
            text.push('\n');
        }
        let named = |(name, _): &&(Cow<str>, _)| name.starts_with("x-ms-");
        let mut headers: Vec<_> = request.headers.iter().filter(named).collect();
        headers.sort_by(|(a, _), (b, _)| order(a, b));
        for (name, value) in headers {
            // Names of metadata are sent as they were given, and signed in lower case.
            let start = text.len();
            text.push_str(name);
            text[start..].make_ascii_lowercase();
            text.push(':');
            text.push_str(value.trim());
            text.push('\n');
        }
        text.push('/');
        text.push_str(&self.account);
        text.push_str(&request.path);
        let mut query: Vec<_> = request.query.iter().collect();
        query.sort();
        for (name, value) in query {
            let _ = write!(text, "\n{name}:{value}");
        }
        text
    }
}

/// The service sorts names as a dictionary does: hyphens do not count, and an underscore comes before
/// digits, which come before letters.
fn order(a: &str, b: &str) -> Ordering {
    fn key(name: &str) -> impl Iterator<Item = u8> {
        let counted = name.bytes().filter(|byte| *byte != b'-');
        counted.map(|byte| match byte {
            b'_' => 0,
            byte => byte.to_ascii_lowercase(),
        })
    }
    let lower = |byte: u8| byte.to_ascii_lowercase();
    key(a)
        .cmp(key(b))
        .then_with(|| a.bytes().map(lower).cmp(b.bytes().map(lower)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;

    #[test]
    fn the_string_of_the_documentation() {
        let key = SharedKey::new("myaccount", "a2V5").unwrap();
        let request = Request::new("GET", "/mycontainer")
            .query("restype", "container")
            .query("comp", "metadata")
            .header("x-ms-version", "2015-02-21")
            .header("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT");
        assert_eq!(
            key.string_to_sign(&request),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n\
             x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\nrestype:container"
        );
    }

    #[test]
    fn body_conditions_and_range_are_signed() {
        let key = SharedKey::new("a", "a2V5").unwrap();
        let request = Request::new("PUT", "/c/b")
            .header("if-none-match", "*")
            .header("range", "bytes=0-1")
            .body(Body::Bytes(b"xyz"));
        assert_eq!(
            key.string_to_sign(&request),
            "PUT\n\n\n3\n\n\n\n\n\n*\n\nbytes=0-1\n/a/c/b"
        );
    }

    #[test]
    fn a_key_must_be_base64() {
        let error = SharedKey::new("a", "not base64!").err().unwrap();
        assert!(!error.to_string().contains("not base64!"));
        assert!(SharedKey::new("", "a2V5").is_err());
    }
}
