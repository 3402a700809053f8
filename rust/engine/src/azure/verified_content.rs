//! Content on its way up, with a checksum for the service to verify.
//!
//! A block of a file is a structured message where the service knows that: it is read once, while it is
//! sent. Otherwise the checksum goes into the head, and the file is read a second time, from the page
//! cache.

use std::{
    fs::File,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    attempts::Attempts,
    encryption::Encrypts,
    session::{Operation, Session},
    structured_message::{Encoder, FORM},
};
use crate::{
    account::Account,
    checksum::{Crc64, crc64, encode_crc64, encode_md5},
    error::{Error, ErrorKind, Result},
    http::{Body, Request, ResponseHead},
    limits::{BUFFER_SIZE, MAX_MD5_FALLBACK},
    os,
};

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    Memory(&'a [u8]),
    /// A piece of a file; `failed` explains why it could not be read.
    File {
        file: &'a File,
        offset: u64,
        length: u64,
        failed: fn(std::io::Error) -> Error,
    },
}

impl Content<'_> {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// Reads a file once more.
    pub(super) fn crc64(&self) -> Result<u64> {
        match *self {
            Self::Memory(bytes) => Ok(crc64(0, bytes)),
            Self::File {
                file,
                offset,
                length,
                failed,
            } => read(file, offset, length, &mut vec![0; 64 << 10]).map_err(failed),
        }
    }
}

/// The request that takes the content.
pub(super) trait Put {
    fn request(&self) -> Request<'_>;

    /// Whether nothing is lost where a service takes a structured message for the content itself: what was
    /// stored is no part of a blob, and is replaced.
    fn may_be_repeated(&self) -> bool {
        false
    }
}

pub(super) struct Verified<'a, P> {
    put: P,
    content: Content<'a>,
    crc64: Option<u64>,
    check: Check<'a>,
}

enum Check<'a> {
    Crc64,
    Message(Box<Encoder<'a>>),
    /// What an emulator without CRC64 verifies, for content in memory that is small.
    Md5(Option<String>),
}

impl<'a, P: Put> Verified<'a, P> {
    pub(super) fn new(put: P, content: Content<'a>) -> Self {
        Self {
            put,
            content,
            crc64: None,
            check: Check::Crc64,
        }
    }

    /// Sends it; the CRC64 of the content and the answer's head.
    pub(super) fn send(
        mut self,
        session: &mut Session,
        attempts: &mut Attempts,
    ) -> Result<(u64, ResponseHead)> {
        let account = session.account;
        let _only_one = self.choose(account);
        let mut missed_message = None;
        let mut refused_crc64 = None;
        loop {
            let sent = session.call(attempts, &mut self);
            match (&self.check, sent) {
                (Check::Message(message), Ok((head, _))) => {
                    if head.get("x-ms-structured-body") == Some(FORM) {
                        account.structured_blocks.prove();
                        return Ok((message.content().1, head));
                    }
                    log::debug!("what was sent as a structured message is sent plain");
                    missed_message = Some(true);
                    self.check = Check::Crc64;
                }
                (Check::Message(_), Err(error))
                    if !account.structured_blocks.is_proven()
                        && error.kind() != ErrorKind::Integrity
                        && (error.status() == Some(400) || error.is_not_supported()) =>
                {
                    log::debug!("sent in another form: {error}");
                    missed_message = Some(error.is_about_a_header());
                    self.check = Check::Crc64;
                }
                (Check::Crc64, Err(error)) if error.is_not_supported() => {
                    refused_crc64 = Some(error);
                    self.fall_back();
                }
                (_, Ok((head, _))) => {
                    // Only now is it clear that the form was what the service refused.
                    if let Some(is_explained) = missed_message {
                        account.structured_blocks.missed(is_explained);
                    }
                    if refused_crc64.is_some() {
                        account.without_crc64();
                    }
                    return Ok((self.crc64.unwrap_or_default(), head));
                }
                (_, Err(error)) if error.is_not_supported() => {
                    return Err(refused_crc64.unwrap_or(error));
                }
                (_, Err(error)) => return Err(error),
            }
            attempts.in_another_form();
        }
    }

    /// Chooses the form. Whether the service knows structured messages is tried out with one request at a
    /// time: what is returned is kept while that one is on its way.
    fn choose<'p>(&mut self, account: &'p Account) -> Option<Probe<'p>> {
        let probe = match self.content {
            Content::File {
                file,
                offset,
                length,
                ..
            } if length > BUFFER_SIZE as u64 && self.put.may_be_repeated() => {
                let messages = &account.structured_blocks;
                let probe = if messages.is_proven() || messages.is_absent() {
                    None
                } else {
                    Probe::begin(&account.tries_messages)
                };
                if messages.is_proven() || probe.is_some() {
                    self.check = Check::Message(Box::new(Encoder::new(file, offset, length)));
                }
                probe
            }
            _ => None,
        };
        if matches!(self.check, Check::Crc64) && account.no_crc64.load(Ordering::Relaxed) {
            self.fall_back();
        }
        probe
    }

    fn fall_back(&mut self) {
        self.check = Check::Md5(match self.content {
            Content::Memory(bytes) if bytes.len() as u64 <= MAX_MD5_FALLBACK => {
                Some(encode_md5(bytes))
            }
            _ => None,
        });
    }
}

/// There is one at a time.
struct Probe<'p>(&'p AtomicBool);

impl<'p> Probe<'p> {
    fn begin(is_under_way: &'p AtomicBool) -> Option<Self> {
        let was = is_under_way.swap(true, Ordering::Relaxed);
        (!was).then_some(Self(is_under_way))
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<P: Put> Operation for Verified<'_, P> {
    fn expected(&self) -> &[u16] {
        &[201]
    }

    fn buffer_size(&self) -> usize {
        match self.content {
            Content::Memory(_) => 0,
            Content::File { .. } => BUFFER_SIZE,
        }
    }

    fn prepare(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        if let Check::Message(message) = &self.check {
            message.restart();
            return Ok(None);
        }
        match self.content {
            Content::Memory(bytes) => {
                self.crc64.get_or_insert_with(|| crc64(0, bytes));
                Ok(None)
            }
            Content::File {
                file,
                offset,
                length,
                failed,
            } => {
                let whole = length <= buffer.len() as u64;
                if whole || self.crc64.is_none() {
                    self.crc64 = Some(read(file, offset, length, buffer).map_err(failed)?);
                }
                Ok(whole.then_some(length as usize))
            }
        }
    }

    fn encrypts(&self) -> Encrypts {
        Encrypts::Writing
    }

    fn request<'r>(&'r self, content: Option<&'r [u8]>) -> Request<'r> {
        if let Check::Message(message) = &self.check {
            return self
                .put
                .request()
                .body(Body::Produced(&**message))
                .header("x-ms-structured-body", FORM)
                .header(
                    "x-ms-structured-content-length",
                    message.content().0.to_string(),
                );
        }
        let body = match (content, self.content) {
            (Some(bytes), _) | (None, Content::Memory(bytes)) => Body::Bytes(bytes),
            (
                None,
                Content::File {
                    file,
                    offset,
                    length,
                    ..
                },
            ) => Body::File {
                file,
                offset,
                length,
            },
        };
        let request = self.put.request().body(body);
        match &self.check {
            Check::Crc64 => request.header(
                "x-ms-content-crc64",
                encode_crc64(self.crc64.unwrap_or_default()),
            ),
            Check::Md5(Some(md5)) => request.header("content-md5", md5.as_str()),
            Check::Md5(None) | Check::Message(_) => request,
        }
    }
}

/// Reads a piece of a file through the buffer, in which a small one stays; its CRC64.
fn read(file: &File, mut offset: u64, length: u64, buffer: &mut [u8]) -> std::io::Result<u64> {
    let mut running = Crc64::new();
    let end = offset + length;
    while offset < end {
        let most = usize::try_from(end - offset)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        os::read_exact_at(file, &mut buffer[..most], offset)?;
        running.update(&buffer[..most]);
        offset += most as u64;
    }
    Ok(running.value())
}
