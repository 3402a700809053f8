//! A service of its own for each test, and a client of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part; a rig that cannot be set up fails the test"
)]

use std::{
    collections::HashMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use fastblob_engine::{
    Answer, BlobProperties, BlobRef, Call, Client, Conditions, Config, CopyBlob, Credential,
    DeleteBlob, Downloaded, Endpoint, Error, Job, MemoryRegion, MemorySource, MemoryTarget, Need,
    OnError, Outcome, Output, SignalPoll, Source, Token, Uploaded, WriteOptions,
};
use fastblob_service::{Action, Fault, Options, Service};

pub(crate) mod answering;

/// No call of a test takes longer, unless it hangs.
const HANGS: Duration = Duration::from_secs(120);

pub(crate) struct Rig {
    pub(crate) service: Arc<Service>,
    pub(crate) client: Client,
    pub(crate) tokens: Mutex<Tokens>,
}

/// What the client was given instead of tokens of a real credential.
#[derive(Default)]
pub(crate) struct Tokens {
    /// What was asked of each.
    pub(crate) claims: Vec<Option<String>>,
    /// Seconds that the next ones live, last first; when none is left, none can be had.
    pub(crate) lifetimes: Vec<u64>,
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
            tokens: Mutex::default(),
        }
    }

    pub(crate) fn fault(&self, operation: &str, times: u32, action: Action) {
        self.fault_after(operation, 0, times, action);
    }

    /// A fault that lets the first requests pass.
    pub(crate) fn fault_after(&self, operation: &str, after: u32, times: u32, action: Action) {
        self.service.add_fault(Fault {
            operation: Some(operation.to_owned()),
            method: None,
            path: None,
            after,
            times,
            action,
        });
    }

    pub(crate) fn run(&self, job: Job) -> Outcome {
        self.run_until(job, SignalPoll::never())
    }

    pub(crate) fn run_until(&self, job: Job, signals: SignalPoll<'_>) -> Outcome {
        let call = self.client.call_one(job);
        self.drive(&call, HashMap::new(), signals);
        call.take_outcomes().pop().unwrap()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Outcome {
        self.run(write(name, content, true))
    }

    pub(crate) fn write_stream(&self, name: &str, stream: impl Read + 'static) -> Outcome {
        let call = self
            .client
            .call_one(Job::upload(Source::Blocks, blob(name), options(true)));
        let streams: Streams = [(0, Box::new(stream) as Box<dyn Read>)].into();
        self.drive(&call, streams, SignalPoll::never());
        call.take_outcomes().pop().unwrap()
    }

    pub(crate) fn read(&self, name: &str, offset: u64, length: Option<u64>) -> Outcome {
        self.run(read(name, offset, length))
    }

    pub(crate) fn properties(&self, blob: BlobRef) -> Outcome {
        self.run(Job::properties(blob, Conditions::default()))
    }

    pub(crate) fn copy(&self, source: &str, target: &str, overwrite: bool) -> Outcome {
        let options = WriteOptions {
            overwrite,
            ..WriteOptions::default()
        };
        let copy = CopyBlob::new(blob(source), Conditions::default(), options, true).unwrap();
        self.run(Job::copy(blob(target), copy))
    }

    /// All jobs in one call.
    pub(crate) fn batch(&self, jobs: Vec<Job>, on_error: OnError) -> Vec<Outcome> {
        let call = self.client.call(on_error);
        call.push(jobs);
        call.end_of_input();
        self.drive(&call, HashMap::new(), SignalPoll::never());
        call.take_outcomes()
    }

    /// Supplies what a call needs until it has ended.
    pub(crate) fn drive(&self, call: &Call, mut streams: Streams, signals: SignalPoll<'_>) {
        let start = Instant::now();
        loop {
            match call.wait(signals, Duration::from_secs(1)) {
                Need::Nothing => return,
                Need::Token => self.fetch_token(),
                Need::Block => supply_block(call, &mut streams),
                Need::Items => panic!("no more items will come"),
                Need::Time => assert!(start.elapsed() < HANGS, "the call does not end"),
            }
        }
    }

    pub(crate) fn fetch_token(&self) {
        let claims = self.client.token_claims();
        let mut tokens = self.tokens.lock().unwrap();
        tokens.claims.push(claims);
        let Some(life) = tokens.lifetimes.pop() else {
            return self.client.token_failed("no token left".into());
        };
        let life = Duration::from_secs(life);
        let secret = self.service.issue_token("https://storage.azure.com", life);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let expires_on = (now.unwrap() + life).as_secs_f64();
        self.client
            .set_token(&Token::new(secret, expires_on).unwrap());
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

/// Runs a job of a client of one's own, which needs nothing from its driver.
pub(crate) fn run_with(client: &Client, job: Job) -> Outcome {
    let call = client.call_one(job);
    let start = Instant::now();
    loop {
        match call.wait(SignalPoll::never(), Duration::from_secs(1)) {
            Need::Nothing => return call.take_outcomes().pop().unwrap(),
            Need::Time => assert!(start.elapsed() < HANGS, "the call does not end"),
            other => panic!("{other:?}"),
        }
    }
}

/// The streams of a call, by the numbers of their items.
pub(crate) type Streams = HashMap<usize, Box<dyn Read>>;

fn supply_block(call: &Call, streams: &mut Streams) {
    let Some(wanted) = call.next_block() else {
        return;
    };
    let mut block = Vec::new();
    let stream = streams.get_mut(&wanted.item).unwrap();
    match stream.take(wanted.size).read_to_end(&mut block) {
        Ok(count) => {
            let last = (count as u64) < wanted.size;
            call.put_block(wanted.item, MemorySource::owned(block), last);
        }
        Err(error) => call.block_failed(wanted.item, error.into()),
    }
}

/// What a test expects of an outcome.
pub(crate) trait Expected {
    fn output(&self) -> &Output;
    fn error(&self) -> &Error;

    fn downloaded(&self) -> &Downloaded {
        match self.output() {
            Output::Downloaded(downloaded) => downloaded,
            other => panic!("{other:?}"),
        }
    }

    fn uploaded(&self) -> &Uploaded {
        match self.output() {
            Output::Uploaded(uploaded) => uploaded,
            other => panic!("{other:?}"),
        }
    }

    fn properties(&self) -> &BlobProperties {
        match self.output() {
            Output::Answer(Answer::Properties(properties)) => properties,
            other => panic!("{other:?}"),
        }
    }
}

impl Expected for Outcome {
    #[track_caller]
    fn output(&self) -> &Output {
        match &self.result {
            Ok(output) => output,
            Err(error) => panic!("{}: {error}", self.blob),
        }
    }

    #[track_caller]
    fn error(&self) -> &Error {
        match &self.result {
            Ok(output) => panic!("{}: {output:?}", self.blob),
            Err(error) => error,
        }
    }
}

pub(crate) fn blob(name: &str) -> BlobRef {
    BlobRef::parse(&format!("data/{name}")).unwrap()
}

pub(crate) fn options(overwrite: bool) -> Arc<WriteOptions> {
    Arc::new(WriteOptions {
        overwrite,
        ..WriteOptions::default()
    })
}

pub(crate) fn write(name: &str, content: &[u8], overwrite: bool) -> Job {
    let source = Source::Memory(MemorySource::owned(content.to_vec()));
    Job::upload(source, blob(name), options(overwrite))
}

pub(crate) fn read(name: &str, offset: u64, length: Option<u64>) -> Job {
    let any = Arc::new(Conditions::default());
    Job::read(blob(name), Box::new(Leaked), offset, length, any)
}

pub(crate) fn download(name: &str, path: PathBuf) -> Job {
    Job::download(blob(name), path, Arc::new(Conditions::default()))
}

pub(crate) fn delete(name: &str) -> Job {
    Job::delete(blob(name), DeleteBlob::default())
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
