//! What all servers of one service share.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use crate::faults::Faults;
use crate::options::Options;
use crate::random::random_hex;
use crate::request_log::RequestLog;
use crate::secrets::Secrets;
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::tokens::TokenIssuer;

/// The state of a running service.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) account_key: hmac::Key,
    pub(crate) tokens: TokenIssuer,
    pub(crate) identity_header: String,
    pub(crate) store: Store,
    pub(crate) secrets: Secrets,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    pub(crate) shutdown: Arc<Shutdown>,
    request_ids: AtomicU64,
}

impl Context {
    pub(crate) fn new(options: Options) -> io::Result<Self> {
        let key = BASE64_STANDARD
            .decode(&options.account_key)
            .map_err(io::Error::other)?;
        let store = Store::new(options.directory.clone())?;
        for name in &options.containers {
            store.ensure_container(name);
        }
        let secrets = Secrets::default();
        for (name, value) in &options.secrets {
            secrets.set(name, value)?;
        }
        Ok(Self {
            account_key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            tokens: TokenIssuer::new(&random_hex::<32>()?),
            identity_header: random_hex::<16>()?,
            store,
            secrets,
            faults: Faults::default(),
            log: RequestLog::default(),
            shutdown: Arc::default(),
            request_ids: AtomicU64::new(1),
            options,
        })
    }

    /// A request id: of the form of a GUID, and countable.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.request_ids.fetch_add(1, Ordering::Relaxed);
        format!("fa57b10b-0000-4000-8000-{number:012x}")
    }
}
