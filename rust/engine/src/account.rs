//! What all calls on an account share: its address and credential, connections, threads and buffers.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use crate::{
    admission::Admission,
    auth::{Credential, DelegationKey, TokenCache},
    azure::Encryption,
    checksum::Checksum,
    concurrency::Concurrency,
    config::Config,
    endpoint::Endpoint,
    error::InvalidInput,
    http::Pool,
    limits::BUFFER_SIZE,
    random,
    retry::Policy,
    sync::Mutex,
    transfer::{LeftOvers, Scheduler},
};

/// Buffers that are kept for the next request.
const KEPT_BUFFERS: usize = 32;

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) endpoint: Endpoint,
    /// Host and port as requests name them.
    pub(crate) authority: String,
    credential: Mutex<Credential>,
    /// With which signatures are made where the credential has no key.
    delegation_key: Mutex<Option<Arc<DelegationKey>>>,
    pub(crate) pool: Pool,
    pub(crate) admission: Arc<Admission>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) buffers: Buffers,
    pub(crate) left_overs: LeftOvers,
    pub(crate) retry: Policy,
    pub(crate) timeout: Duration,
    pub(crate) user_agent: String,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) max_connections: usize,
    pub(crate) memory_limit: u64,
    /// No call begins any more.
    closed: AtomicBool,
    /// Whether the endpoint ever answered.
    pub(crate) reached: AtomicBool,
    /// An answer has named the version that it was asked for.
    pub(crate) knows_versions: AtomicBool,
    /// The service does not verify CRC64 (Azurite).
    pub(crate) no_crc64: AtomicBool,
    /// CRC64 of ranges, which Azurite does not compute.
    pub(crate) checked_ranges: Capability,
    /// Structured messages down.
    pub(crate) structured_messages: Capability,
    /// Structured messages as blocks, and whether that is being tried out.
    pub(crate) structured_blocks: Capability,
    pub(crate) tries_messages: AtomicBool,
    /// What the ids of requests begin with, and how many there were.
    pub(crate) request_prefix: String,
    pub(crate) request_count: AtomicU64,
}

impl Account {
    /// Opens no connection and asks for no token yet.
    pub(crate) fn new(config: Config) -> Result<Self, InvalidInput> {
        let pool = Pool::new(config.endpoint.clone(), &config.trust, config.timeout)?;
        config.check(pool.proxy())?;
        let (max_connections, memory_limit) = config.limits()?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let concurrency = Concurrency::new((4 * cores).max(8), max_connections);
        let admission = Admission::new(concurrency, memory_limit);
        Ok(Self {
            authority: config.endpoint.authority(),
            pool,
            endpoint: config.endpoint,
            credential: Mutex::new(config.credential),
            delegation_key: Mutex::default(),
            scheduler: Scheduler::new(Arc::clone(&admission), max_connections),
            admission,
            buffers: Buffers::default(),
            left_overs: LeftOvers::default(),
            retry: Policy {
                max_retries: config.max_retries,
            },
            timeout: config.timeout,
            user_agent: config.user_agent,
            encryption: config.encryption,
            checksum: config.checksum,
            max_connections,
            memory_limit,
            closed: AtomicBool::new(false),
            reached: AtomicBool::new(false),
            knows_versions: AtomicBool::new(false),
            no_crc64: AtomicBool::new(false),
            checked_ranges: Capability::default(),
            structured_messages: Capability::default(),
            structured_blocks: Capability::default(),
            tries_messages: AtomicBool::new(false),
            request_prefix: request_prefix(random::unique()),
            request_count: AtomicU64::new(0),
        })
    }

    /// No call begins any more; those that have begun go on to their end. Threads and connections end as
    /// soon as they are not in use.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.pool.close();
        self.scheduler.close();
    }

    /// Why no call can begin, if that is so.
    pub(crate) fn check_open(&self) -> Result<(), InvalidInput> {
        if self.closed.load(Ordering::Acquire) {
            return Err(InvalidInput::new(format!(
                "the client for {} is closed; make a new one",
                self.endpoint.url()
            )));
        }
        Ok(())
    }

    pub(crate) fn credential(&self) -> Credential {
        self.credential.lock().clone()
    }

    /// The account's key or SAS has been replaced.
    pub(crate) fn set_credential(&self, credential: Credential) {
        *self.credential.lock() = credential;
    }

    /// The key that is there for signatures until then.
    pub(crate) fn delegation_key(&self, expiry: SystemTime) -> Option<Arc<DelegationKey>> {
        let key = self.delegation_key.lock().clone();
        key.filter(|key| key.lives_until(expiry))
    }

    pub(crate) fn keep_delegation_key(&self, key: &Arc<DelegationKey>) {
        *self.delegation_key.lock() = Some(Arc::clone(key));
    }

    /// Does something with the tokens, if the credential has any.
    pub(crate) fn with_tokens<T>(&self, action: impl FnOnce(&TokenCache) -> T) -> Option<T> {
        self.credential().tokens().map(action)
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

    /// What was asked for as a structured message came without one.
    pub(crate) fn without_structured_messages(&self, is_explained: bool) {
        self.structured_messages.missed(is_explained);
        log::debug!(
            "{} sent no structured message; what is verified of downloads instead is in \
             docs/semantics.md",
            self.endpoint.url()
        );
    }

    /// A range came without the CRC64 that was asked for.
    pub(crate) fn without_checked_ranges(&self, is_explained: bool) {
        if self.checked_ranges.missed(is_explained) {
            log::warn!(
                "{} does not compute CRC64 (is it Azurite?); downloads are verified by length \
                 alone",
                self.endpoint.url()
            );
        }
    }
}

/// The first groups of the UUIDs by which the service's logs name requests: random for the client.
fn request_prefix(unique: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}",
        unique >> 32,
        (unique >> 16) & 0xffff,
        unique & 0xfff
    )
}

/// So many successes without a feature, none of them explained, are taken for the service's own way: a
/// single one may come of something in between.
const ENOUGH_MISSED: u32 = 3;

/// Whether the service at an endpoint has a feature, as far as its answers tell.
#[derive(Debug, Default)]
pub(crate) struct Capability {
    known: OnceLock<bool>,
    missed: AtomicU32,
}

impl Capability {
    /// An answer made use of it.
    pub(crate) fn is_proven(&self) -> bool {
        self.known.get() == Some(&true)
    }

    /// The service does what is asked, but without it.
    pub(crate) fn is_absent(&self) -> bool {
        self.known.get() == Some(&false)
    }

    /// An answer made use of it, and no later one is believed without.
    pub(crate) fn prove(&self) {
        let _ = self.known.set(true);
    }

    /// What was asked for with it has succeeded without; `is_explained`: it was refused before, with a code
    /// that says why. Whether that happened for the first time.
    pub(crate) fn missed(&self, is_explained: bool) -> bool {
        let before = self.missed.fetch_add(1, Ordering::Relaxed);
        if is_explained || before + 1 >= ENOUGH_MISSED {
            let _ = self.known.set(false);
        }
        before == 0 && !self.is_proven()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.scheduler.close();
    }
}

/// Memory that is used again from request to request: its pages are there already.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// A buffer of [`BUFFER_SIZE`]; an empty one where `size` is 0.
    pub(crate) fn take(&self, size: usize) -> Vec<u8> {
        if size == 0 {
            return Vec::new();
        }
        let kept = self.0.lock().pop();
        // Zeroed pages are mapped when they are first written: small blobs touch few of them.
        kept.unwrap_or_else(|| vec![0; BUFFER_SIZE])
    }

    pub(crate) fn put(&self, buffer: Vec<u8>) {
        if buffer.is_empty() {
            return;
        }
        let mut kept = self.0.lock();
        if kept.len() < KEPT_BUFFERS {
            kept.push(buffer);
        }
    }
}
