//! Sending a request, with an eye on the answer: the service may refuse a request before it has read
//! the body, and close.

use std::{fs::File, io};

use super::{
    connection::Connection,
    message::{Body, Produced},
    pace::Pace,
    transport_error::TransportError,
};
use crate::{cancel::Cancellation, limits::BUFFER_SIZE, os};

/// Bytes between two looks for an early answer. A look costs less than a microsecond.
const LOOK_EVERY: usize = 256 << 10;

/// How sending a request ended.
#[derive(Debug)]
pub(super) enum Sent {
    Whole,
    /// The service has answered meanwhile; the rest was not sent.
    Early,
    /// The connection broke, but the service has answered before.
    Broken(io::Error),
}

/// A request on its way.
struct Sending<'a, 'c> {
    connection: &'a mut Connection,
    cancellation: &'a Cancellation<'c>,
    pace: Pace,
    /// Bytes taken since the last look for an answer.
    unlooked: usize,
}

/// Why sending stops before the end.
enum Stop {
    Answered,
    Failed(TransportError),
}

impl From<TransportError> for Stop {
    fn from(error: TransportError) -> Self {
        Self::Failed(error)
    }
}

impl Connection {
    /// Sends head and body. `buffer` is room for pieces of a file.
    pub(super) fn send(
        &mut self,
        head: &[u8],
        body: Body,
        buffer: &mut [u8],
        cancellation: &Cancellation,
    ) -> Result<Sent, TransportError> {
        let mut sending = Sending {
            pace: Pace::flowing(self.timeout),
            connection: self,
            cancellation,
            unlooked: 0,
        };
        let result = match body {
            Body::Empty => sending.write(head, &[]),
            Body::Bytes(bytes) => sending.write(head, bytes),
            Body::File {
                file,
                offset,
                length,
            } => sending.write_file(head, file, offset, length, buffer),
            Body::Produced(produced) => sending.write_produced(head, produced, buffer),
        };
        match result.and_then(|()| sending.flush()) {
            Ok(()) => Ok(Sent::Whole),
            Err(Stop::Answered) => Ok(Sent::Early),
            Err(Stop::Failed(TransportError::Io(error))) => {
                // Where it has closed without a word, the first error says more than the second.
                match self.has_answered() {
                    Ok(true) => Ok(Sent::Broken(error)),
                    _ => Err(TransportError::Io(error)),
                }
            }
            Err(Stop::Failed(other)) => Err(other),
        }
    }
}

impl Sending<'_, '_> {
    fn write_file(
        &mut self,
        head: &[u8],
        file: &File,
        mut offset: u64,
        length: u64,
        buffer: &mut [u8],
    ) -> Result<(), Stop> {
        let end = offset + length;
        let mut head = head;
        while offset < end || !head.is_empty() {
            let most = buffer
                .len()
                .min(usize::try_from(end - offset).unwrap_or(usize::MAX));
            os::read_exact_at(file, &mut buffer[..most], offset).map_err(TransportError::Source)?;
            offset += most as u64;
            self.write(std::mem::take(&mut head), &buffer[..most])?;
        }
        Ok(())
    }

    fn write_produced(
        &mut self,
        mut head: &[u8],
        produced: &dyn Produced,
        buffer: &mut [u8],
    ) -> Result<(), Stop> {
        loop {
            let count = produced.next(buffer).map_err(TransportError::Source)?;
            if count == 0 && head.is_empty() {
                return Ok(());
            }
            self.write(std::mem::take(&mut head), &buffer[..count])?;
        }
    }

    fn write(&mut self, mut first: &[u8], mut second: &[u8]) -> Result<(), Stop> {
        while !first.is_empty() || !second.is_empty() {
            if self.unlooked >= LOOK_EVERY {
                self.look()?;
            }
            let next = &second[..second.len().min(BUFFER_SIZE)];
            let count = self.connection.transport.write(
                [first, next],
                &mut self.pace,
                self.cancellation,
            )?;
            if count == 0 {
                self.look()?;
            }
            self.unlooked += count;
            let of_first = count.min(first.len());
            first = &first[of_first..];
            second = &second[count - of_first..];
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        while !self
            .connection
            .transport
            .flush(&mut self.pace, self.cancellation)?
        {
            self.look()?;
        }
        Ok(())
    }

    /// Stops where the service has answered.
    fn look(&mut self) -> Result<(), Stop> {
        self.unlooked = 0;
        if self.connection.has_answered()? {
            return Err(Stop::Answered);
        }
        Ok(())
    }
}
