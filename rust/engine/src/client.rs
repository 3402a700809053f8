//! The client of an account: its connections, threads and credential, shared by all calls.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::{
    auth::Credential,
    blob::{self, BlobProperties},
    cancel::{Cancel, Interrupt, Watch},
    checksum::Checksum,
    config::Config,
    endpoint::Endpoint,
    error::{InvalidInput, Result},
    http::Pool,
    limits::PART_SIZE,
    listing::Listing,
    path::BlobPath,
    progress::Progress,
    random,
    retry::Policy,
    scheduler::{Buffers, Scheduler},
    session::{Cost, Session},
    sync::lock,
    transfer::{Batch, Job, OnError, Outcome, delete_blob},
};

/// Blocks of streams that are kept for the next stream.
const KEPT_BLOCKS: usize = 4;

/// Moves blobs of one account. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
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

impl Client {
    /// Opens no connection and asks for no token yet.
    ///
    /// # Errors
    /// Where the configuration contradicts itself or the environment.
    pub fn new(config: Config) -> Result<Self, InvalidInput> {
        config.check()?;
        let (max_connections, memory_limit) = config.limits()?;
        Ok(Self(Arc::new(Inner {
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
        })))
    }

    /// Moves one item, beginning on the calling thread: a small one never leaves it.
    pub fn run(&self, job: Job, interrupt: Interrupt<'_>) -> Outcome {
        Batch::new(Arc::clone(&self.0), OnError::Collect).run_here(job, interrupt)
    }

    /// Begins a call of any number of items.
    pub fn batch(&self, on_error: OnError) -> Batch {
        Batch::new(Arc::clone(&self.0), on_error)
    }

    /// Properties and metadata of a blob.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no such blob.
    pub fn properties(&self, blob: &BlobPath, interrupt: Interrupt<'_>) -> Result<BlobProperties> {
        blob.require_name()?;
        self.session(blob, interrupt, |session| blob::properties(session, blob))
    }

    /// Deletes a blob.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no such blob.
    pub fn delete(&self, blob: &BlobPath, interrupt: Interrupt<'_>) -> Result<()> {
        blob.require_name()?;
        self.session(blob, interrupt, |session| delete_blob(session, blob))
    }

    /// Copies a blob within the account, without its bytes passing through here; waits for the end.
    ///
    /// # Errors
    /// As of an upload to `target`; the error names the source where that is missing.
    pub fn copy(
        &self,
        source: &BlobPath,
        target: &BlobPath,
        overwrite: bool,
        interrupt: Interrupt<'_>,
    ) -> Result<BlobProperties> {
        source.require_name()?;
        target.require_name()?;
        self.session(target, interrupt, |session| {
            blob::copy(session, source, target, overwrite)
        })
    }

    /// Lists what is below a prefix, which stands for whole segments of names like a directory; with
    /// `one_level` what is directly below it.
    pub fn list(&self, prefix: &BlobPath, one_level: bool) -> Listing {
        Listing::new(Arc::clone(&self.0), prefix.clone(), one_level)
    }

    fn session<T>(
        &self,
        blob: &BlobPath,
        interrupt: Interrupt<'_>,
        operation: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        self.0
            .session(interrupt, operation)
            .map_err(|error| error.with_blob(blob))
    }
}

impl Inner {
    /// Requests from the calling thread that belong to no transfer.
    pub(crate) fn session<T>(
        &self,
        interrupt: Interrupt<'_>,
        operation: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let cancel = Cancel::default();
        let cost = Cost::default();
        let progress = Progress::default();
        let mut buffers = self.take_buffers();
        let mut session = Session {
            client: self,
            body: &mut buffers.body,
            head: &mut buffers.head,
            watch: Watch::new(&cancel, interrupt),
            cost: &cost,
            progress: &progress,
            maybe_done: false,
        };
        let result = operation(&mut session);
        self.put_buffers(buffers);
        result
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

impl Drop for Inner {
    fn drop(&mut self) {
        self.scheduler.close();
    }
}
