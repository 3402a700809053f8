//! `SharedKey` authorization:
//! <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::errors::{self, Failure};
use crate::http::Request;

/// How far a request's date may be off, in seconds.
const LARGEST_SKEW: u64 = 15 * 60;

/// Headers that are signed by value, in order, between the method and the `x-ms-` headers.
const SIGNED: [&str; 11] = [
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

/// Checks `account:signature`.
pub(crate) fn verify(
    context: &Context,
    request: &Request<'_>,
    credentials: &str,
) -> Result<(), Failure> {
    let (account, signature) = credentials.split_once(':').unwrap_or((credentials, ""));
    let date = request
        .header("x-ms-date")
        .or_else(|| request.header("date"))
        .unwrap_or_default();
    let Some(time) = Timestamp::from_http(date) else {
        return refuse("Request date header is missing or malformed".to_owned());
    };
    if time.as_unix().abs_diff(Timestamp::now().as_unix()) > LARGEST_SKEW {
        return refuse(format!("Request date header too old: '{date}'"));
    }
    let to_sign = string_to_sign(request, &context.options.account);
    let given = BASE64_STANDARD.decode(signature).unwrap_or_default();
    let right = hmac::verify(&context.account_key, to_sign.as_bytes(), &given).is_ok();
    if right && account == context.options.account {
        return Ok(());
    }
    refuse(format!(
        "The MAC signature found in the HTTP request '{signature}' is not the same as any computed \
         signature. Server used following string to sign: '{to_sign}'."
    ))
}

fn refuse(detail: String) -> Result<(), Failure> {
    Err(errors::AUTHENTICATION_FAILED
        .error()
        .detail("AuthenticationErrorDetail", detail)
        .into())
}

fn string_to_sign(request: &Request<'_>, account: &str) -> String {
    let mut text = String::with_capacity(512);
    text.push_str(request.method);
    text.push('\n');
    let dated = request.header("x-ms-date").is_some();
    for name in SIGNED {
        let value = request.header(name).unwrap_or_default();
        let omitted = (name == "content-length" && value == "0") || (name == "date" && dated);
        text.push_str(if omitted { "" } else { value });
        text.push('\n');
    }
    push_headers(&mut text, request);
    text.extend(["/", account, request.path]);
    push_query(&mut text, request);
    text
}

fn push_headers(text: &mut String, request: &Request<'_>) {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), *value));
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| name.starts_with("x-ms-"))
        .collect();
    headers.sort_by(|(left, _), (right, _)| compare_names(left, right));
    for (name, value) in headers {
        text.extend([&name, ":", value, "\n"]);
    }
}

fn push_query(text: &mut String, request: &Request<'_>) {
    let pairs = request
        .query
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), &**value));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    let mut previous = None;
    for (name, value) in pairs {
        if previous.as_ref() == Some(&name) {
            text.extend([",", value]);
        } else {
            text.extend(["\n", &name, ":", value]);
        }
        previous = Some(name);
    }
}

/// The service sorts header names as .NET's invariant culture does: hyphens do not count, and
/// punctuation comes before digits before letters. The official clients carry tables for it.
fn compare_names(left: &str, right: &str) -> Ordering {
    weights(left)
        .cmp(weights(right))
        .then_with(|| right.cmp(left))
}

fn weights(name: &str) -> impl Iterator<Item = (u8, u8)> {
    name.bytes()
        .filter(|byte| *byte != b'-')
        .map(|byte| match byte {
            b'a'..=b'z' => (3, byte),
            b'0'..=b'9' => (2, byte),
            b'+' => (1, byte),
            _ => (0, byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_in_the_order_of_the_service() {
        let mut names = [
            "x-ms-meta-ab",
            "x-ms-meta-a_b",
            "x-ms-meta-a-c",
            "x-ms-meta-a1",
            "x-ms-date",
        ];
        names.sort_by(|left, right| compare_names(left, right));
        let expected = [
            "x-ms-date",
            "x-ms-meta-a_b",
            "x-ms-meta-a1",
            "x-ms-meta-ab",
            "x-ms-meta-a-c",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn string_to_sign_of_a_put() {
        let head = b"PUT /acct/c/b%20b?timeout=30&Comp=block HTTP/1.1\r\nContent-Length: 3\r\nDate: now\r\n\
            x-ms-date: then\r\nx-ms-version: 2024-11-04\r\nContent-Type: text/plain\r\n\r\n";
        let request = Request::parse(head).expect("a head");
        assert_eq!(
            string_to_sign(&request, "acct"),
            "PUT\n\n\n3\n\ntext/plain\n\n\n\n\n\n\nx-ms-date:then\nx-ms-version:2024-11-04\n\
             /acct/acct/c/b%20b\ncomp:block\ntimeout:30"
        );
    }
}
