//! A request's head, decoded.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Blob metadata alone may take some hundred headers.
const MOST_HEADERS: usize = 256;

/// The head of a request; borrows from the connection's buffer.
#[derive(Debug)]
pub(crate) struct Request<'h> {
    pub(crate) method: &'h str,
    /// Path and query as sent.
    pub(crate) target: &'h str,
    /// The path as sent, percent-encoding and all.
    pub(crate) path: &'h str,
    /// The query, decoded, in the order sent.
    pub(crate) query: Vec<(Cow<'h, str>, Cow<'h, str>)>,
    pub(crate) headers: Vec<(&'h str, &'h str)>,
    http_1_0: bool,
}

impl<'h> Request<'h> {
    /// Parses a head up to and including the blank line. None if it is not one, or not text.
    pub(crate) fn parse(head: &'h [u8]) -> Option<Self> {
        let mut storage = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut storage);
        if !parsed.parse(head).ok()?.is_complete() {
            return None;
        }
        let headers = parsed.headers.iter().map(|header| {
            let value = std::str::from_utf8(header.value).ok()?;
            Some((header.name, value.trim()))
        });
        let headers = headers.collect::<Option<Vec<_>>>()?;
        let target = parsed.path?;
        // The absolute form is what a client behind a proxy sends.
        let local = match target.split_once("://") {
            Some((_, rest)) if !target.starts_with('/') => {
                &rest[rest.find('/').unwrap_or(rest.len())..]
            }
            _ => target,
        };
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        Some(Self {
            method: parsed.method?,
            target: local,
            path,
            query: parse_query(query)?,
            headers,
            http_1_0: parsed.version? == 0,
        })
    }

    /// The value of a header, its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&'h str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The same, but nothing where the value is empty.
    pub(crate) fn filled_header(&self, name: &str) -> Option<&'h str> {
        self.header(name).filter(|value| !value.is_empty())
    }

    /// Whether a header says `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.header(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The value of a query parameter, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.query, name)
    }

    /// Whether the client wants the connection closed after this exchange.
    pub(crate) fn wants_close(&self) -> bool {
        let connection = self.header("connection").unwrap_or_default();
        connection.eq_ignore_ascii_case("close")
            || (self.http_1_0 && !connection.eq_ignore_ascii_case("keep-alive"))
    }
}

/// Looks a parameter up, its name in any case.
pub(crate) fn parameter<'q>(
    query: &'q [(Cow<'_, str>, Cow<'_, str>)],
    name: &str,
) -> Option<&'q str> {
    query
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| &**value)
}

/// Decodes a query. None if what it encodes is not UTF-8.
pub(crate) fn parse_query(query: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode_parameter(name)?, decode_parameter(value)?))
    });
    decoded.collect()
}

fn decode_parameter(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
        return Some(Cow::Owned(decoded));
    }
    percent_decode_str(text).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_path_query_and_headers() {
        let head = b"GET /a/b%20c?comp=list&prefix=x%2By+z&Marker HTTP/1.1\r\nX-Ms-Version: 2024-11-04 \r\n\r\n";
        let request = Request::parse(head).expect("a head");
        assert_eq!(request.path, "/a/b%20c");
        assert_eq!(request.parameter("PREFIX"), Some("x+y z"));
        assert_eq!(request.parameter("marker"), Some(""));
        assert_eq!(request.header("x-ms-version"), Some("2024-11-04"));
        assert!(!request.wants_close());
    }

    #[test]
    fn refuses_what_is_not_text() {
        assert!(Request::parse(b"GET / HTTP/1.1\r\na: \xff\r\n\r\n").is_none());
        assert!(Request::parse(b"GET /?a=%ff HTTP/1.1\r\n\r\n").is_none());
        assert!(Request::parse(b"\x16\x03\x01\r\n\r\n").is_none());
    }
}
