//! A service of its own for each test, and a client of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part; a rig that cannot be set up fails the test"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use fastblob_engine::{
    Batch, BatchState, BlobPath, Client, Config, Credential, Endpoint, Job, MemoryRegion,
    MemorySource, MemoryTarget, OnError, Outcome, SignalPoll, Source, Token, TokenProvider,
    UploadOptions,
};
use fastblob_service::{Action, Fault, Options, Service};

pub(crate) struct Rig {
    pub(crate) service: Arc<Service>,
    pub(crate) client: Client,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::serving(|_| {}, configure)
    }

    pub(crate) fn serving(
        set_up: impl FnOnce(&mut Options),
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let mut options = Options {
            tls: false,
            containers: vec!["data".to_owned()],
            ..Options::default()
        };
        set_up(&mut options);
        let service = Service::start(options).unwrap();
        let endpoint = Endpoint::parse(&service.blob_endpoint()).unwrap();
        let key = Credential::shared_key(service.account(), service.account_key()).unwrap();
        let mut config = Config::new(endpoint, key);
        configure(&mut config);
        let client = Client::new(config).unwrap();
        Self {
            service: Arc::new(service),
            client,
        }
    }

    pub(crate) fn fault(&self, operation: &str, times: u32, action: Action) {
        self.service.add_fault(Fault {
            operation: Some(operation.to_owned()),
            method: None,
            path: None,
            after: 0,
            times,
            action,
        });
    }

    pub(crate) fn run(&self, job: Job) -> Outcome {
        self.client.run(job, SignalPoll::never())
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Outcome {
        self.run(write(name, content, true))
    }

    pub(crate) fn read(&self, name: &str, offset: u64, length: Option<u64>) -> Outcome {
        self.run(Job::read(blob(name), Box::new(Leaked), offset, length))
    }

    /// All jobs in one call.
    pub(crate) fn batch(&self, jobs: Vec<Job>, on_error: OnError) -> Vec<Outcome> {
        let batch = self.client.batch(on_error);
        batch.push(jobs);
        finish(batch)
    }

    /// Names of the operations that the service saw.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.service
            .requests()
            .into_iter()
            .map(|record| record.operation.to_owned())
            .collect()
    }
}

/// The outcomes of a call, once it has ended.
pub(crate) fn finish(batch: Batch) -> Vec<Outcome> {
    batch.end_of_input();
    while batch.wait(Duration::from_secs(1)) != BatchState::Finished {}
    batch.into_outcomes()
}

pub(crate) fn blob(name: &str) -> BlobPath {
    BlobPath::parse(&format!("data/{name}")).unwrap()
}

pub(crate) fn write(name: &str, content: &[u8], overwrite: bool) -> Job {
    let content: &'static [u8] = content.to_vec().leak();
    let options = UploadOptions {
        overwrite,
        ..UploadOptions::default()
    };
    Job::upload(
        Source::Memory(MemorySource::new(content, Box::new(()))),
        blob(name),
        Arc::new(options),
    )
}

/// Bytes in which no two places look alike.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

/// Memory that a blob is read into. What arrived is judged by its CRC64, as safe code cannot look at
/// memory that it gave away.
pub(crate) struct Leaked;

impl MemoryTarget for Leaked {
    fn allocate(&mut self, length: u64) -> std::io::Result<MemoryRegion> {
        let bytes = vec![0; usize::try_from(length).unwrap()].leak();
        Ok(MemoryRegion::new(bytes, Arc::new(())))
    }
}

/// A folder that goes away with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fastblob-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Names of what is in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

type Issue = Box<dyn Fn(Duration) -> String + Send>;

/// Gives tokens of the service, each of the next lifetime.
pub(crate) struct Tokens {
    pub(crate) calls: Mutex<Vec<Option<String>>>,
    pub(crate) lifetimes: Mutex<Vec<u64>>,
    pub(crate) issue: Mutex<Option<Issue>>,
}

impl TokenProvider for Tokens {
    fn token(
        &self,
        claims: Option<&str>,
    ) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
        self.calls.lock().unwrap().push(claims.map(str::to_owned));
        let life = self
            .lifetimes
            .lock()
            .unwrap()
            .pop()
            .ok_or("no token left")?;
        let life = Duration::from_secs(life);
        let issue = self.issue.lock().unwrap();
        Ok(Token {
            secret: issue.as_ref().ok_or("not connected")?(life),
            expires_on: SystemTime::now() + life,
        })
    }
}
