//! Getting one range of a blob, to its last byte.

mod opening;

use std::sync::{Arc, atomic::Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use super::{
    arriving::{Arriving, Failure},
    download::Download,
    file::PartialFile,
    memory::MemoryRegion,
    vouching::longest,
};
use crate::{
    azure::{Attempts, Opened, ReceivedRange, Session, Vouching},
    checksum::{combine, encode_crc64},
    error::{Error, ErrorKind, Result},
    http::ResponseHead,
    limits::{BUFFER_SIZE, SMALLEST_RANGE},
};

/// With so many bytes more an attempt has not failed in vain, or with a sixteenth of a small range:
/// otherwise a byte a connection would keep the transfer, and the service, busy for ever.
const PROGRESS: u64 = 64 << 10;

/// Where the bytes of a range go.
#[derive(Debug)]
pub(super) enum Destination {
    File { file: Arc<PartialFile>, offset: u64 },
    Memory(MemoryRegion),
}

/// Which version of the blob the first answer was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) etag: Option<String>,
    total: u64,
}

impl Version {
    pub(super) fn read(head: &ResponseHead, total: u64) -> Self {
        Self {
            etag: head.get("etag").map(str::to_owned),
            total,
        }
    }
}

/// How far a range has come.
#[derive(Clone, Debug, Default)]
struct Position {
    bytes: u64,
    /// Of these bytes, once an answer or a segment has ended.
    crc64: u64,
    /// Hashes them, where the MD5 of the range is known.
    md5: Option<Md5>,
}

/// Bytes `start..start + length` of a blob. After a break it goes on with the first byte for which nobody
/// has vouched.
#[derive(Debug)]
pub(super) struct RangeDownload {
    start: u64,
    /// Bytes asked for; those that there are, once the first answer is here.
    length: u64,
    vouching: Vouching,
    /// Bytes that one request asks for at most.
    most: u64,
    /// Bytes of buffer, for what is written to a file.
    buffer: usize,
    destination: Option<Destination>,
    version: Option<Version>,
    expected_md5: Option<String>,
    reached: Position,
    vouched: Position,
    progressed: bool,
    /// Answers in a row that broke off before any of their bytes was vouched for.
    breaks: u32,
    /// An answer was damaged on its way.
    damaged: bool,
    /// The last body was read to its end.
    finished: bool,
}

impl RangeDownload {
    pub(super) fn new(start: u64, length: u64, vouching: Vouching, to_file: bool) -> Self {
        Self {
            start,
            length,
            vouching,
            most: longest(vouching),
            buffer: if to_file { BUFFER_SIZE } else { 0 },
            destination: None,
            version: None,
            expected_md5: None,
            reached: Position::default(),
            vouched: Position::default(),
            progressed: false,
            breaks: 0,
            damaged: false,
            finished: false,
        }
    }

    /// There is room for the range, which has so many bytes of this version.
    pub(super) fn begin(
        &mut self,
        destination: Destination,
        length: u64,
        md5: Option<String>,
        version: Version,
    ) {
        self.destination = Some(destination);
        self.length = length;
        self.reached.md5 = md5.is_some().then(Md5::new);
        self.vouched = self.reached.clone();
        self.expected_md5 = md5;
        self.version = Some(version);
    }

    /// How the service vouched for the last answer.
    pub(super) fn vouching(&self) -> Vouching {
        self.vouching
    }

    /// CRC64 and length of what arrived.
    pub(super) fn moved(&self) -> (u64, u64) {
        (self.reached.crc64, self.reached.bytes)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.reached.bytes == self.length
    }

    /// Whether the last body was read to its end.
    pub(super) fn body_is_finished(&self) -> bool {
        self.finished
    }

    /// The memory that was filled.
    pub(super) fn into_memory(self) -> Option<MemoryRegion> {
        match self.destination {
            Some(Destination::Memory(region)) => Some(region),
            _ => None,
        }
    }

    /// Waits before another attempt, if there is to be one.
    pub(super) fn retry(
        &mut self,
        failure: Failure,
        session: &Session,
        attempts: &mut Attempts,
        download: &Download,
    ) -> Result<()> {
        if std::mem::take(&mut self.progressed) {
            attempts.progressed();
        }
        let has_etag = |version: &Version| version.etag.is_some();
        let is_unsure = self.reached.bytes > 0 && !self.version.as_ref().is_some_and(has_etag);
        match failure {
            Failure::Final(error) => Err(error),
            Failure::Damaged(error) if self.damaged || is_unsure => Err(error),
            Failure::Damaged(error) => {
                log::warn!("{}: read once more: {error}", download.item.blob);
                self.damaged = true;
                Ok(())
            }
            Failure::Broken(_) if is_unsure => Err(Error::new(
                ErrorKind::Integrity,
                "the connection broke, and without an ETag it cannot be told whether the rest would be of \
                 the same version",
            )),
            Failure::Broken(error) => session.broken(attempts, error),
        }
    }

    /// Copies the body of an answer to its destination.
    pub(super) fn copy_body(
        &mut self,
        opened: &mut Opened,
        received: &ReceivedRange,
        session: &Session,
        download: &Download,
    ) -> Result<(), Failure> {
        let sent = opened.head.get("x-ms-content-crc64").map(str::to_owned);
        let message_length = opened.head.length();
        let begun_with = self.vouched.clone();
        let end = received.bytes.end - self.start;
        let (body, buffer) = opened.body_and_buffer(session.cancellation);
        let mut arriving = Arriving::new(body);
        let mut result = Ok(());
        if received.is_message {
            let content = received.bytes.end - received.bytes.start;
            result = arriving.expect_message(content, message_length);
        }
        let result = result
            .and_then(|()| self.copy_pieces(&mut arriving, buffer, end, &begun_with, download));
        self.finished = arriving.is_finished();
        let result = match self.vouching {
            Vouching::StructuredMessage => result,
            Vouching::Length => {
                if !matches!(result, Err(Failure::Damaged(_))) {
                    self.vouch(&begun_with, arriving.vouched());
                }
                result
            }
            // It covers the whole answer: what came of a broken one cannot be verified.
            Vouching::RangeCrc64 => result.and_then(|()| {
                let (_, crc64) = arriving.vouched();
                if sent != Some(encode_crc64(crc64)) {
                    return Err(Failure::Damaged(damaged("CRC64")));
                }
                session.account.checked_ranges.prove();
                self.vouch(&begun_with, arriving.vouched());
                Ok(())
            }),
        };
        let arrived = self.vouched.bytes - begun_with.bytes;
        if let Err(failure) = result {
            self.progressed |= arrived >= PROGRESS.min(self.length / 16).max(1);
            self.ask_for_less(arrived > 0, end - begun_with.bytes);
            self.start_over(download);
            return Err(failure);
        }
        self.progressed = true;
        self.breaks = 0;
        self.most = (self.most.saturating_add(self.most / 4)).min(longest(self.vouching));
        if self.is_complete()
            && let Some(hash) = self.reached.md5.take()
            && self.expected_md5 != Some(STANDARD.encode(hash.finalize()))
        {
            return Err(damaged("MD5").into());
        }
        Ok(())
    }

    /// Bytes that arrived since `begun_with` are known to be good.
    fn vouch(&mut self, begun_with: &Position, (bytes, crc64): (u64, u64)) {
        self.reached.crc64 = combine(begun_with.crc64, crc64, bytes);
        self.vouched = self.reached.clone();
    }

    /// Where answers break off again and again before the service vouches for any of it, a shorter one may
    /// come to its end. The last one was to bring `asked` bytes.
    fn ask_for_less(&mut self, progressed: bool, asked: u64) {
        self.breaks = if progressed { 0 } else { self.breaks + 1 };
        let is_too_much = self.breaks > 1 || self.most < self.length;
        if is_too_much && !progressed && self.vouching != Vouching::Length {
            let arrived = match self.reached.bytes - self.vouched.bytes {
                0 => asked,
                arrived => arrived,
            };
            self.most = (arrived / 2).max(SMALLEST_RANGE);
        }
    }

    /// Goes back to what is known to be good.
    fn start_over(&mut self, download: &Download) {
        let lost = self.reached.bytes - self.vouched.bytes;
        download.item.call.progress.lost(lost);
        download.counted.fetch_sub(lost, Ordering::Relaxed);
        self.reached = self.vouched.clone();
    }

    fn copy_pieces(
        &mut self,
        arriving: &mut Arriving,
        buffer: &mut [u8],
        end: u64,
        begun_with: &Position,
        download: &Download,
    ) -> Result<(), Failure> {
        let Some(destination) = self.destination.as_mut() else {
            return Err(Error::internal().into());
        };
        let mut reached = self.reached.bytes;
        while reached < end {
            let remaining = usize::try_from(end - reached).unwrap_or(usize::MAX);
            let (piece, failed) = match destination {
                // Straight to its place.
                Destination::Memory(region) => {
                    let room = &mut region.bytes_mut()[reached as usize..][..remaining];
                    match arriving.read_some(room) {
                        Ok(count) => (&room[..count], None),
                        Err(failure) => (&[][..], Some(failure)),
                    }
                }
                Destination::File { file, offset } => {
                    let most = remaining.min(buffer.len());
                    let (filled, failed) = arriving.fill(&mut buffer[..most]);
                    file.write_at(&buffer[..filled], *offset + reached)?;
                    (&buffer[..filled], failed)
                }
            };
            if let Some(hash) = &mut self.reached.md5 {
                hash.update(piece);
            }
            let count = piece.len() as u64;
            reached += count;
            self.reached.bytes = reached;
            download.counted.fetch_add(count, Ordering::Relaxed);
            download.item.moved(count);
            if let Some((bytes, crc64)) = arriving.vouched_segments()
                && begun_with.bytes + bytes == reached
            {
                self.reached.crc64 = combine(begun_with.crc64, crc64, bytes);
                self.vouched = self.reached.clone();
            }
            if let Some(failure) = failed {
                return Err(failure);
            }
        }
        arriving.end()
    }
}

pub(super) fn damaged(checksum: &str) -> Error {
    Error::new(
        ErrorKind::Integrity,
        format!(
            "what arrived does not have the {checksum} that the service gives; the blob was stored \
             damaged or something on the way changed it"
        ),
    )
}
