//! Drives a call on many blobs: feeds the engine, runs signal handlers, reports progress.

use std::time::{Duration, Instant};

use fastblob_engine::{self as engine, BatchState, Job, OnError, Outcome};
use pyo3::{
    intern,
    prelude::*,
    types::{PyIterator, PyList, PyTuple},
};

use crate::{arguments::in_item, progress::Reporter, results::TransferResult, runtime::enter};

/// The longest that a signal or a report of progress waits.
const TICK: Duration = Duration::from_millis(50);

/// Items of a generator are handed on together while they come quickly, and one by one where each
/// takes its time.
const CHUNK_TIME: Duration = Duration::from_millis(5);

/// Items that an [`Input`] gave.
#[derive(Debug)]
pub(crate) struct Items {
    pub(crate) jobs: Vec<Job>,
    /// No more will come.
    pub(crate) last: bool,
}

/// Where the items of a call come from.
pub(crate) trait Input {
    /// The next items: about as many, holding about as many bytes of memory, as there is room for.
    fn next(&mut self, py: Python<'_>, room: (usize, u64)) -> PyResult<Items>;
}

/// What became of all items, in input order.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) outcomes: Vec<Outcome>,
    fatal: Option<usize>,
}

/// Moves everything that `input` gives.
///
/// An exception out of the input, the progress callable or a signal handler ends the call: what
/// runs is cancelled, and the exception comes out once nothing runs any more.
pub(crate) fn run(
    py: Python<'_>,
    client: &engine::Client,
    input: &mut dyn Input,
    on_error: OnError,
    mut progress: Option<Reporter<'_>>,
) -> PyResult<Finished> {
    let batch = client.batch(on_error);
    if let Err(error) = drive(py, &batch, input, progress.as_mut()) {
        batch.cancel();
        wait_for_end(py, &batch)?;
        return Err(error);
    }
    if let Some(progress) = &progress {
        progress.finish(&batch.progress())?;
    }
    Ok(Finished {
        fatal: batch.fatal_index(),
        outcomes: batch.into_outcomes(),
    })
}

fn drive(
    py: Python<'_>,
    batch: &engine::Batch,
    input: &mut dyn Input,
    mut progress: Option<&mut Reporter<'_>>,
) -> PyResult<()> {
    let mut wants_items = true;
    let mut ended = false;
    loop {
        let mut jobs = Vec::new();
        if wants_items && !ended {
            ended = batch.fatal_index().is_some();
            if !ended {
                let items = input.next(py, batch.room())?;
                (jobs, ended) = (items.jobs, items.last);
            }
        }
        let state = enter(py, |_| {
            batch.push(jobs);
            if ended {
                batch.end_of_input();
            }
            batch.wait(TICK)
        })?;
        py.check_signals()?;
        if let Some(progress) = &mut progress {
            progress.tick(|| batch.progress())?;
        }
        match state {
            BatchState::Finished => return Ok(()),
            BatchState::WantsItems => wants_items = true,
            BatchState::Running => wants_items = false,
        }
    }
}

/// Work that is in a credential or a file object of the user can end only when that returns;
/// whoever does not want to wait presses Ctrl-C again.
fn wait_for_end(py: Python<'_>, batch: &engine::Batch) -> PyResult<()> {
    loop {
        let state = enter(py, |_| {
            batch.end_of_input();
            batch.wait(TICK)
        })?;
        if state == BatchState::Finished {
            return Ok(());
        }
        py.check_signals()?;
    }
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
    F: FnMut(&Bound<'py, PyAny>) -> PyResult<Job>,
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
    F: FnMut(&Bound<'py, PyAny>) -> PyResult<Job>,
{
    fn next(&mut self, py: Python<'_>, (room, memory_room): (usize, u64)) -> PyResult<Items> {
        let begun = Instant::now();
        let mut jobs = Vec::new();
        let mut memory = 0;
        while let Some(item) = self.items.next() {
            let job = (self.job)(&item?).map_err(|error| in_item(py, self.index, error))?;
            memory += job.memory();
            jobs.push(job);
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
#[derive(Debug)]
pub(crate) struct Jobs(pub(crate) Vec<Job>);

impl Input for Jobs {
    fn next(&mut self, _py: Python<'_>, _room: (usize, u64)) -> PyResult<Items> {
        let jobs = std::mem::take(&mut self.0);
        Ok(Items { jobs, last: true })
    }
}
