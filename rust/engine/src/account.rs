//! What all calls on an account share: its address and credential, connections, threads and buffers.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::{
    auth::Credential,
    checksum::Checksum,
    config::Config,
    endpoint::Endpoint,
    error::InvalidInput,
    http::Pool,
    limits::PART_SIZE,
    random,
    retry::Policy,
    scheduler::{Buffers, Scheduler},
    sync::lock,
};

/// Blocks of streams that are kept for the next stream.
const KEPT_BLOCKS: usize = 4;

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) endpoint: Endpoint,
    /// Host and port as requests name them.
    pub(crate) authority: String,
    pub(crate) credential: Credential,
    pub(crate) pool: Pool,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) retry: Policy,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) max_connections: usize,
    pub(crate) memory_limit: u64,
    /// Whether the endpoint ever answered.
    pub(crate) reached: AtomicBool,
    /// The service does not verify CRC64 (Azurite).
    pub(crate) no_crc64: AtomicBool,
    /// The service does not compute CRC64 of ranges (Azurite).
    pub(crate) no_checked_ranges: AtomicBool,
    /// What the ids of requests begin with, and how many there were.
    pub(crate) request_prefix: u64,
    pub(crate) request_count: AtomicU64,
    buffers: Mutex<Vec<Buffers>>,
    blocks: Mutex<Vec<Vec<u8>>>,
}

impl Account {
    /// Opens no connection and asks for no token yet.
    pub(crate) fn new(config: Config) -> Result<Self, InvalidInput> {
        config.check()?;
        let (max_connections, memory_limit) = config.limits()?;
        Ok(Self {
            authority: config.endpoint.authority(),
            pool: Pool::new(config.endpoint.clone(), config.timeout)?,
            endpoint: config.endpoint,
            credential: config.credential,
            scheduler: Scheduler::new(max_connections, memory_limit),
            retry: Policy {
                max_retries: config.max_retries,
            },
            checksum: config.checksum,
            max_connections,
            memory_limit,
            reached: AtomicBool::new(false),
            no_crc64: AtomicBool::new(false),
            no_checked_ranges: AtomicBool::new(false),
            request_prefix: random::unique(),
            request_count: AtomicU64::new(0),
            buffers: Mutex::default(),
            blocks: Mutex::default(),
        })
    }

    /// Buffers for work on a calling thread.
    pub(crate) fn take_buffers(&self) -> Buffers {
        lock(&self.buffers).pop().unwrap_or_else(Buffers::new)
    }

    pub(crate) fn put_buffers(&self, buffers: Buffers) {
        lock(&self.buffers).push(buffers);
    }

    /// Room for a block of a stream.
    pub(crate) fn take_block(&self) -> Vec<u8> {
        lock(&self.blocks)
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(PART_SIZE as usize))
    }

    pub(crate) fn put_block(&self, block: Vec<u8>) {
        let mut blocks = lock(&self.blocks);
        if blocks.len() < KEPT_BLOCKS && block.capacity() as u64 <= PART_SIZE {
            blocks.push(block);
        }
    }

    /// The service refused to verify a CRC64.
    pub(crate) fn without_crc64(&self) {
        if !self.no_crc64.swap(true, Ordering::Relaxed) {
            log::warn!(
                "{} does not verify CRC64 (is it Azurite?); uploads of up to 4 MiB are verified by MD5 \
                 instead, larger ones are not",
                self.endpoint.url()
            );
        }
    }

    /// The service refused to compute a CRC64.
    pub(crate) fn without_checked_ranges(&self) {
        if !self.no_checked_ranges.swap(true, Ordering::Relaxed) {
            log::warn!(
                "{} does not compute CRC64 (is it Azurite?); downloads are verified by length and \
                 stored MD5",
                self.endpoint.url()
            );
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.scheduler.close();
    }
}
