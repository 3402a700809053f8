//! What can be set, with documented defaults.

use std::{fs, str::FromStr, time::Duration};

use crate::{
    auth::Credential, checksum::Checksum, endpoint::Endpoint, error::InvalidInput,
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

/// Configuration of a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct Config {
    /// The account.
    pub endpoint: Endpoint,
    /// Who asks.
    pub credential: Credential,
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
}

impl Config {
    /// The defaults: eight retries (about a minute), 60 s, MD5 where one is stored.
    pub fn new(endpoint: Endpoint, credential: Credential) -> Self {
        Self {
            endpoint,
            credential,
            workload_type: WorkloadType::default(),
            max_connections: None,
            memory_limit: None,
            max_retries: 8,
            timeout: Duration::from_secs(60),
            checksum: Some(Checksum::Md5),
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

    pub(crate) fn check(&self) -> Result<(), InvalidInput> {
        if self.timeout.is_zero() {
            return Err(InvalidInput::new("timeout must be more than 0 seconds"));
        }
        // RFC 6750, section 5.3: a bearer token is good for whoever reads it.
        if self.credential.tokens().is_some()
            && !self.endpoint.is_tls()
            && !self.endpoint.is_loopback()
        {
            return Err(InvalidInput::new(format!(
                "a token is not sent to {} in the clear; use an https URL",
                self.endpoint.url()
            )));
        }
        Ok(())
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
