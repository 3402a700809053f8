//! What a call has been handed and has not passed on yet.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use fastblob_engine::{Job, WantedBlock};
use pyo3::prelude::*;

use crate::{buffers::BytesResult, pipe::Pipe};

/// Items of a generator are handed on together while they come quickly, and one by one where each
/// takes its time.
const CHUNK_TIME: Duration = Duration::from_millis(5);

/// What an item is made of: the engine's part, where its blocks come from, and where its bytes go.
pub(crate) struct Prepared {
    pub(crate) job: Job,
    pub(crate) stream: Option<Stream>,
    pub(crate) content: Option<BytesResult>,
}

impl From<Job> for Prepared {
    fn from(job: Job) -> Self {
        Self {
            job,
            stream: None,
            content: None,
        }
    }
}

/// Where the blocks of a stream come from.
pub(crate) enum Stream {
    /// A Python file object, which is handed out to be read.
    FileObject(Py<PyAny>),
    /// A pipe or a device.
    Pipe(Pipe),
}

/// What a call that brings its own items gives when it is asked.
pub(crate) enum Fed {
    Jobs(Vec<Job>),
    NeedsToken,
    End,
}

/// Where the items of such a call come from.
pub(crate) type Feed = Box<dyn FnMut(Python<'_>) -> PyResult<Fed> + Send>;

/// What has been handed over and not been passed on yet.
#[derive(Default)]
pub(crate) struct Driving {
    pub(crate) jobs: Vec<Job>,
    pub(crate) memory: u64,
    /// How many items, with how many bytes in them, are to be passed on together.
    pub(crate) room: (usize, u64),
    pub(crate) began: Option<Instant>,
    pub(crate) ended: bool,
    pub(crate) count: usize,
    pub(crate) streams: HashMap<usize, Stream>,
    pub(crate) contents: Vec<Option<BytesResult>>,
    pub(crate) feed: Option<Feed>,
    /// What the driver has been asked to read.
    pub(crate) block: Option<WantedBlock>,
}

impl Driving {
    pub(crate) fn take(&mut self, prepared: Prepared) {
        self.memory += prepared.job.memory();
        self.jobs.push(prepared.job);
        let index = self.count;
        self.streams
            .extend(prepared.stream.map(|stream| (index, stream)));
        if let Some(content) = prepared.content {
            self.contents.resize_with(index, || None);
            self.contents.push(Some(content));
        }
        self.count += 1;
    }

    pub(crate) fn is_full(&mut self) -> bool {
        let began = *self.began.get_or_insert_with(Instant::now);
        self.jobs.len() >= self.room.0
            || self.memory >= self.room.1
            || began.elapsed() >= CHUNK_TIME
    }

    pub(crate) fn content(&self, index: usize) -> Option<&BytesResult> {
        self.contents.get(index)?.as_ref()
    }

    /// Notes which block is to be read, and by whom.
    pub(crate) fn want(&mut self, block: WantedBlock) {
        match self.streams.get_mut(&block.item) {
            Some(Stream::Pipe(pipe)) => pipe.want(block.size),
            _ => self.block = Some(block),
        }
    }

    /// The pipes that have to be read.
    pub(crate) fn wanted_pipes(&mut self) -> impl Iterator<Item = (usize, &mut Pipe)> {
        self.streams
            .iter_mut()
            .filter_map(|(item, stream)| match stream {
                Stream::Pipe(pipe) if pipe.is_wanted() => Some((*item, pipe)),
                _ => None,
            })
    }
}
