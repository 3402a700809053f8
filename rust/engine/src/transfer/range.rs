//! Getting one range of a blob, to its last byte.

use std::sync::{Arc, atomic::Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use super::{
    download::{Download, changed},
    file::PartialFile,
    memory::MemoryRegion,
};
use crate::{
    azure::{Attempts, GetBlob, Opened, ReceivedRange, Session},
    checksum::{Crc64, combine, encode_crc64},
    error::{Error, ErrorKind, Result},
    http::{BodyReader, ResponseHead, TransportError},
    limits::BUFFER_SIZE,
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

/// Why a body could not be copied.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another attempt may succeed.
    Broken(TransportError),
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

/// Bytes `start..start + length` of a blob. After a break it goes on with the byte that is missing.
#[derive(Debug)]
pub(super) struct RangeDownload {
    start: u64,
    /// Bytes asked for; those that there are, once the first answer is here.
    length: u64,
    /// Ask the service for a CRC64 of what it sends.
    checked: bool,
    /// Bytes of buffer, for what is written to a file.
    buffer: usize,
    destination: Option<Destination>,
    version: Option<Version>,
    /// Hashes what arrives, where the MD5 of it is known.
    md5: Option<(Md5, String)>,
    received: u64,
    crc64: u64,
    progressed: bool,
    /// The last body was read to its end.
    finished: bool,
}

impl RangeDownload {
    pub(super) fn new(start: u64, length: u64, checked: bool, to_file: bool) -> Self {
        Self {
            start,
            length,
            checked,
            buffer: if to_file { BUFFER_SIZE } else { 0 },
            destination: None,
            version: None,
            md5: None,
            received: 0,
            crc64: 0,
            progressed: false,
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
        self.md5 = md5.map(|md5| (Md5::new(), md5));
        self.version = Some(version);
    }

    pub(super) fn without_checksum(&mut self) {
        self.checked = false;
    }

    /// CRC64 and length of what arrived.
    pub(super) fn moved(&self) -> (u64, u64) {
        (self.crc64, self.received)
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

    /// Asks for what is missing; the answer is of the version that the first one was of.
    pub(super) fn open<'a>(
        &mut self,
        session: &mut Session<'a>,
        attempts: &mut Attempts,
        download: &Download,
        first: bool,
    ) -> Result<(Opened<'a>, ReceivedRange)> {
        loop {
            let from = self.start + self.received;
            let end = self.start + self.length;
            let mut get = GetBlob {
                path: &download.item.url_path,
                first: from,
                last: end - 1,
                etag: self
                    .version
                    .as_ref()
                    .and_then(|version| version.etag.as_deref())
                    .filter(|_| !first),
                conditions: Some(&download.conditions),
                buffer: self.buffer,
                range_crc64: self.checked,
            };
            let opened = session.open(attempts, &mut get)?;
            match ReceivedRange::read(&opened.head, from, end) {
                Ok(received) => {
                    let version = Version::read(&opened.head, received.total);
                    if self.version.as_ref().is_some_and(|known| *known != version) {
                        return Err(changed());
                    }
                    return Ok((opened, received));
                }
                Err(error) => {
                    drop(opened);
                    session.broken(attempts, error)?;
                }
            }
        }
    }

    /// Waits before another attempt, if there is to be one.
    pub(super) fn retry(
        &mut self,
        failure: Failure,
        session: &Session,
        attempts: &mut Attempts,
    ) -> Result<()> {
        if std::mem::take(&mut self.progressed) {
            attempts.progressed();
        }
        match failure {
            Failure::Broken(error) => {
                if self.received > 0
                    && self
                        .version
                        .as_ref()
                        .is_some_and(|known| known.etag.is_none())
                {
                    return Err(Error::new(
                        ErrorKind::Integrity,
                        "the connection broke, and without an ETag it cannot be told whether the rest would \
                         be of the same version",
                    ));
                }
                session.broken(attempts, error)
            }
            Failure::Final(error) => Err(error),
        }
    }

    fn start_over(&mut self, download: &Download) {
        download.item.call.progress.lost(self.received);
        download.counted.fetch_sub(self.received, Ordering::Relaxed);
        self.received = 0;
        self.crc64 = 0;
        if let Some((hash, _)) = &mut self.md5 {
            *hash = Md5::new();
        }
    }

    /// Copies the body of an answer to its destination.
    pub(super) fn copy_body(
        &mut self,
        opened: &mut Opened,
        session: &Session,
        download: &Download,
    ) -> Result<(), Failure> {
        let sent = opened.head.get("x-ms-content-crc64").map(str::to_owned);
        let before = self.received;
        let mut running = Crc64::new();
        let (mut body, buffer) = opened.body_and_buffer(session.cancellation);
        let result = self.copy_pieces(&mut body, buffer, &mut running, download);
        self.finished = body.is_finished();
        let arrived = self.received - before;
        self.crc64 = combine(self.crc64, running.value(), arrived);
        if self.checked {
            if result.is_err() {
                // The checksum covers the whole answer: what came of it cannot be verified.
                self.start_over(download);
                return result;
            }
            match sent {
                Some(sent) if sent != encode_crc64(running.value()) => {
                    return Err(damaged("CRC64").into());
                }
                Some(_) => {}
                None => session.account.without_checked_ranges(),
            }
        } else {
            self.progressed |= arrived >= PROGRESS.min(self.length / 16).max(1);
        }
        result?;
        if let Some((hash, expected)) = self.md5.take()
            && STANDARD.encode(hash.finalize()) != expected
        {
            return Err(damaged("MD5").into());
        }
        Ok(())
    }

    fn copy_pieces(
        &mut self,
        body: &mut BodyReader,
        buffer: &mut [u8],
        running: &mut Crc64,
        download: &Download,
    ) -> Result<(), Failure> {
        let Some(destination) = self.destination.as_mut() else {
            return Err(Error::internal().into());
        };
        while self.received < self.length {
            let remaining = usize::try_from(self.length - self.received).unwrap_or(usize::MAX);
            let (piece, broken) = match destination {
                // Straight to its place.
                Destination::Memory(region) => {
                    let received = self.received as usize;
                    let room = &mut region.bytes_mut()[received..received + remaining];
                    match body.read_some(room) {
                        Ok(count) => (&room[..count], None),
                        Err(error) => (&[][..], Some(error)),
                    }
                }
                Destination::File { file, offset } => {
                    let most = remaining.min(buffer.len());
                    let (filled, broken) = fill(body, &mut buffer[..most]);
                    file.write_at(&buffer[..filled], *offset + self.received)?;
                    (&buffer[..filled], broken)
                }
            };
            running.update(piece);
            if let Some((hash, _)) = &mut self.md5 {
                hash.update(piece);
            }
            let count = piece.len() as u64;
            self.received += count;
            download.counted.fetch_add(count, Ordering::Relaxed);
            download.item.moved(count);
            if let Some(error) = broken {
                return Err(error.into());
            }
        }
        // The end of a chunked body is still to be read; without it the connection is of no use, but
        // all is here.
        let _ = body.read(&mut [0]);
        Ok(())
    }
}

/// Fills `buffer`; what was read before a break counts.
fn fill(body: &mut BodyReader, buffer: &mut [u8]) -> (usize, Option<TransportError>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match body.read_some(&mut buffer[filled..]) {
            Ok(count) => filled += count,
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
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
