//! An answer, and the way it goes out: head and first bytes in one write, content from where it is
//! stored.

use std::io::{self, Write as _};
use std::time::SystemTime;

use super::transport::Transport;
use crate::store::ContentRange;
use crate::structured_message::StructuredRange;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Payload {
    Empty,
    Bytes(Vec<u8>),
    Stored(ContentRange),
    Structured(StructuredRange),
}

impl Payload {
    fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stored(range) => range.length(),
            Self::Structured(range) => range.length(),
        }
    }
}

/// How a fault distorts an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distortion {
    /// Send no more than this of the body.
    pub(crate) cut_after: Option<u64>,
    /// Flip the byte at this offset of the body.
    pub(crate) corrupt_at: Option<u64>,
    /// Send the body at so many bytes a second.
    pub(crate) bytes_per_second: Option<u64>,
    /// Send this behind the answer, in one write with what is before it.
    pub(crate) extra: Vec<u8>,
}

/// How an answer says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    /// Of lists, batches and errors to HEAD nobody knows the length beforehand.
    Chunked,
    /// There is no body, and nothing is said of it.
    Unsaid,
}

/// An answer being made.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) payload: Payload,
    pub(crate) framing: Framing,
    /// Whether it comes from what stands before the blob service and refuses credentials: it knows
    /// neither versions nor ids of clients.
    pub(crate) from_front_end: bool,
    headers: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            payload: Payload::Empty,
            framing: if status == 204 {
                Framing::Unsaid
            } else {
                Framing::Length
            },
            from_front_end: false,
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

    /// Puts another value in the place of a header's; takes the header away where that is empty.
    pub(crate) fn replace_header(&mut self, name: &str, value: &str) {
        let headers = std::mem::take(&mut self.headers);
        for line in headers.split_inclusive(|byte| *byte == b'\n') {
            let is_meant = line.len() > name.len()
                && line[name.len()] == b':'
                && line[..name.len()].eq_ignore_ascii_case(name.as_bytes());
            if !is_meant {
                self.headers.extend_from_slice(line);
            }
        }
        if !value.is_empty() {
            self.header(name, value);
        }
    }

    /// Adds a header if there is something to say.
    pub(crate) fn optional_header(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.header(name, value);
        }
    }

    /// Sets a body of XML, with the byte order mark that Azure writes.
    pub(crate) fn xml(&mut self, mut xml: Vec<u8>) {
        self.header("Content-Type", "application/xml");
        xml.splice(..0, "\u{FEFF}".bytes());
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
        head.extend_from_slice(if self.from_front_end {
            b"Server: Microsoft-HTTPAPI/2.0\r\nDate: ".as_slice()
        } else {
            b"Server: fastblob-service/1.0 Windows-Azure-Blob/1.0\r\nDate: "
        });
        let _ = write!(head, "{}\r\n", httpdate::HttpDate::from(SystemTime::now()));
        head.extend_from_slice(&self.headers);
        if closes {
            head.extend_from_slice(b"Connection: close\r\n");
        }
        match self.framing {
            Framing::Length => {
                let _ = write!(head, "Content-Length: {}\r\n", self.payload.length());
            }
            Framing::Chunked => head.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Framing::Unsaid => {}
        }
        head.extend_from_slice(b"\r\n");
        if let Some(bytes_per_second) = distortion.bytes_per_second {
            transport.write_both(&head, &[])?;
            transport.flush()?;
            head.clear();
            transport.slow_down(bytes_per_second);
        }
        let mut writer = Writer {
            head,
            position: 0,
            distortion,
            transport,
        };
        if !to_head {
            match &self.payload {
                Payload::Bytes(bytes) if self.framing == Framing::Chunked => {
                    writer.chunked_body(bytes)?;
                }
                Payload::Empty => {}
                Payload::Bytes(bytes) => writer.body(bytes)?,
                Payload::Stored(range) => range.for_each_slice(&mut |slice| writer.body(slice))?,
                Payload::Structured(range) => {
                    range.for_each_slice(&mut |slice, is_content| {
                        if is_content && slice.len() > GATHERED {
                            writer.body(slice)?;
                        } else {
                            writer.gather(slice);
                        }
                        Ok(())
                    })?;
                }
            }
        }
        writer.finish()
    }

    fn write_status_line(&self, into: &mut Vec<u8>) {
        let _ = write!(into, "HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
    }
}

/// Length of the chunks that a body is sent in: lists have several.
const CHUNK: usize = 16 << 10;

/// Longest content of a structured message that is copied, to leave with what is around it: a peer that
/// is woken twice takes several times as long as the copy.
const GATHERED: usize = 64 << 10;

/// Keeps the head until the first bytes of the body are there to go with it.
struct Writer<'t> {
    head: Vec<u8>,
    position: u64,
    distortion: Distortion,
    transport: &'t mut Transport,
}

impl Writer<'_> {
    /// Writes part of the body from where it is.
    fn body(&mut self, slice: &[u8]) -> io::Result<()> {
        if !self.distortion.extra.is_empty() {
            self.gather(slice);
            return Ok(());
        }
        let (slice, corrupt_at) = self.distort(slice);
        match corrupt_at {
            None => self.write(slice),
            Some(at) => {
                self.write(&slice[..at])?;
                self.write(&[!slice[at]])?;
                self.write(&slice[at + 1..])
            }
        }
    }

    /// Writes the body in chunks, each with its length.
    fn chunked_body(&mut self, bytes: &[u8]) -> io::Result<()> {
        for chunk in bytes.chunks(CHUNK) {
            self.between_chunks(&format!("{:x}\r\n", chunk.len()));
            self.body(chunk)?;
            self.between_chunks("\r\n");
        }
        self.between_chunks("0\r\n\r\n");
        Ok(())
    }

    /// Keeps what stands around the chunks, unless the body was cut off before.
    fn between_chunks(&mut self, text: &str) {
        let cut = self.distortion.cut_after;
        if cut.is_none_or(|cut| self.position < cut) {
            self.head.extend_from_slice(text.as_bytes());
        }
    }

    /// Keeps part of the body, to be written with what follows.
    fn gather(&mut self, slice: &[u8]) {
        let (slice, corrupt_at) = self.distort(slice);
        let begin = self.head.len();
        self.head.extend_from_slice(slice);
        if let Some(at) = corrupt_at {
            self.head[begin + at] = !slice[at];
        }
    }

    /// What of the next slice is to be sent, and which byte of it is to be flipped.
    fn distort<'s>(&mut self, slice: &'s [u8]) -> (&'s [u8], Option<usize>) {
        let Distortion {
            cut_after,
            corrupt_at,
            ..
        } = self.distortion;
        let left = cut_after.map_or(u64::MAX, |cut| cut - self.position.min(cut));
        let slice = &slice[..slice.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        let at = corrupt_at
            .and_then(|at| at.checked_sub(self.position))
            .map(|at| at as usize);
        self.position += slice.len() as u64;
        (slice, at.filter(|at| *at < slice.len()))
    }

    fn write(&mut self, slice: &[u8]) -> io::Result<()> {
        self.transport.write_both(&self.head, slice)?;
        self.head.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        let extra = std::mem::take(&mut self.distortion.extra);
        self.head.extend_from_slice(&extra);
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
