//! What a service is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The account that every Azure emulator has.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";

/// Its key, which is public:
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>.
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Options of [`Service::start`](crate::Service::start).
#[derive(Clone, Debug)]
pub struct Options {
    /// Serve blobs over HTTPS (the default) or plain HTTP. The Key Vault is always HTTPS, the token
    /// endpoint always HTTP, as in Azure.
    pub tls: bool,
    /// Port of the blob endpoint; 0 for a free one.
    pub port: u16,
    /// Name of the storage account.
    pub account: String,
    /// Key of the storage account, in base64.
    pub account_key: String,
    /// Containers that exist from the start.
    pub containers: Vec<String>,
    /// Keep the content of blobs in files under this directory instead of in memory. Content only:
    /// names and properties last no longer than the service, and the files go with their blobs.
    pub directory: Option<PathBuf>,
    /// Added before each answer.
    pub latency: Duration,
    /// Bytes a second and connection, each way.
    pub bandwidth: Option<u64>,
    /// How long the tokens of the managed-identity endpoint live.
    pub token_lifetime: Duration,
    /// Secrets that the Key Vault holds from the start, by name.
    pub secrets: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: true,
            port: 0,
            account: EMULATOR_ACCOUNT.into(),
            account_key: EMULATOR_KEY.into(),
            containers: Vec::new(),
            directory: None,
            latency: Duration::ZERO,
            bandwidth: None,
            token_lifetime: Duration::from_secs(3600),
            secrets: BTreeMap::new(),
        }
    }
}
