//! Blocks: the pieces that content is stored in, each as it was received.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crc_fast::{CrcAlgorithm, Digest as Crc};
use md5::{Digest as _, Md5};

use super::buffers::{Buffer, BufferPool};
use crate::errors::{self, Failure};
use crate::http::RequestBody;

/// Bytes are hashed in pieces of this size, while they are still in the cache.
const PIECE: usize = 256 << 10;

/// Checksums of a message, computed as it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checksums {
    /// CRC-64/NVME.
    pub(crate) crc64: u64,
    /// MD5, where it was wanted: it costs twenty times as much.
    pub(crate) md5: Option<[u8; 16]>,
}

struct Hasher {
    crc64: Crc,
    md5: Option<Md5>,
}

impl Hasher {
    fn new(with_md5: bool) -> Self {
        Self {
            crc64: Crc::new(CrcAlgorithm::Crc64Nvme),
            md5: with_md5.then(Md5::new),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.crc64.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    fn finish(self) -> Checksums {
        Checksums {
            crc64: self.crc64.finalize(),
            md5: self.md5.map(|md5| md5.finalize().into()),
        }
    }
}

impl Checksums {
    /// Of bytes already there.
    pub(crate) fn of(bytes: &[u8], with_md5: bool) -> Self {
        let mut hasher = Hasher::new(with_md5);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Of what comes slice by slice.
    pub(crate) fn of_slices(
        with_md5: bool,
        each: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut hasher = Hasher::new(with_md5);
        each(&mut |slice| {
            hasher.update(slice);
            Ok(())
        })?;
        Ok(hasher.finish())
    }
}

/// Where the bytes of a block come from: the body of a request, as it is or decoded.
pub(crate) trait Source {
    /// How many bytes there are, if that is known beforehand.
    fn length(&self) -> Option<u64>;

    /// Fills the buffer as far as the bytes go, and tells how far that is.
    fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize, Failure>;
}

impl Source for RequestBody<'_> {
    fn length(&self) -> Option<u64> {
        RequestBody::length(self)
    }

    fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        Ok(RequestBody::read_full(self, buffer)?)
    }
}

#[derive(Debug)]
enum Place {
    Memory(Buffer),
    File(PathBuf),
}

/// An immutable piece of content.
#[derive(Debug)]
pub(crate) struct Block {
    place: Place,
    length: u64,
}

impl Block {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Passes on the bytes from `start` on, `length` of them, without gathering them.
    pub(crate) fn for_each_slice(
        &self,
        start: u64,
        length: u64,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        match &self.place {
            Place::Memory(buffer) => {
                sink(&buffer.as_slice()[start as usize..(start + length) as usize])
            }
            Place::File(path) => {
                let mut file = File::open(path)?;
                io::Seek::seek(&mut file, io::SeekFrom::Start(start))?;
                let mut piece = vec![0; PIECE.min(length as usize)];
                let mut left = length;
                while left > 0 {
                    let part = &mut piece[..(left as usize).min(PIECE)];
                    file.read_exact(part)?;
                    sink(part)?;
                    left -= part.len() as u64;
                }
                Ok(())
            }
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Place::File(path) = &self.place {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Where blocks are kept.
#[derive(Debug)]
pub(crate) struct BlockStore {
    pool: Arc<BufferPool>,
    directory: Option<PathBuf>,
    next_file: AtomicU64,
}

impl BlockStore {
    pub(crate) fn new(directory: Option<PathBuf>) -> io::Result<Self> {
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory)?;
        }
        Ok(Self {
            pool: Arc::default(),
            directory,
            next_file: AtomicU64::new(0),
        })
    }

    /// Reads a body to its end into a block.
    pub(crate) fn receive(
        &self,
        body: &mut impl Source,
        limit: u64,
        with_md5: bool,
    ) -> Result<(Arc<Block>, Checksums), Failure> {
        if body.length().is_some_and(|length| length > limit) {
            return Err(errors::REQUEST_BODY_TOO_LARGE.into());
        }
        let mut hasher = Hasher::new(with_md5);
        let block = match (&self.directory, body.length()) {
            (Some(_), _) => self.receive_into_file(body, limit, &mut hasher)?,
            (None, Some(length)) => self.receive_into_memory(body, length as usize, &mut hasher)?,
            (None, None) => self.receive_chunks(body, limit, &mut hasher)?,
        };
        Ok((Arc::new(block), hasher.finish()))
    }

    fn receive_into_memory(
        &self,
        body: &mut impl Source,
        length: usize,
        hasher: &mut Hasher,
    ) -> Result<Block, Failure> {
        let mut buffer = self.pool.take(length);
        for piece in buffer.as_mut_slice()[..length].chunks_mut(PIECE) {
            body.read_full(piece)?;
            hasher.update(piece);
        }
        Ok(Block {
            place: Place::Memory(buffer),
            length: length as u64,
        })
    }

    /// Of a body in the chunked coding nobody knows the length: the buffer grows by doubling.
    fn receive_chunks(
        &self,
        body: &mut impl Source,
        limit: u64,
        hasher: &mut Hasher,
    ) -> Result<Block, Failure> {
        let mut buffer = self.pool.take(PIECE);
        let mut length = 0;
        loop {
            let end = buffer.as_slice().len();
            if length == end {
                let mut larger = self.pool.take(end * 2);
                larger.as_mut_slice()[..end].copy_from_slice(buffer.as_slice());
                buffer = larger;
            }
            let end = buffer.as_slice().len().min(length + PIECE);
            let piece = &mut buffer.as_mut_slice()[length..end];
            let got = body.read_full(piece)?;
            hasher.update(&piece[..got]);
            length += got;
            if length as u64 > limit {
                return Err(errors::REQUEST_BODY_TOO_LARGE.into());
            }
            if length < end {
                return Ok(Block {
                    place: Place::Memory(buffer),
                    length: length as u64,
                });
            }
        }
    }

    fn receive_into_file(
        &self,
        body: &mut impl Source,
        limit: u64,
        hasher: &mut Hasher,
    ) -> Result<Block, Failure> {
        let directory = self
            .directory
            .as_deref()
            .unwrap_or(std::path::Path::new(""));
        let name = format!(
            "{:010}.block",
            self.next_file.fetch_add(1, Ordering::Relaxed)
        );
        let path = directory.join(name);
        let mut file = File::create(&path)?;
        // Made before it is filled, so that its drop removes the file of an upload that breaks off.
        let mut block = Block {
            place: Place::File(path),
            length: 0,
        };
        let mut piece = self.pool.take(PIECE);
        loop {
            let got = body.read_full(&mut piece.as_mut_slice()[..PIECE])?;
            if got == 0 {
                return Ok(block);
            }
            hasher.update(&piece.as_slice()[..got]);
            file.write_all(&piece.as_slice()[..got])?;
            block.length += got as u64;
            if block.length > limit {
                return Err(errors::REQUEST_BODY_TOO_LARGE.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc64_is_that_of_nvme() {
        assert_eq!(
            Checksums::of(b"123456789", false).crc64,
            0xAE8B_1486_0A79_9888
        );
    }
}
