//! Content on its way up, with a checksum for the service to verify.
//!
//! A file is read once for the checksum and a second time while it is sent, from the page cache: less
//! memory than keeping a block, and as fast.

use std::{fs::File, sync::atomic::Ordering};

use super::session::{Attempts, Operation, Session};
use crate::{
    checksum::{Crc64, crc64, encode_crc64, encode_md5},
    error::{Error, Result},
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
}

pub(super) struct Verified<'a, P> {
    put: P,
    content: Content<'a>,
    crc64: Option<u64>,
    check: Check,
}

enum Check {
    Crc64,
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
        if account.no_crc64.load(Ordering::Relaxed) {
            self.fall_back();
        }
        let sent = match session.call(attempts, &mut self) {
            Err(refusal) if refusal.is_not_supported() && matches!(self.check, Check::Crc64) => {
                self.fall_back();
                attempts.in_another_form();
                let sent = session.call(attempts, &mut self);
                match sent {
                    // Only now is it clear that the checksum was what the service refused.
                    Ok(_) => account.without_crc64(),
                    Err(error) if error.is_not_supported() => return Err(refusal),
                    Err(_) => {}
                }
                sent
            }
            sent => sent,
        };
        let (head, _) = sent?;
        Ok((self.crc64.unwrap_or_default(), head))
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

    fn request<'r>(&'r self, content: Option<&'r [u8]>) -> Request<'r> {
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
            Check::Md5(None) => request,
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
