//! Getting one range of a blob, to its last byte.

use std::sync::Arc;

use md5::{Digest, Md5};

use super::{file::PartialFile, item::Item};
use crate::{
    checksum::{Crc64, combine, encode_crc64},
    error::{Error, ErrorKind, Result},
    http::{BodyReader, Request, ResponseHead, TransportError},
    memory::MemoryRegion,
    session::{Failure, Operation},
};

/// Where the bytes of a range go.
#[derive(Debug)]
pub(crate) enum Destination {
    File {
        file: Arc<PartialFile>,
        offset: u64,
    },
    Memory(MemoryRegion),
    /// Nowhere: only the checksum counts.
    Discard,
}

/// What the first answer tells about the blob.
#[derive(Debug)]
pub(crate) struct Discovered {
    /// Bytes of the whole blob.
    pub(crate) total: u64,
    pub(crate) etag: Option<String>,
    pub(crate) metadata: Vec<(String, String)>,
    /// The stored MD5, base64.
    pub(crate) md5: Option<String>,
}

/// Bytes `start..start + length` of a blob. After a break it goes on with the byte that is missing.
pub(crate) struct RangeGet<'a, F> {
    pub(crate) item: &'a Item,
    pub(crate) start: u64,
    /// Bytes asked for; those that there are, once the first answer is here.
    pub(crate) length: u64,
    pub(crate) etag: Option<String>,
    /// Ask the service for a CRC64 of what it sends.
    pub(crate) checked: bool,
    pub(crate) destination: Option<Destination>,
    /// Called with the first answer: makes the destination. None for ranges after the first.
    pub(crate) discover: Option<F>,
    /// Hashes what arrives, where the MD5 of it is known.
    pub(crate) md5: Option<(Md5, String)>,
    received: u64,
    crc64: u64,
    progressed: bool,
}

impl<'a, F> RangeGet<'a, F> {
    pub(crate) fn new(item: &'a Item, start: u64, length: u64, checked: bool) -> Self {
        Self {
            item,
            start,
            length,
            etag: None,
            checked,
            destination: None,
            discover: None,
            md5: None,
            received: 0,
            crc64: 0,
            progressed: false,
        }
    }

    /// CRC64 and length of what arrived.
    pub(crate) fn moved(&self) -> (u64, u64) {
        (self.crc64, self.received)
    }

    /// The memory that was filled.
    pub(crate) fn into_memory(self) -> Option<MemoryRegion> {
        match self.destination {
            Some(Destination::Memory(region)) => Some(region),
            _ => None,
        }
    }

    fn start_over(&mut self) {
        self.item.batch.progress.lost(self.received);
        self.received = 0;
        self.crc64 = 0;
        if let Some((hash, _)) = &mut self.md5 {
            *hash = Md5::new();
        }
    }

    /// Moves the body of one answer to the destination.
    fn pour(
        &mut self,
        body: &mut BodyReader,
        head: &ResponseHead,
        buffer: &mut [u8],
    ) -> Result<(), Failure> {
        let before = self.received;
        let mut running = Crc64::new();
        let result = self.pour_pieces(body, buffer, &mut running);
        let arrived = self.received - before;
        self.crc64 = combine(self.crc64, running.value(), arrived);
        if !self.checked {
            self.progressed |= arrived > 0;
            return result;
        }
        if result.is_err() {
            // The checksum covers the whole answer: what came of it cannot be verified.
            self.start_over();
            return result;
        }
        match head.get("x-ms-content-crc64") {
            Some(sent) if sent != encode_crc64(running.value()) => Err(damaged("CRC64").into()),
            Some(_) => Ok(()),
            None => {
                self.item.batch.account.without_checked_ranges();
                Ok(())
            }
        }
    }

    fn pour_pieces(
        &mut self,
        body: &mut BodyReader,
        buffer: &mut [u8],
        running: &mut Crc64,
    ) -> Result<(), Failure> {
        let Some(destination) = self.destination.as_mut() else {
            unreachable!("the first answer makes the destination");
        };
        while self.received < self.length {
            let rest = usize::try_from(self.length - self.received).unwrap_or(usize::MAX);
            let (piece, broken) = match destination {
                // Straight to its place.
                Destination::Memory(region) => {
                    let received = self.received as usize;
                    let room = &mut region.bytes_mut()[received..received + rest];
                    match body.read(room) {
                        Ok(0) => (&[][..], Some(TransportError::ended_early())),
                        Ok(count) => (&room[..count], None),
                        Err(broken) => (&[][..], Some(broken)),
                    }
                }
                Destination::File { file, offset } => {
                    let most = rest.min(buffer.len());
                    let (filled, broken) = fill(body, &mut buffer[..most]);
                    file.write_at(&buffer[..filled], *offset + self.received)?;
                    (&buffer[..filled], broken)
                }
                Destination::Discard => {
                    let most = rest.min(buffer.len());
                    let (filled, broken) = fill(body, &mut buffer[..most]);
                    (&buffer[..filled], broken)
                }
            };
            running.update(piece);
            if let Some((hash, _)) = &mut self.md5 {
                hash.update(piece);
            }
            self.received += piece.len() as u64;
            self.item.batch.progress.moved(piece.len() as u64);
            if let Some(broken) = broken {
                return Err(broken.into());
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
        match body.read(&mut buffer[filled..]) {
            Ok(0) => return (filled, Some(TransportError::ended_early())),
            Ok(count) => filled += count,
            Err(broken) => return (filled, Some(broken)),
        }
    }
    (filled, None)
}

pub(crate) fn damaged(checksum: &str) -> Error {
    Error::new(
        ErrorKind::Integrity,
        format!(
            "what arrived does not have the {checksum} that the service gives; the blob was stored \
             damaged or something on the way changed it"
        ),
    )
}

impl<F> Operation for RangeGet<'_, F>
where
    F: FnMut(&Discovered, u64) -> Result<(Destination, bool)>,
{
    type Output = ();

    fn request(&self) -> Request<'_> {
        let first = self.start + self.received;
        let last = self.start + self.length - 1;
        let mut request = Request::new("GET", self.item.url_path())
            .header("x-ms-range", format!("bytes={first}-{last}"));
        if let Some(etag) = &self.etag {
            request = request.header("if-match", etag.as_str());
        }
        if self.checked {
            request = request.header("x-ms-range-get-content-crc64", "true");
        }
        request
    }

    fn receive(
        &mut self,
        head: &ResponseHead,
        body: &mut BodyReader,
        buffer: &mut [u8],
    ) -> Result<(), Failure> {
        let first = self.start + self.received;
        let asked = self.start + self.length;
        // 200 is the whole blob, from a proxy that does not know x-ms-range: good if all was asked for.
        let (sent, total) = match (head.status, head.content_range()) {
            (206, Some((Some((from, to)), total))) => (from..to + 1, total),
            (200, _) if first == 0 => {
                let length = head
                    .get("content-length")
                    .and_then(|text| text.parse().ok());
                let length = length.ok_or(TransportError::Protocol("the answer has no length"))?;
                if length > asked {
                    return Err(
                        TransportError::Protocol("the answer is longer than the range").into(),
                    );
                }
                (0..length, length)
            }
            _ => {
                return Err(
                    TransportError::Protocol("the answer is not the range asked for").into(),
                );
            }
        };
        if sent.start != first || (head.status == 206 && sent.end != asked.min(total)) {
            return Err(
                TransportError::Protocol("the answer is another range than asked for").into(),
            );
        }
        if self.destination.is_none() {
            let whole = self.start == 0 && sent.end == total;
            let md5 = head
                .get("x-ms-blob-content-md5")
                .or_else(|| head.get("content-md5").filter(|_| head.status == 200));
            let discovered = Discovered {
                total,
                etag: head.get("etag").map(str::to_owned),
                metadata: head.metadata(),
                md5: md5.map(str::to_owned),
            };
            self.length = self.length.min(sent.end - sent.start);
            if let Some(discover) = &mut self.discover {
                let (destination, verify) = discover(&discovered, self.length)?;
                self.destination = Some(destination);
                if let (true, true, Some(md5)) = (whole, verify, discovered.md5) {
                    self.md5 = Some((Md5::new(), md5));
                }
            }
            self.etag = discovered.etag;
        }
        if sent.end - sent.start < self.length - self.received {
            return Err(TransportError::Protocol("the blob became shorter").into());
        }
        self.pour(body, head, buffer)?;
        if let Some((hash, expected)) = self.md5.take() {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            if STANDARD.encode(hash.finalize()) != expected {
                return Err(damaged("MD5").into());
            }
        }
        Ok(())
    }

    fn has_progressed(&mut self) -> bool {
        std::mem::take(&mut self.progressed)
    }
}
