//! Heads of requests and responses.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    fs::File,
    io,
    mem::MaybeUninit,
    ops::Range,
};

use percent_encoding::utf8_percent_encode;

use super::number::number;
use crate::{
    endpoint::QUERY,
    error::InvalidInput,
    limits::{MAX_HEAD_SIZE, MAX_HEADERS},
};

/// Whether a header can hold the value as it is: printable ASCII, no space at either end.
pub(crate) fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text
}

/// What follows the head of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    Empty,
    Bytes(&'a [u8]),
    /// A piece of a file, read while it is sent.
    File {
        file: &'a File,
        offset: u64,
        length: u64,
    },
    /// Made while it is sent.
    Produced(&'a dyn Produced),
}

/// A body that is made while it is sent.
pub(crate) trait Produced: fmt::Debug {
    /// Bytes of all of it.
    fn length(&self) -> u64;

    /// Puts the next bytes into the buffer, as many as it holds; 0 at the end.
    fn next(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Body<'_> {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File { length, .. } => *length,
            Body::Produced(produced) => produced.length(),
        }
    }
}

/// A request before it is authorised and written.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    /// Percent-encoded, with a leading slash.
    pub(crate) path: Cow<'a, str>,
    /// Names and values as they are, not encoded.
    pub(crate) query: Vec<(&'static str, Cow<'a, str>)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(crate) body: Body<'a>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: &'static str, path: impl Into<Cow<'a, str>>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::with_capacity(12),
            body: Body::Empty,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Cow<'a, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: Body<'a>) -> Self {
        self.body = body;
        self
    }

    /// The value of the header with this name.
    pub(crate) fn header_value(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(field, _)| field == name)
            .map(|(_, value)| &**value)
    }

    /// The path and the encoded query, with the account's SAS where there is one.
    fn write_target(&self, out: &mut String, sas: Option<&str>) {
        out.push_str(&self.path);
        let mut separator = '?';
        for (name, value) in &self.query {
            out.push(separator);
            out.push_str(name);
            out.push('=');
            out.extend(utf8_percent_encode(value, QUERY));
            separator = '&';
        }
        if let Some(sas) = sas {
            out.push(separator);
            out.push_str(sas);
        }
    }

    /// Refuses what would end a line of the head too early. Checked here for all values, wherever they
    /// come from: a token or a metadata value with a line end would add a header, or a whole request.
    ///
    /// The error does not show the value, which may be a secret.
    fn check(&self, target: &str, origin: &str, host: &str) -> Result<(), InvalidInput> {
        if !is_graphic(host) || has(origin, |byte| !byte.is_ascii_graphic()) {
            return Err(InvalidInput::new(
                "the account URL holds a character that no host name may hold",
            ));
        }
        if !is_graphic(target) {
            return Err(InvalidInput::new(
                "the request's URL holds a space, a control character or one beyond ASCII; \
                 percent-encode it",
            ));
        }
        for (name, value) in &self.headers {
            if !is_token(name) {
                return Err(InvalidInput::new(
                    "the name of a header or of a metadata entry is empty or holds a character that \
                     no such name may hold",
                ));
            }
            if has(value, |byte| byte.is_ascii_control() && byte != b'\t') {
                return Err(InvalidInput::new(format!(
                    "the value of the header '{name}' holds a line end or another control character; \
                     remove it"
                )));
            }
        }
        Ok(())
    }

    /// Writes the head into `out`, which is emptied before.
    ///
    /// `origin` is `scheme://authority` where a proxy has to be told, else empty.
    ///
    /// # Errors
    /// Where a part of it is no part of a head; `out` is empty then.
    pub(crate) fn write_head(
        &self,
        out: &mut String,
        origin: &str,
        host: &str,
        sas: Option<&str>,
    ) -> Result<(), InvalidInput> {
        out.clear();
        out.extend([self.method, " ", origin]);
        let start = out.len();
        self.write_target(out, sas);
        if let Err(refusal) = self.check(&out[start..], origin, host) {
            out.clear();
            return Err(refusal);
        }
        out.extend([" HTTP/1.1\r\nhost: ", host, "\r\n"]);
        for (name, value) in &self.headers {
            out.extend([&**name, ": ", value, "\r\n"]);
        }
        if !matches!((self.method, self.body), ("GET" | "HEAD", Body::Empty)) {
            let _ = write!(out, "content-length: {}\r\n", self.body.length());
        }
        out.push_str("\r\n");
        Ok(())
    }
}

/// Whether it has such a byte. All are looked at, which takes fewer instructions than to stop at the first.
fn has(text: &str, wanted: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |has, byte| has | wanted(byte))
}

/// Whether it is one word of printable ASCII.
fn is_graphic(text: &str) -> bool {
    !text.is_empty() && !has(text, |byte| !byte.is_ascii_graphic())
}

/// Whether it can be a header's name (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || byte == b'-' || b"!#$%&'*+.^_`|~".contains(&byte)
        })
}

/// Where the body of a response ends (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// Status line and header fields of a response.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    bytes: Box<[u8]>,
    fields: Vec<(Range<usize>, Range<usize>)>,
    pub(crate) keep_alive: bool,
    /// The answer came before the request was sent whole: a refusal counts, a success does not.
    pub(crate) answered_early: bool,
    pub(crate) framing: Framing,
}

impl ResponseHead {
    /// Parses a head from the start of `bytes`: the head and its length, or None where it is not yet
    /// complete.
    pub(crate) fn parse(
        bytes: &[u8],
        to_head_request: bool,
    ) -> Result<Option<(Self, usize)>, &'static str> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            bytes,
            &mut headers,
        );
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD_SIZE => return Ok(None),
            Ok(httparse::Status::Partial) => return Err("the head of the answer is too long"),
            Err(httparse::Error::TooManyHeaders) => return Err("the answer has too many headers"),
            Err(_) => return Err("the answer is not HTTP"),
        };
        let status = response.code.unwrap_or_default();
        let start = bytes.as_ptr() as usize;
        let span = |part: &[u8]| {
            let offset = part.as_ptr() as usize - start;
            offset..offset + part.len()
        };
        let fields = response
            .headers
            .iter()
            .map(|header| (span(header.name.as_bytes()), span(header.value)))
            .collect();
        let mut head = Self {
            status,
            bytes: bytes[..length].into(),
            fields,
            keep_alive: response.version == Some(1),
            answered_early: false,
            framing: Framing::Length(0),
        };
        if let Some(connection) = head.get("connection")
            && connection.to_ascii_lowercase().contains("close")
        {
            head.keep_alive = false;
        }
        head.framing = head.find_framing(to_head_request)?;
        if head.framing == Framing::UntilClose {
            head.keep_alive = false;
        }
        Ok(Some((head, length)))
    }

    /// Whether another answer to the same request follows (RFC 9110, section 15.2).
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }

    fn find_framing(&self, to_head_request: bool) -> Result<Framing, &'static str> {
        if to_head_request || matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Framing::Length(0));
        }
        if self.has("transfer-encoding") {
            // With a length beside it, the two ends may not agree where the body ends (RFC 9112, 6.3).
            if self.has("content-length") {
                return Err("the answer has both a length and a transfer coding");
            }
            let mut codings = self.all("transfer-encoding");
            let chunked = |coding: &str| coding.trim().eq_ignore_ascii_case("chunked");
            return if codings.next().is_some_and(chunked) && codings.next().is_none() {
                Ok(Framing::Chunked)
            } else {
                Err("the answer has a transfer coding that was not asked for")
            };
        }
        let mut lengths = self.all("content-length");
        let Some(length) = lengths.next() else {
            return Ok(Framing::UntilClose);
        };
        if lengths.any(|other| other != length) {
            return Err("the answer has two lengths");
        }
        number(length)
            .map(Framing::Length)
            .ok_or("the answer has an illegal length")
    }

    /// The headers of that name, in any case; those whose value is not UTF-8 are left out.
    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(|(field, _)| self.is(field, name))
            .filter_map(|(_, value)| std::str::from_utf8(&self.bytes[value.clone()]).ok())
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| self.is(field, name))
    }

    fn is(&self, field: &Range<usize>, name: &str) -> bool {
        field.len() == name.len() && self.bytes[field.clone()].eq_ignore_ascii_case(name.as_bytes())
    }

    /// The first header of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The length of the body, where the head says it.
    pub(crate) fn length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(length) => Some(length),
            _ => None,
        }
    }

    pub(crate) fn error_code(&self) -> Option<&str> {
        self.get("x-ms-error-code")
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.get("x-ms-request-id")
    }

    /// First byte, last byte and total of `Content-Range: bytes 0-9/100`; no bytes in `bytes */100`.
    pub(crate) fn content_range(&self) -> Option<(Option<(u64, u64)>, u64)> {
        let (range, total) = self
            .get("content-range")?
            .trim()
            .strip_prefix("bytes")?
            .trim_start()
            .split_once('/')?;
        let total = number(total)?;
        if range == "*" {
            return Some((None, total));
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        // Azurite answers a range from the end on with `bytes 9-8/9`.
        (last < total && first <= last + 1).then_some((Some((first, last)), total))
    }

    /// The blob's metadata, names as the service sends them.
    pub(crate) fn metadata(&self) -> Vec<(String, String)> {
        const PREFIX: &[u8] = b"x-ms-meta-";
        let text = |bytes: &[u8]| Some(std::str::from_utf8(bytes).ok()?.to_owned());
        self.fields
            .iter()
            .filter_map(|(name, value)| {
                let (prefix, name) = self.bytes[name.clone()].split_at_checked(PREFIX.len())?;
                if !prefix.eq_ignore_ascii_case(PREFIX) {
                    return None;
                }
                Some((text(name)?, text(&self.bytes[value.clone()])?))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Option<(ResponseHead, usize)>, &'static str> {
        ResponseHead::parse(text.as_bytes(), false)
    }

    #[test]
    fn a_request() {
        let request = Request::new("PUT", "/c/a%20b")
            .query("comp", "block")
            .query("blockid", "a+b=")
            .header("x-ms-version", "1")
            .body(Body::Bytes(b"xyz"));
        let mut head = String::new();
        request
            .write_head(&mut head, "", "host", Some("sig=s"))
            .unwrap();
        assert_eq!(
            head,
            "PUT /c/a%20b?comp=block&blockid=a%2Bb%3D&sig=s HTTP/1.1\r\nhost: host\r\n\
             x-ms-version: 1\r\ncontent-length: 3\r\n\r\n"
        );
    }

    #[test]
    fn nothing_is_injected() {
        const EVIL: [&str; 6] = [
            "s3cret\r\nx: y",
            "s3cret\r\n\r\nGET / HTTP/1.1",
            "s3cret\n",
            "\rs3cret",
            "s3\0cret",
            "s3cret\x7f",
        ];
        let refused = |request: Request, host: &str, sas: Option<&str>| {
            let mut head = String::new();
            let refusal = request.write_head(&mut head, "", host, sas).unwrap_err();
            assert!(head.is_empty());
            assert!(!refusal.to_string().contains("cret"), "{refusal}");
        };
        let get = || Request::new("GET", "/c/b");
        for evil in EVIL {
            refused(get().header("authorization", evil), "host", None);
            refused(get().header(evil, "value"), "host", None);
            refused(get(), evil, None);
            refused(get(), "host", Some(evil));
            refused(Request::new("GET", format!("/{evil}")), "host", None);
        }
        refused(get().header("", "value"), "host", None);
        refused(get().header("x-ms-meta-a b", "value"), "host", None);
        refused(Request::new("GET", "/s3 cret"), "host", None);
        let mut head = String::new();
        get()
            .query("prefix", "a\r\nb")
            .header("x-ms-meta-a", "caf\u{e9}\tb")
            .write_head(&mut head, "", "host", None)
            .unwrap();
        assert!(head.starts_with("GET /c/b?prefix=a%0D%0Ab HTTP/1.1\r\n"));
    }

    #[test]
    fn a_response() {
        let text = "HTTP/1.1 206 Partial\r\nContent-Length: 5\r\nContent-Range: bytes 2-6/10\r\n\
                    X-Ms-Meta-Key: v\r\n\r\nhello";
        let (head, length) = parse(text).unwrap().unwrap();
        assert_eq!(&text[length..], "hello");
        assert_eq!(head.framing, Framing::Length(5));
        assert_eq!(head.content_range(), Some((Some((2, 6)), 10)));
        assert_eq!(head.metadata(), [("Key".to_owned(), "v".to_owned())]);
        assert!(head.keep_alive);
        for range in [
            "+2-6/10", "2-+6/10", "2-6/+10", "2-6/*", "2-6/", "2- 6/10", "6-2/10",
        ] {
            let text = format!("HTTP/1.1 206 Partial\r\nContent-Range: bytes {range}\r\n\r\n");
            let (head, _) = parse(&text).unwrap().unwrap();
            assert_eq!(head.content_range(), None, "{range}");
        }
    }

    #[test]
    fn framing() {
        let framing = |headers: &str| {
            parse(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n"))
                .map(|parsed| parsed.unwrap().0.framing)
        };
        assert_eq!(
            framing("Transfer-Encoding: chunked\r\n"),
            Ok(Framing::Chunked)
        );
        assert_eq!(framing(""), Ok(Framing::UntilClose));
        assert!(framing("Content-Length: 1\r\nContent-Length: 2\r\n").is_err());
        assert!(framing("Content-Length: -1\r\n").is_err());
        assert!(framing("Content-Length: +1\r\n").is_err());
        assert!(framing("Transfer-Encoding: gzip, chunked\r\n").is_err());
        let head = ResponseHead::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true);
        assert_eq!(head.unwrap().unwrap().0.framing, Framing::Length(0));
    }

    #[test]
    fn limits() {
        assert!(parse("HTTP/1.1 200 OK\r\n").unwrap().is_none());
        assert!(
            parse(&format!(
                "HTTP/1.1 200 OK\r\na: {}",
                "x".repeat(MAX_HEAD_SIZE)
            ))
            .is_err()
        );
        let many = "a: b\r\n".repeat(MAX_HEADERS + 1);
        assert!(parse(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")).is_err());
        assert!(parse("<html>").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = ResponseHead::parse(&bytes, false);
        }
    }
}
