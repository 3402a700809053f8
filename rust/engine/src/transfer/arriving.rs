//! The content of an answer as it arrives, plain or in a structured message.

use crate::{
    azure::{Decoder, Unreadable},
    checksum::Crc64,
    error::{Error, ErrorKind},
    http::{BodyReader, TransportError},
};

pub(super) struct Arriving<'b> {
    body: BodyReader<'b>,
    form: Form,
}

enum Form {
    Plain { running: Crc64, bytes: u64 },
    Message(Decoder),
}

impl<'b> Arriving<'b> {
    pub(super) fn new(body: BodyReader<'b>) -> Self {
        let running = Crc64::new();
        Self {
            body,
            form: Form::Plain { running, bytes: 0 },
        }
    }

    /// The body is a message that holds `content` bytes, and is `length` bytes long where that was said.
    pub(super) fn expect_message(
        &mut self,
        content: u64,
        length: Option<u64>,
    ) -> Result<(), Failure> {
        self.form = Form::Message(Decoder::begin(&mut self.body, content, length)?);
        Ok(())
    }

    pub(super) fn is_finished(&self) -> bool {
        self.body.is_finished()
    }

    /// Whether what was read last was the end of a segment, which has proved right.
    fn ends_segment(&self) -> bool {
        matches!(&self.form, Form::Message(message) if message.is_between_segments())
    }

    /// As [`vouched`](Self::vouched), of a message; no plain content is vouched for before its end.
    pub(super) fn vouched_segments(&self) -> Option<(u64, u64)> {
        match &self.form {
            Form::Plain { .. } => None,
            Form::Message(message) => Some(message.verified()),
        }
    }

    /// How many bytes of content are good, as far as that can be told, and the CRC64 of them.
    pub(super) fn vouched(&self) -> (u64, u64) {
        match &self.form {
            Form::Plain { running, bytes } => (*bytes, running.value()),
            Form::Message(message) => message.verified(),
        }
    }

    /// Reads some bytes of content, of which there must be more.
    pub(super) fn read_some(&mut self, room: &mut [u8]) -> Result<usize, Failure> {
        match &mut self.form {
            Form::Plain { running, bytes } => {
                let count = self.body.read_some(room)?;
                running.update(&room[..count]);
                *bytes += count as u64;
                Ok(count)
            }
            Form::Message(message) => Ok(message.read_some(&mut self.body, room)?),
        }
    }

    /// Fills `buffer`, up to the end of a segment; what was read before a failure counts.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> (usize, Option<Failure>) {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_some(&mut buffer[filled..]) {
                Ok(count) => filled += count,
                Err(failure) => return (filled, Some(failure)),
            }
            if self.ends_segment() {
                break;
            }
        }
        (filled, None)
    }

    /// All content is here, and nothing may follow it; a message has been looked at to its end.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        let is_end = match self.form {
            Form::Plain { .. } => self.body.ends_here(),
            Form::Message(_) => true,
        };
        if is_end {
            return Ok(());
        }
        Err(Failure::Damaged(Error::new(
            ErrorKind::Integrity,
            "the answer is longer than the range that was asked for; something on the way changed it",
        )))
    }
}

/// Why a body could not be copied.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another attempt may succeed.
    Broken(TransportError),
    /// It is not what the service sent; a second time this is the error.
    Damaged(Error),
    /// Another attempt would end the same way.
    Final(Error),
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Broken(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Broken(error) => Self::Broken(error),
            Unreadable::Damaged(how) => Self::Damaged(Error::new(
                ErrorKind::Integrity,
                format!(
                    "what arrived is not what the service vouched for with its CRC64: {how}; something \
                     on the way changed it"
                ),
            )),
        }
    }
}
