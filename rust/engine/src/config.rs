//! What can be set, with documented defaults.

use std::{fmt, fs, path::PathBuf, str::FromStr, time::Duration};

use crate::{
    auth::Credential,
    azure::Encryption,
    checksum::Checksum,
    endpoint::Endpoint,
    error::InvalidInput,
    http::{Proxy, is_header_value},
    limits::BUFFER_SIZE,
};

/// How much of the machine transfers may take. Concurrency starts low and grows only while throughput
/// grows with it; these are the upper ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkloadType {
    /// 128 connections, 256 MiB.
    #[default]
    Default,
    /// 256 connections, 512 MiB: many small blobs, or a distant account, and cores to spare.
    HighCpu,
    /// 128 connections, 1 GiB: large streams whose length is unknown.
    HighMemory,
    /// 64 connections, 128 MiB; named as in stock Metaflow.
    General,
    /// 256 connections, 1 GiB; named as in stock Metaflow.
    HighThroughput,
}

impl WorkloadType {
    /// Most connections at a time.
    pub fn max_connections(self) -> usize {
        match self {
            Self::Default | Self::HighMemory => 128,
            Self::General => 64,
            Self::HighCpu | Self::HighThroughput => 256,
        }
    }

    /// Most bytes of buffers at a time.
    pub fn memory_limit(self) -> u64 {
        match self {
            Self::General => 128 << 20,
            Self::Default => 256 << 20,
            Self::HighCpu => 512 << 20,
            Self::HighMemory | Self::HighThroughput => 1 << 30,
        }
    }
}

impl FromStr for WorkloadType {
    type Err = InvalidInput;

    fn from_str(name: &str) -> Result<Self, InvalidInput> {
        Ok(match name {
            "default" => Self::Default,
            "highCpu" => Self::HighCpu,
            "highMemory" => Self::HighMemory,
            "general" => Self::General,
            "high_throughput" => Self::HighThroughput,
            other => {
                return Err(InvalidInput::new(format!(
                    "unknown workload type {other:?}; choose 'default', 'highCpu', 'highMemory', \
                     'general' or 'high_throughput'"
                )));
            }
        })
    }
}

/// Who is believed to be the service, and who may stand between. What is given here comes before what the
/// environment says.
#[derive(Clone, Default)]
pub struct Trust {
    /// A file of PEM certificates to trust instead of the system's and of those that `SSL_CERT_FILE`,
    /// `SSL_CERT_DIR` and `REQUESTS_CA_BUNDLE` name.
    pub ca_file: Option<PathBuf>,
    /// `http://[user:password@]host[:port]` of a proxy that every connection goes through, those to this
    /// machine too; empty for none whatever the environment says. `None`: `HTTPS_PROXY`, `http_proxy`,
    /// `ALL_PROXY` and `NO_PROXY` decide.
    pub proxy: Option<String>,
}

impl fmt::Debug for Trust {
    /// Without the proxy's URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

/// Configuration of a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct Config {
    /// The account.
    pub endpoint: Endpoint,
    /// Who asks.
    pub credential: Credential,
    /// Whose certificates are accepted, and the proxy.
    pub trust: Trust,
    /// Where the two limits below come from if they are not given.
    pub workload_type: WorkloadType,
    /// Most connections at a time, at least 1.
    pub max_connections: Option<usize>,
    /// Most bytes of buffers at a time, at least 1 MiB; blobs that are returned as a whole, and a
    /// caller's own buffers, are not counted.
    pub memory_limit: Option<u64>,
    /// Attempts after the first that fail in a row before a request is given up.
    pub max_retries: u32,
    /// A connection on which no byte moves for so long is given up.
    pub timeout: Duration,
    /// What is verified on the way down, besides lengths.
    pub checksum: Option<Checksum>,
    /// Who is asking, in every request: `fastblob/<version>` and whatever else the service's logs are to tell.
    pub user_agent: String,
    /// How the service encrypts what is written; by the account's default otherwise.
    pub encryption: Option<Encryption>,
}

impl Config {
    /// The defaults: eight retries (about a minute), 60 s, and what can be verified at next to no cost.
    pub fn new(endpoint: Endpoint, credential: Credential) -> Self {
        Self {
            endpoint,
            credential,
            trust: Trust::default(),
            workload_type: WorkloadType::default(),
            max_connections: None,
            memory_limit: None,
            max_retries: 8,
            timeout: Duration::from_secs(60),
            checksum: Some(Checksum::Auto),
            user_agent: concat!("fastblob/", env!("CARGO_PKG_VERSION")).to_owned(),
            encryption: None,
        }
    }

    /// Connections and bytes that are really used, after a look at the container's limits.
    pub(crate) fn limits(&self) -> Result<(usize, u64), InvalidInput> {
        let connections = self
            .max_connections
            .unwrap_or_else(|| self.workload_type.max_connections());
        if connections == 0 {
            return Err(InvalidInput::new("max_connections must be at least 1"));
        }
        let memory = match self.memory_limit {
            Some(limit) if limit < BUFFER_SIZE as u64 => {
                return Err(InvalidInput::new(
                    "memory_limit must be at least 1 MiB (1048576)",
                ));
            }
            Some(limit) => limit,
            // A quarter of what a pod may have at all.
            None => cgroup_memory_limit().map_or(self.workload_type.memory_limit(), |limit| {
                self.workload_type
                    .memory_limit()
                    .min(limit / 4)
                    .max(BUFFER_SIZE as u64)
            }),
        };
        Ok((connections, memory))
    }

    /// `proxy` is what stands between, as it follows from the configuration and the environment.
    pub(crate) fn check(&self, proxy: Option<&Proxy>) -> Result<(), InvalidInput> {
        if self.timeout.is_zero() {
            return Err(InvalidInput::new("timeout must be more than 0 seconds"));
        }
        if !is_header_value(&self.user_agent) {
            return Err(InvalidInput::new(
                "user_agent must be printable ASCII without spaces at its ends, such as 'my-program/1.0'",
            ));
        }
        if matches!(self.encryption, Some(Encryption::Key(_))) && !self.endpoint.is_tls() {
            return Err(InvalidInput::new(format!(
                "encryption_key is not sent to {} in the clear; use an https URL",
                self.endpoint.url()
            )));
        }
        // RFC 6750, section 5.3: a bearer token is good for whoever reads it.
        if self.credential.tokens().is_none() || self.endpoint.is_tls() {
            return Ok(());
        }
        let endpoint = self.endpoint.url();
        if !self.endpoint.is_loopback() {
            return Err(InvalidInput::new(format!(
                "a token is not sent to {endpoint} in the clear; use an https URL"
            )));
        }
        // A proxy on this machine is trusted as a service on it is: one can be a tunnel like the other.
        match proxy.filter(|proxy| !proxy.is_loopback()) {
            Some(proxy) => Err(InvalidInput::new(format!(
                "a token for {endpoint} is not sent to the proxy {}:{} in the clear; use an https URL, or \
                 proxy=\"\" for none",
                proxy.host, proxy.port
            ))),
            None => Ok(()),
        }
    }
}

/// The memory limit of the control group (version 2, then 1), which is what a pod's limit is.
fn cgroup_memory_limit() -> Option<u64> {
    [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    fn with_proxy(
        endpoint: &str,
        credential: Credential,
        proxy: &str,
    ) -> Result<Client, InvalidInput> {
        let mut config = Config::new(Endpoint::parse(endpoint).unwrap(), credential);
        config.trust.proxy = Some(proxy.to_owned());
        Client::new(config)
    }

    #[test]
    fn a_token_is_not_given_to_a_proxy_in_the_clear() {
        let here = "http://127.0.0.1:10000/account";
        for (endpoint, proxy, accepted) in [
            (here, "http://proxy.example:8080", false),
            (here, "http://10.0.0.1:8080", false),
            (here, "http://127.0.0.1:8080", true),
            (here, "http://[::1]:8080", true),
            (here, "http://localhost:8080", true),
            (here, "", true),
            ("https://account.example", "http://proxy.example:8080", true),
            ("http://account.example", "http://localhost:8080", false),
        ] {
            let made = with_proxy(endpoint, Credential::token(), proxy);
            assert_eq!(made.is_ok(), accepted, "{endpoint} through {proxy:?}");
            if let Err(error) = made {
                assert!(error.to_string().contains("in the clear"), "{error}");
            }
        }
        assert!(with_proxy(here, Credential::anonymous(), "http://proxy.example:8080").is_ok());
    }

    #[test]
    fn what_is_no_proxy_is_refused_at_once_and_not_shown() {
        for wrong in [
            "socks5://me:pa55word@p:1",
            "http://me:pa55word@",
            "http://me:pa55word@p:99999",
            "https://me:pa55word@p:1",
            "me:pa55word@p q:1",
            " ",
        ] {
            let error =
                with_proxy("https://account.example", Credential::anonymous(), wrong).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("proxy") && text.contains("http://host:port"),
                "{text}"
            );
            assert!(!text.contains("pa55word"), "{text}");
        }
    }

    #[test]
    fn a_proxys_password_is_in_no_debug_output() {
        let mut config = Config::new(
            Endpoint::parse("https://account.example").unwrap(),
            Credential::anonymous(),
        );
        config.trust.proxy = Some("http://me:pa55word@p:1".to_owned());
        assert!(!format!("{config:?}").contains("pa55word"));
        let client = Client::new(config).unwrap();
        assert!(!format!("{client:?}").contains("pa55word"));
    }
}
