//! A running service, as its user sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::blob::BlobService;
use crate::certificates::Certificates;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::faults::Fault;
use crate::identity::{self, IdentityService};
use crate::key_vault::KeyVaultService;
use crate::options::Options;
use crate::request_log::RequestRecord;
use crate::server::{Connections, Server};

/// Running servers: blobs, Key Vault, tokens. They stop when this is dropped.
pub struct Service {
    context: Arc<Context>,
    certificates: Certificates,
    connections: Arc<Connections>,
    blobs: Server,
    vault: Server,
    identity: Server,
}

impl Service {
    /// Starts the servers; they answer by the time this returns.
    ///
    /// # Errors
    ///
    /// The port is taken, the directory cannot be made, or the account key is not base64.
    pub fn start(options: Options) -> io::Result<Self> {
        let certificates = Certificates::make()?;
        let context = Arc::new(Context::new(options)?);
        let connections = Arc::new(Connections::default());
        let tls = Some(certificates.config.clone());
        let blob_tls = tls.clone().filter(|_| context.options.tls);
        let handler = BlobService {
            context: context.clone(),
        };
        let port = context.options.port;
        let blobs = Server::start(port, blob_tls, handler, &context, &connections)?;
        let handler = KeyVaultService {
            context: context.clone(),
        };
        let vault = Server::start(0, tls, handler, &context, &connections)?;
        let handler = IdentityService {
            context: context.clone(),
        };
        let identity = Server::start(0, None, handler, &context, &connections)?;
        Ok(Self {
            context,
            certificates,
            connections,
            blobs,
            vault,
            identity,
        })
    }

    /// URL of the account: `https://127.0.0.1:PORT/devstoreaccount1`.
    pub fn blob_endpoint(&self) -> String {
        let scheme = if self.context.options.tls {
            "https"
        } else {
            "http"
        };
        format!(
            "{scheme}://127.0.0.1:{}/{}",
            self.blobs.port(),
            self.account()
        )
    }

    /// URL of the Key Vault: `https://127.0.0.1:PORT`.
    pub fn vault_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.vault.port())
    }

    /// URL of the token endpoint, for `IDENTITY_ENDPOINT`.
    pub fn identity_endpoint(&self) -> String {
        format!(
            "http://127.0.0.1:{}{}",
            self.identity.port(),
            identity::PATH
        )
    }

    /// What the token endpoint wants to be told, for `IDENTITY_HEADER`. Random.
    pub fn identity_header(&self) -> &str {
        &self.context.identity_header
    }

    /// Name of the storage account.
    pub fn account(&self) -> &str {
        &self.context.options.account
    }

    /// Key of the storage account, in base64.
    pub fn account_key(&self) -> &str {
        &self.context.options.account_key
    }

    /// Certificate of the authority that clients must trust, in PEM.
    pub fn certificate_authority(&self) -> &str {
        &self.certificates.authority
    }

    /// The servers' certificate, in PEM: other servers of a test may use it too.
    pub fn server_certificate(&self) -> &str {
        &self.certificates.server_certificate
    }

    /// The private key of the servers' certificate, in PEM.
    pub fn server_key(&self) -> &str {
        &self.certificates.server_key
    }

    /// Issues a bearer token for a resource such as `https://storage.azure.com`.
    pub fn issue_token(&self, resource: &str, lifetime: Duration) -> String {
        self.context.tokens.issue(resource, lifetime).0
    }

    /// Makes a private container, unless there is one of that name.
    pub fn create_container(&self, name: &str) {
        self.context.store.ensure_container(name);
    }

    /// Adds a version of a secret to the Key Vault.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn set_secret(&self, name: &str, value: &str) -> io::Result<()> {
        self.context.secrets.set(name, value)
    }

    /// Disables the newest version of a secret.
    pub fn disable_secret(&self, name: &str) {
        self.context.secrets.disable(name);
    }

    /// Has the newest version of a secret expire at a time, which may be past.
    pub fn expire_secret(&self, name: &str, at: SystemTime) {
        let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.context
            .secrets
            .expire(name, Timestamp::from_unix(since_epoch.as_secs()));
    }

    /// Sets a fault, in addition to those set already.
    pub fn add_fault(&self, fault: Fault) {
        self.context.faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.context.faults.clear();
    }

    /// The requests to all servers so far, the latest 100,000 of them.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.context.log.all()
    }

    /// How many of those requests asked for each operation.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        self.context.log.counts()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.context.log.clear();
    }

    /// Stops the servers and closes their connections; done when this returns.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.context.shutdown.begin();
        self.connections.close();
    }
}

impl fmt::Debug for Service {
    /// Without the keys.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("blob_endpoint", &self.blob_endpoint())
            .field("vault_url", &self.vault_url())
            .field("identity_endpoint", &self.identity_endpoint())
            .finish_non_exhaustive()
    }
}
