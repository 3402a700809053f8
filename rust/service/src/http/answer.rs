//! An answer, and the way it goes out: head and first bytes in one write, content from where it is
//! stored.

use std::io::{self, Write as _};
use std::time::SystemTime;

use super::transport::Transport;
use crate::store::ContentRange;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Payload {
    Empty,
    Bytes(Vec<u8>),
    Stored(ContentRange),
}

impl Payload {
    fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stored(range) => range.length(),
        }
    }
}

/// How a fault distorts the body of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Distortion {
    /// Send no more than this.
    cut_after: Option<u64>,
    /// Flip the byte at this offset.
    corrupt_at: Option<u64>,
}

impl Distortion {
    pub(crate) fn cut(after_bytes: Option<u64>) -> Self {
        Self {
            cut_after: after_bytes,
            corrupt_at: None,
        }
    }

    pub(crate) fn corrupt(at: u64) -> Self {
        Self {
            cut_after: None,
            corrupt_at: Some(at),
        }
    }
}

/// An answer being made.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) payload: Payload,
    headers: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            payload: Payload::Empty,
            headers: Vec::with_capacity(768),
        }
    }

    /// Adds a header. Line ends in values become spaces: they come from clients.
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        self.headers.extend_from_slice(name.as_bytes());
        self.headers.extend_from_slice(b": ");
        self.headers.extend(
            value
                .bytes()
                .map(|byte| if byte < b' ' { b' ' } else { byte }),
        );
        self.headers.extend_from_slice(b"\r\n");
    }

    /// Adds a header if there is something to say.
    pub(crate) fn optional_header(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.header(name, value);
        }
    }

    /// Sets a body of XML.
    pub(crate) fn xml(&mut self, xml: Vec<u8>) {
        self.header("Content-Type", "application/xml");
        self.payload = Payload::Bytes(xml);
    }

    /// Sets a body of JSON.
    pub(crate) fn json(&mut self, value: &serde_json::Value) {
        self.header("Content-Type", "application/json; charset=utf-8");
        self.payload = Payload::Bytes(value.to_string().into_bytes());
    }

    /// The same answer as a part of a multipart body.
    pub(crate) fn to_part(&self) -> Vec<u8> {
        let mut part = Vec::new();
        self.write_status_line(&mut part);
        part.extend_from_slice(&self.headers);
        if let Payload::Bytes(bytes) = &self.payload {
            let _ = write!(part, "Content-Length: {}\r\n\r\n", bytes.len());
            part.extend_from_slice(bytes);
        }
        part.extend_from_slice(b"\r\n");
        part
    }

    /// Writes the answer; the body of one to HEAD stays away, but for its length.
    pub(crate) fn send(
        &self,
        to_head: bool,
        closes: bool,
        distortion: Distortion,
        transport: &mut Transport,
    ) -> io::Result<()> {
        let mut head = std::mem::take(&mut transport.head_buffer);
        head.clear();
        self.write_status_line(&mut head);
        head.extend_from_slice(b"Server: fastblob-service/1.0 Windows-Azure-Blob/1.0\r\nDate: ");
        let _ = write!(head, "{}\r\n", httpdate::HttpDate::from(SystemTime::now()));
        head.extend_from_slice(&self.headers);
        if closes {
            head.extend_from_slice(b"Connection: close\r\n");
        }
        // Neither 204 nor 304 may have a body, and some clients wait for one that is announced.
        if !matches!(self.status, 204 | 304) {
            let _ = write!(head, "Content-Length: {}\r\n", self.payload.length());
        }
        head.extend_from_slice(b"\r\n");
        let mut writer = Writer {
            head,
            position: 0,
            distortion,
            transport,
        };
        if !to_head {
            match &self.payload {
                Payload::Empty => {}
                Payload::Bytes(bytes) => writer.body(bytes)?,
                Payload::Stored(range) => range.for_each_slice(&mut |slice| writer.body(slice))?,
            }
        }
        writer.finish()
    }

    fn write_status_line(&self, into: &mut Vec<u8>) {
        let _ = write!(into, "HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
    }
}

/// Keeps the head until the first bytes of the body are there to go with it.
struct Writer<'t> {
    head: Vec<u8>,
    position: u64,
    distortion: Distortion,
    transport: &'t mut Transport,
}

impl Writer<'_> {
    fn body(&mut self, slice: &[u8]) -> io::Result<()> {
        let Distortion {
            cut_after,
            corrupt_at,
        } = self.distortion;
        let left = cut_after.map_or(u64::MAX, |cut| cut - self.position.min(cut));
        let slice = &slice[..slice.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        let at = corrupt_at
            .and_then(|at| at.checked_sub(self.position))
            .map(|at| at as usize);
        self.position += slice.len() as u64;
        match at.filter(|at| *at < slice.len()) {
            None => self.write(slice),
            Some(at) => {
                self.write(&slice[..at])?;
                self.write(&[!slice[at]])?;
                self.write(&slice[at + 1..])
            }
        }
    }

    fn write(&mut self, slice: &[u8]) -> io::Result<()> {
        self.transport.write_both(&self.head, slice)?;
        self.head.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.write(&[])?;
        self.transport.head_buffer = self.head;
        self.transport.flush()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Payload Too Large",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Server Busy",
        _ => "Unspecified",
    }
}
