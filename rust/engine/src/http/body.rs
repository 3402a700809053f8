//! The body of a response, in whichever framing it comes.

use std::time::Duration;

use super::{
    connection::Connection,
    message::{Framing, ResponseHead},
    pace::Pace,
    transport_error::TransportError,
};
use crate::{cancel::Cancellation, limits::MAX_HEADERS};

/// Longest line between two chunks; ours to choose, as nobody uses chunk extensions.
const MAX_CHUNK_LINE: usize = 4_096;

/// What follows the content of an answer, such as the checksums of a structured message, is at most so
/// long.
const LITTLE: u64 = 64;

/// The longest that is waited for the end of a body whose content is all here: the connection that it saves
/// is not worth more.
const LONGEST_WAIT_FOR_END: Duration = Duration::from_secs(1);

/// Reads a response's body; knows when it is complete.
#[derive(Debug)]
pub(crate) struct BodyReader<'a> {
    connection: &'a mut Connection,
    cancellation: Cancellation<'a>,
    /// Only content begins it anew: lines of chunks and trailers are no progress.
    pace: Pace,
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many bytes to come, of the body or of its current chunk.
    Length(u64),
    Chunk(u64),
    ChunkEnd,
    ChunkHead,
    UntilClose,
    Finished,
}

impl<'a> BodyReader<'a> {
    pub(crate) fn new(
        connection: &'a mut Connection,
        head: &ResponseHead,
        cancellation: Cancellation<'a>,
    ) -> Self {
        let state = match head.framing {
            Framing::Length(0) => State::Finished,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkHead,
            Framing::UntilClose => State::UntilClose,
        };
        Self {
            pace: Pace::flowing(connection.timeout),
            connection,
            cancellation,
            state,
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    /// Reads some bytes; 0 only at the end of the body, or for an empty `buffer`.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        loop {
            let is_chunk = matches!(self.state, State::Chunk(_));
            match &mut self.state {
                State::Finished => return Ok(0),
                _ if buffer.is_empty() => return Ok(0),
                State::Length(rest) | State::Chunk(rest) => {
                    let most = buffer
                        .len()
                        .min(usize::try_from(*rest).unwrap_or(usize::MAX));
                    let behind = *rest - most as u64;
                    let count = self.connection.read(
                        &mut buffer[..most],
                        behind <= LITTLE && (behind > 0 || is_chunk),
                        &mut self.pace,
                        &self.cancellation,
                    )?;
                    if count == 0 {
                        return Err(TransportError::ended_early());
                    }
                    self.pace.moved(count);
                    *rest -= count as u64;
                    if *rest == 0 {
                        self.state = if is_chunk {
                            State::ChunkEnd
                        } else {
                            State::Finished
                        };
                    }
                    return Ok(count);
                }
                State::UntilClose => {
                    let count =
                        self.connection
                            .read(buffer, false, &mut self.pace, &self.cancellation)?;
                    if count == 0 {
                        self.state = State::Finished;
                    }
                    self.pace.moved(count);
                    return Ok(count);
                }
                State::ChunkEnd => {
                    if !self.line()?.is_empty() {
                        return Err(TransportError::Protocol("a chunk is longer than it says"));
                    }
                    self.state = State::ChunkHead;
                }
                State::ChunkHead => {
                    let line = self.line()?;
                    let digits = line.split(';').next().unwrap_or_default().trim();
                    let length = u64::from_str_radix(digits, 16)
                        .ok()
                        .filter(|_| !digits.starts_with('+'))
                        .ok_or(TransportError::Protocol("a chunk has an illegal length"))?;
                    if length > 0 {
                        self.state = State::Chunk(length);
                    } else {
                        self.trailers()?;
                        self.state = State::Finished;
                    }
                }
            }
        }
    }

    /// Reads some bytes, of which there must be more.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        match self.read(buffer)? {
            0 => Err(TransportError::ended_early()),
            count => Ok(count),
        }
    }

    /// Whether the body ends with what has been read, as far as it tells. An end that does not come costs no
    /// more than the connection.
    pub(crate) fn ends_here(&mut self) -> bool {
        let is_within = |state: &State| matches!(state, State::Length(_) | State::Chunk(_));
        if is_within(&self.state) {
            return false;
        }
        self.pace = Pace::whole(self.connection.timeout.min(LONGEST_WAIT_FOR_END));
        match self.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(TransportError::Protocol(_)) => false,
            Err(_) => !is_within(&self.state),
        }
    }

    /// As [`read_all`](Self::read_all), all of it within one time-out: an explanation is not worth more.
    pub(crate) fn read_all_at_once(&mut self, most: usize) -> Result<Vec<u8>, TransportError> {
        self.pace = Pace::whole(self.connection.timeout);
        self.read_all(most)
    }

    /// The whole body, refused if it is longer than `most` bytes.
    pub(crate) fn read_all(&mut self, most: usize) -> Result<Vec<u8>, TransportError> {
        let mut bytes = Vec::new();
        let mut piece = [0; 16 << 10];
        loop {
            match self.read(&mut piece)? {
                0 => return Ok(bytes),
                count if bytes.len() + count > most => {
                    return Err(TransportError::Protocol("the answer is too long"));
                }
                count => bytes.extend_from_slice(&piece[..count]),
            }
        }
    }

    fn trailers(&mut self) -> Result<(), TransportError> {
        for _ in 0..MAX_HEADERS {
            if self.line()?.is_empty() {
                return Ok(());
            }
        }
        Err(TransportError::Protocol("the answer has too many trailers"))
    }

    fn line(&mut self) -> Result<String, TransportError> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            let count =
                self.connection
                    .read(&mut byte, false, &mut self.pace, &self.cancellation)?;
            if count == 0 {
                return Err(TransportError::ended_early());
            }
            match byte[0] {
                b'\n' => break,
                _ if line.len() >= MAX_CHUNK_LINE => {
                    return Err(TransportError::Protocol("a chunk's head is too long"));
                }
                other => line.push(other),
            }
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line).map_err(|_| TransportError::Protocol("a chunk's head is not text"))
    }
}
