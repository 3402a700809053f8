//! Drives calls: feeds them with items, tokens and blocks, runs signal handlers, reports progress.
//!
//! All code of the user runs here, on the thread that called: generators, credentials, file objects and
//! progress callables.

use std::time::{Duration, Instant};

use fastblob_engine::{self as engine, Call, Job, Need, OnError, Outcome, Token};
use pyo3::{
    exceptions::PyException,
    intern,
    prelude::*,
    types::{PyIterator, PyList, PyTuple},
};

use crate::{
    arguments::in_item, file_object::BlockSource, progress::Reporter, results::TransferResult,
    runtime::enter,
};

/// The longest that a report of progress waits.
const TICK: Duration = Duration::from_millis(50);

/// Until a call of one item needs something.
const HOUR: Duration = Duration::from_secs(3600);

/// Items of a generator are handed on together while they come quickly, and one by one where each
/// takes its time.
const CHUNK_TIME: Duration = Duration::from_millis(5);

/// What a job is made of: the engine's part, and the file object that its content comes from.
pub(crate) struct Prepared {
    pub(crate) job: Job,
    pub(crate) blocks: Option<BlockSource>,
}

impl From<Job> for Prepared {
    fn from(job: Job) -> Self {
        Self { job, blocks: None }
    }
}

/// Items that an [`Input`] gave.
pub(crate) struct Items {
    pub(crate) jobs: Vec<Prepared>,
    /// No more will come.
    pub(crate) last: bool,
}

/// Where the items of a call come from.
pub(crate) trait Input {
    /// The next items: about as many, holding about as many bytes of memory, as there is room for.
    fn next(&mut self, py: Python<'_>, engine: &Engine, room: (usize, u64)) -> PyResult<Items>;
}

/// The engine's client, and where its tokens come from.
pub(crate) struct Engine {
    pub(crate) client: engine::Client,
    /// `callable(claims) -> (token, seconds since the epoch when it expires)`.
    pub(crate) tokens: Option<Py<PyAny>>,
}

impl Engine {
    /// Fetches a token for all who need one, as it is this thread's turn.
    ///
    /// What is no `Exception` (Ctrl-C) comes out, and leaves the turn to another thread.
    pub(crate) fn supply_token(&self, py: Python<'_>) -> PyResult<()> {
        let client = &self.client;
        let claims = client.token_claims();
        let answer = match &self.tokens {
            Some(callable) => callable.call1(py, (claims,)),
            None => Ok(py.None()),
        };
        let token = answer.and_then(|answer| answer.extract::<(String, f64)>(py));
        match token {
            Ok((secret, expires_on)) => enter(py, |_| match Token::new(secret, expires_on) {
                Ok(token) => client.set_token(&token),
                Err(reason) => client.token_failed(Box::new(reason)),
            }),
            Err(error) if error.is_instance_of::<PyException>(py) => {
                enter(py, |_| client.token_failed(Box::new(error)))
            }
            Err(error) => {
                client.give_up_token();
                Err(error)
            }
        }
    }

    /// Carries out one job, beginning on the calling thread.
    pub(crate) fn one(&self, py: Python<'_>, job: Prepared) -> PyResult<Outcome> {
        let Prepared { job, blocks } = job;
        let mut blocks: Vec<_> = blocks.into_iter().map(|blocks| (0, blocks)).collect();
        let (call, mut need) = enter(py, |signals| {
            let call = self.client.call_one(job);
            let need = call.wait(signals, HOUR);
            (call, need)
        })?;
        loop {
            match need {
                Need::Nothing => break,
                Need::Token => self.or_cancel(py, &call, |py| self.supply_token(py))?,
                Need::Block => {
                    self.or_cancel(py, &call, |py| supply_block(py, &call, &mut blocks))?;
                }
                Need::Items | Need::Time => {}
            }
            need = enter(py, |signals| call.wait(signals, HOUR))?;
        }
        let outcome = enter(py, |_| call.into_outcomes().pop())?;
        Ok(outcome.unwrap_or_else(|| unreachable!("a call of one item has one outcome")))
    }

    /// Moves everything that `input` gives.
    ///
    /// An exception out of the input, the progress callable, a credential or a signal handler ends the
    /// call: what runs is cancelled, and the exception comes out once nothing runs any more.
    pub(crate) fn many(
        &self,
        py: Python<'_>,
        input: &mut dyn Input,
        on_error: OnError,
        mut progress: Option<Reporter<'_>>,
    ) -> PyResult<Finished> {
        let call = self.client.call(on_error);
        let mut blocks = Vec::new();
        self.or_cancel(py, &call, |py| {
            self.drive(py, &call, input, &mut blocks, progress.as_mut())
        })?;
        if let Some(progress) = &progress {
            progress.finish(&call.progress())?;
        }
        Ok(Finished {
            fatal: call.fatal_index(),
            outcomes: call.into_outcomes(),
        })
    }

    fn drive(
        &self,
        py: Python<'_>,
        call: &Call,
        input: &mut dyn Input,
        blocks: &mut Vec<(usize, BlockSource)>,
        mut progress: Option<&mut Reporter<'_>>,
    ) -> PyResult<()> {
        let mut ended = false;
        let mut count = 0;
        let mut need = Need::Items;
        loop {
            let mut jobs = Vec::new();
            match need {
                Need::Nothing => return Ok(()),
                Need::Token => self.supply_token(py)?,
                Need::Block => supply_block(py, call, blocks)?,
                Need::Items if call.fatal_index().is_some() => ended = true,
                Need::Items => {
                    let items = input.next(py, self, call.room())?;
                    ended = items.last;
                    for Prepared {
                        job,
                        blocks: source,
                    } in items.jobs
                    {
                        blocks.extend(source.map(|source| (count, source)));
                        jobs.push(job);
                        count += 1;
                    }
                }
                Need::Time => {}
            }
            need = enter(py, |signals| {
                if !jobs.is_empty() {
                    call.push(jobs);
                }
                if ended {
                    call.end_of_input();
                }
                call.wait(signals, TICK)
            })?;
            if let Some(progress) = &mut progress {
                progress.tick(|| call.progress())?;
            }
        }
    }

    /// Where `action` fails, the call is cancelled, and its end waited for: no file is left behind.
    fn or_cancel(
        &self,
        py: Python<'_>,
        call: &Call,
        action: impl FnOnce(Python<'_>) -> PyResult<()>,
    ) -> PyResult<()> {
        let Err(error) = action(py) else {
            return Ok(());
        };
        call.cancel();
        loop {
            // Whoever does not want to wait presses Ctrl-C again.
            let need = enter(py, |signals| call.wait(signals, TICK))?;
            match need {
                Need::Nothing => return Err(error),
                Need::Token => self.client.give_up_token(),
                _ => {}
            }
        }
    }
}

/// Reads the block that a stream wants.
fn supply_block(
    py: Python<'_>,
    call: &Call,
    blocks: &mut Vec<(usize, BlockSource)>,
) -> PyResult<()> {
    let Some(wanted) = enter(py, |_| call.next_block())? else {
        return Ok(());
    };
    let Some(position) = blocks.iter().position(|(item, _)| *item == wanted.item) else {
        return Ok(());
    };
    match blocks[position].1.read_block(py, wanted.size) {
        Ok((block, last)) => {
            if last {
                blocks.swap_remove(position);
            }
            enter(py, |_| call.put_block(wanted.item, block, last))
        }
        Err(error) => {
            blocks.swap_remove(position);
            if !error.is_instance_of::<PyException>(py) {
                return Err(error);
            }
            enter(py, |_| call.block_failed(wanted.item, Box::new(error)))
        }
    }
}

/// What became of all items, in input order.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) outcomes: Vec<Outcome>,
    fatal: Option<usize>,
}

impl Finished {
    pub(crate) fn failed(&self) -> bool {
        self.fatal.is_some()
    }

    /// The results, or the error that ended the call with the results attached.
    pub(crate) fn into_list(self, py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
        let results = self
            .outcomes
            .into_iter()
            .map(|outcome| TransferResult::new(py, outcome));
        let results = PyList::new(py, results.collect::<Vec<_>>())?;
        match self.fatal {
            Some(index) => {
                let error = results.get_item(index)?.getattr(intern!(py, "error"))?;
                error.setattr(intern!(py, "results"), &results)?;
                Err(PyErr::from_value(error))
            }
            None => Ok(results),
        }
    }
}

/// Items of a Python iterable, each turned into a job by a function.
pub(crate) struct PythonItems<'py, F> {
    /// A list or tuple, which is looked through before anything moves: a malformed item is noticed
    /// while there is nothing to undo yet.
    complete: bool,
    items: Bound<'py, PyIterator>,
    index: usize,
    job: F,
}

impl<'py, F> PythonItems<'py, F>
where
    F: FnMut(&Bound<'py, PyAny>) -> PyResult<Prepared>,
{
    pub(crate) fn new(items: &Bound<'py, PyAny>, job: F) -> PyResult<Self> {
        Ok(Self {
            complete: items.is_instance_of::<PyList>() || items.is_instance_of::<PyTuple>(),
            items: items.try_iter()?,
            index: 0,
            job,
        })
    }
}

impl<'py, F> Input for PythonItems<'py, F>
where
    F: FnMut(&Bound<'py, PyAny>) -> PyResult<Prepared>,
{
    fn next(
        &mut self,
        py: Python<'_>,
        _engine: &Engine,
        (room, memory_room): (usize, u64),
    ) -> PyResult<Items> {
        let begun = Instant::now();
        let mut jobs = Vec::new();
        let mut memory = 0;
        while let Some(item) = self.items.next() {
            let prepared = (self.job)(&item?).map_err(|error| in_item(py, self.index, error))?;
            memory += prepared.job.memory();
            jobs.push(prepared);
            self.index += 1;
            let full = jobs.len() >= room || memory >= memory_room;
            if !self.complete && (full || begun.elapsed() >= CHUNK_TIME) {
                return Ok(Items { jobs, last: false });
            }
        }
        Ok(Items { jobs, last: true })
    }
}

/// Items that are all known.
pub(crate) struct Jobs(pub(crate) Vec<Prepared>);

impl Input for Jobs {
    fn next(&mut self, _py: Python<'_>, _engine: &Engine, _room: (usize, u64)) -> PyResult<Items> {
        let jobs = std::mem::take(&mut self.0);
        Ok(Items { jobs, last: true })
    }
}
