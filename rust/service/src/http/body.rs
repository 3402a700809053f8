//! The body of a request, read from the connection piece by piece.

use std::io;

use super::request::Request;
use super::transport::Transport;

#[derive(Debug)]
enum Framing {
    /// So many bytes to come.
    Length(u64),
    /// So many bytes of the current chunk to come; none read yet if `first`.
    Chunk { left: u64, first: bool },
}

/// What is left to read of a request's body.
#[derive(Debug)]
pub(crate) struct RequestBody<'c> {
    transport: &'c mut Transport,
    framing: Framing,
    awaits_continue: bool,
    /// Bytes after which the connection breaks, where a fault says so.
    breaks_after: Option<u64>,
}

impl<'c> RequestBody<'c> {
    /// None if the head does not say how long the body is in a way that makes sense.
    pub(crate) fn new(request: &Request<'_>, transport: &'c mut Transport) -> Option<Self> {
        let framing = match (
            request.header("transfer-encoding"),
            request.header("content-length"),
        ) {
            (None, None) => Framing::Length(0),
            (None, Some(length)) => Framing::Length(length.parse().ok()?),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunk {
                left: 0,
                first: true,
            },
            // Both: the classic ambiguity of request smuggling.
            (Some(_), _) => return None,
        };
        let awaits_continue = request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        Some(Self {
            transport,
            framing,
            awaits_continue,
            breaks_after: None,
        })
    }

    /// Has the connection break once so many bytes were read.
    pub(crate) fn break_after(&mut self, bytes: u64) {
        self.breaks_after = Some(bytes);
    }

    /// Whether the break of [`Self::break_after`] is due.
    pub(crate) fn is_broken(&self) -> bool {
        self.breaks_after == Some(0)
    }

    /// How many bytes are to come, if the head told.
    pub(crate) fn length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(left) => Some(left),
            Framing::Chunk { .. } => None,
        }
    }

    /// Whether the client still waits for leave to send the body.
    pub(crate) fn is_withheld(&self) -> bool {
        self.awaits_continue && !matches!(self.framing, Framing::Length(0))
    }

    /// Reads part of the body; zero at its end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_broken() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if self.is_withheld() {
            self.transport
                .write_both(b"HTTP/1.1 100 Continue\r\n\r\n", b"")?;
            self.transport.flush()?;
        }
        self.awaits_continue = false;
        let left = self.left_in_piece()?;
        let limit = (buffer.len() as u64)
            .min(left)
            .min(self.breaks_after.unwrap_or(u64::MAX)) as usize;
        if limit == 0 {
            return Ok(0);
        }
        let got = self.transport.read(&mut buffer[..limit])?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &mut self.framing {
            Framing::Length(left) | Framing::Chunk { left, .. } => *left -= got as u64,
        }
        if let Some(bytes) = &mut self.breaks_after {
            *bytes -= got as u64;
        }
        if self.is_broken() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(got)
    }

    /// Fills the buffer as far as the body goes, and tells how far that is.
    pub(crate) fn read_full(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                got => filled += got,
            }
        }
        Ok(filled)
    }

    /// Reads all of a small body. None if it is longer than `limit`.
    pub(crate) fn read_all(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut all = vec![0; self.length().unwrap_or(16 << 10).min(limit as u64 + 1) as usize];
        let mut filled = 0;
        loop {
            filled += self.read_full(&mut all[filled..])?;
            if filled > limit {
                return Ok(None);
            }
            if filled < all.len() || self.length() == Some(0) {
                all.truncate(filled);
                return Ok(Some(all));
            }
            all.resize((all.len() * 2).clamp(1 << 10, limit + 1), 0);
        }
    }

    /// Reads and forgets the rest, so that the next request's head comes next.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        if matches!(self.framing, Framing::Length(0)) {
            return Ok(());
        }
        let mut scratch = vec![0; 64 << 10];
        while self.read(&mut scratch)? > 0 {}
        Ok(())
    }

    /// Bytes left until the length or the chunk is used up; goes on to the next chunk as need be.
    fn left_in_piece(&mut self) -> io::Result<u64> {
        match self.framing {
            Framing::Length(left) => Ok(left),
            Framing::Chunk { left, .. } if left > 0 => Ok(left),
            Framing::Chunk { first, .. } => {
                if !first {
                    self.transport.read_line()?;
                }
                let line = self.transport.read_line()?;
                let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
                let size = std::str::from_utf8(size).ok();
                let size = size.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
                let size = size.ok_or(io::ErrorKind::InvalidData)?;
                if size == 0 {
                    while !self.transport.read_line()?.is_empty() {}
                    self.framing = Framing::Length(0);
                } else {
                    self.framing = Framing::Chunk {
                        left: size,
                        first: false,
                    };
                }
                Ok(size)
            }
        }
    }
}
