//! A call under way, which `fastblob._driving` sees to its end.
//!
//! It says what it needs of the thread that drives it, and calls no code of the user itself.

use std::{
    mem,
    sync::{Mutex, MutexGuard},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use fastblob_engine::{self as engine, Client, Job, Need, Outcome, WantedBlock};
use pyo3::{
    exceptions::{PyRuntimeError, PyTypeError, PyValueError},
    prelude::*,
    types::PyList,
};

use crate::{
    arguments::in_item,
    buffers::{self, BytesResult},
    driving::{Driving, Fed, Feed, Prepared, Stream},
    native::{Native, enter},
    results::{self, Progress},
};

/// All items have ended, and no more will come.
pub(crate) const FINISHED: u8 = 1;
/// There is room for items.
pub(crate) const ITEMS: u8 = 2;
/// The calling thread has the turn to fetch a token.
pub(crate) const TOKEN: u8 = 4;
/// A file object has to be read.
pub(crate) const BLOCK: u8 = 8;

/// The longest that `wait` takes: a report of progress is due then.
const TICK: Duration = Duration::from_millis(50);

/// Makes an item of what Python gave.
pub(crate) type ItemParser = Box<dyn Fn(&Bound<'_, PyAny>) -> PyResult<Prepared> + Send + Sync>;

/// Makes the result of a call of one item.
pub(crate) type Conversion =
    for<'py> fn(Python<'py>, Outcome, Option<&BytesResult>) -> PyResult<Bound<'py, PyAny>>;

/// A call under way.
#[pyclass(module = "fastblob._fastblob", frozen)]
pub(crate) struct Call {
    native: Native<Driven>,
    parser: Option<ItemParser>,
    conversion: Option<Conversion>,
    /// Locked by the driving thread alone, which never waits for it.
    driving: Mutex<Driving>,
}

/// The engine's call, and the turn to fetch a token, which somebody else gets when it is dropped.
struct Driven {
    call: engine::Call,
    client: Client,
    turn: parking_lot::Mutex<Option<ThreadId>>,
}

impl Drop for Driven {
    fn drop(&mut self) {
        if let Some(thread) = self.turn.get_mut().take() {
            self.client.give_up_token(thread);
        }
    }
}

impl Call {
    /// A call to which items are added.
    pub(crate) fn of_items(call: engine::Call, client: Client, parser: ItemParser) -> Self {
        Self::new(call, client, Some(parser), None, Driving::default())
    }

    /// A call of one item, which the engine knows already unless there is a job.
    pub(crate) fn of_one(
        call: engine::Call,
        client: Client,
        job: Option<Job>,
        stream: Option<Stream>,
        content: Option<BytesResult>,
        conversion: Conversion,
    ) -> Self {
        let driving = Driving {
            jobs: job.into_iter().collect(),
            streams: stream.into_iter().map(|stream| (0, stream)).collect(),
            contents: vec![content],
            ended: true,
            ..Driving::default()
        };
        Self::new(call, client, None, Some(conversion), driving)
    }

    /// A call whose items are all known.
    pub(crate) fn of_jobs(call: engine::Call, client: Client, jobs: Vec<Job>) -> Self {
        let driving = Driving {
            jobs,
            ended: true,
            ..Driving::default()
        };
        Self::new(call, client, None, None, driving)
    }

    /// A call that asks for its items.
    pub(crate) fn of_feed(call: engine::Call, client: Client, feed: Feed) -> Self {
        let driving = Driving {
            feed: Some(feed),
            ..Driving::default()
        };
        Self::new(call, client, None, None, driving)
    }

    fn new(
        call: engine::Call,
        client: Client,
        parser: Option<ItemParser>,
        conversion: Option<Conversion>,
        driving: Driving,
    ) -> Self {
        Self {
            native: Native::new(Driven {
                call,
                client,
                turn: parking_lot::Mutex::new(None),
            }),
            parser,
            conversion,
            driving: Mutex::new(driving),
        }
    }

    fn driving(&self) -> PyResult<MutexGuard<'_, Driving>> {
        self.driving
            .try_lock()
            .map_err(|_| PyRuntimeError::new_err("a call is driven by one thread alone"))
    }

    fn parse(&self, item: &Bound<'_, PyAny>) -> PyResult<Prepared> {
        match &self.parser {
            Some(parser) => parser(item),
            None => Err(PyTypeError::new_err("this call takes no items")),
        }
    }
}

/// What a look at the engine's call has shown.
struct Seen {
    need: Need,
    block: Option<WantedBlock>,
    room: (usize, u64),
    failed: bool,
    has_turn: bool,
}

#[pymethods]
impl Call {
    /// Adds an item; False: enough for now.
    #[pyo3(signature = (item, /))]
    fn add(&self, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let prepared = self.parse(item);
        let mut driving = self.driving()?;
        let prepared = prepared.map_err(|error| in_item(item.py(), driving.count, error))?;
        driving.take(prepared);
        Ok(!driving.is_full())
    }

    /// Adds all items there are, none of which is passed on if one is malformed.
    #[pyo3(signature = (items, /))]
    fn add_all(&self, items: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut all = Vec::new();
        for (index, item) in items.try_iter()?.enumerate() {
            let prepared = self.parse(&item?);
            all.push(prepared.map_err(|error| in_item(items.py(), index, error))?);
        }
        let mut driving = self.driving()?;
        for prepared in all {
            driving.take(prepared);
        }
        driving.ended = true;
        Ok(())
    }

    fn end_of_input(&self) -> PyResult<()> {
        self.driving()?.ended = true;
        Ok(())
    }

    /// What is needed, as soon as something is, and after 50 ms at the latest.
    fn wait(&self, py: Python<'_>) -> PyResult<u8> {
        let mut driving = self.driving()?;
        let end = Instant::now() + TICK;
        loop {
            let mut needs = 0;
            let seen = self.look(py, &mut driving, end)?;
            match seen.need {
                Need::Nothing => needs |= FINISHED,
                Need::Token => needs |= TOKEN,
                Need::Block => {
                    if let Some(block) = seen.block {
                        driving.want(block);
                    }
                }
                Need::Items if seen.failed => {
                    driving.ended = true;
                    continue;
                }
                Need::Items => match &mut driving.feed {
                    None => {
                        driving.room = seen.room;
                        needs |= ITEMS;
                    }
                    Some(feed) => match feed(py)? {
                        Fed::Jobs(jobs) => {
                            driving.jobs = jobs;
                            continue;
                        }
                        Fed::NeedsToken => needs |= TOKEN,
                        Fed::End => {
                            driving.ended = true;
                            continue;
                        }
                    },
                },
                Need::Time => {}
            }
            if seen.has_turn {
                needs |= TOKEN;
            }
            if driving.block.is_some() {
                needs |= BLOCK;
            }
            if needs & TOKEN != 0 {
                let this = thread::current().id();
                self.native
                    .enter(py, |driven, _| *driven.turn.lock() = Some(this))?;
            }
            if needs != 0 || Instant::now() >= end {
                return Ok(needs);
            }
            self.read_pipes(py, &mut driving, end)?;
        }
    }

    /// The block that is to be read: its number, the file object, and how many bytes at most.
    fn next_block<'py>(&self, py: Python<'py>) -> PyResult<(usize, Bound<'py, PyAny>, u64)> {
        let driving = self.driving()?;
        let block = driving
            .block
            .ok_or_else(|| PyRuntimeError::new_err("no block is to be read"))?;
        match driving.streams.get(&block.item) {
            Some(Stream::FileObject(file)) => Ok((block.item, file.bind(py).clone(), block.size)),
            _ => Err(PyRuntimeError::new_err("the item has no file object")),
        }
    }

    /// Supplies the block that is to be read. `last`: the stream has ended with it.
    fn put_block(&self, number: usize, data: &Bound<'_, PyAny>, last: bool) -> PyResult<()> {
        let block = buffers::source(data)?
            .ok_or_else(|| PyTypeError::new_err("a block is an object with a buffer"))?;
        self.block_read(number, last)?;
        self.native.enter(data.py(), |driven, _| {
            driven.call.put_block(number, block, last);
        })
    }

    /// The file object could not be read.
    fn block_failed(&self, number: usize, error: &Bound<'_, PyAny>) -> PyResult<()> {
        self.block_read(number, true)?;
        let failure = PyErr::from_value(error.clone());
        self.native.enter(error.py(), |driven, _| {
            driven.call.block_failed(number, Box::new(failure));
        })
    }

    /// What has not begun does not begin; what runs is given up, and so is the turn to fetch a token, of
    /// which the driver may not even have been told. False: in a child of `os.fork()` nothing of it runs.
    fn cancel(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.native.is_ours() {
            return Ok(false);
        }
        let mut driving = self.driving()?;
        driving.ended = true;
        driving.feed = None;
        driving
            .streams
            .retain(|_, stream| matches!(stream, Stream::FileObject(_)));
        drop(driving);
        self.native.enter(py, |driven, _| {
            driven.call.cancel();
            driven.client.give_up_token(thread::current().id());
        })?;
        Ok(true)
    }

    fn progress(&self, py: Python<'_>) -> PyResult<Progress> {
        let snapshot = self.native.enter(py, |driven, _| driven.call.progress())?;
        Ok(Progress::new(snapshot))
    }

    /// Of a call on one blob: what it gives, or the error.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let outcome = self
            .native
            .enter(py, |driven, _| driven.call.take_outcomes().pop())?;
        match (outcome, self.conversion) {
            (Some(outcome), Some(conversion)) => {
                conversion(py, outcome, self.driving()?.content(0))
            }
            _ => Err(PyRuntimeError::new_err("the call has not ended")),
        }
    }

    /// Of a call of reads: the bytes or the error of each; None where a failure ended the call.
    fn contents<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let outcomes = self.native.enter(py, |driven, _| {
            let call = &driven.call;
            call.fatal_index().is_none().then(|| call.take_outcomes())
        })?;
        let driving = self.driving()?;
        let made = |(index, outcome): (usize, Outcome)| {
            let made = results::bytes(py, outcome, driving.content(index));
            made.unwrap_or_else(|error| error.into_value(py).into_bound(py).into_any())
        };
        outcomes
            .map(|outcomes| {
                let contents: Vec<_> = outcomes.into_iter().enumerate().map(made).collect();
                PyList::new(py, contents)
            })
            .transpose()
    }

    /// Of a call on many: what became of all items, in the order of the input, and the index of the
    /// one whose failure ended the call.
    fn outcomes<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyList>, Option<usize>)> {
        let (outcomes, fatal) = self.native.enter(py, |driven, _| {
            (driven.call.take_outcomes(), driven.call.fatal_index())
        })?;
        let driving = self.driving()?;
        let outcomes = outcomes.into_iter().enumerate();
        let outcomes: Vec<_> = outcomes
            .map(|(index, outcome)| results::Outcome::new(py, outcome, driving.content(index)))
            .collect();
        Ok((PyList::new(py, outcomes)?, fatal))
    }
}

impl Call {
    /// Passes on what has been handed over, and waits for a need.
    fn look(&self, py: Python<'_>, driving: &mut Driving, end: Instant) -> PyResult<Seen> {
        let jobs = mem::take(&mut driving.jobs);
        driving.memory = 0;
        driving.began = None;
        let ended = driving.ended;
        // Whoever has a pipe to read does not wait for anything else.
        let time = if driving.wanted_pipes().next().is_none() && driving.block.is_none() {
            end.saturating_duration_since(Instant::now())
        } else {
            Duration::ZERO
        };
        self.native.enter(py, |driven, signals| {
            let call = &driven.call;
            if !jobs.is_empty() {
                call.push(jobs);
            }
            if ended {
                call.end_of_input();
            }
            let mut turn = driven.turn.lock();
            if turn.is_some_and(|thread| !driven.client.has_token_turn(thread)) {
                *turn = None;
            }
            let has_turn = turn.is_some();
            drop(turn);
            let need = call.wait(signals, if has_turn { Duration::ZERO } else { time });
            Seen {
                block: (need == Need::Block).then(|| call.next_block()).flatten(),
                room: call.room(),
                failed: call.fatal_index().is_some(),
                need,
                has_turn,
            }
        })
    }

    fn read_pipes(&self, py: Python<'_>, driving: &mut Driving, end: Instant) -> PyResult<()> {
        let mut ended = Vec::new();
        for (item, pipe) in driving.wanted_pipes() {
            let block = enter(py, |_| pipe.read(end))?;
            let last = match block {
                Ok(None) => continue,
                Ok(Some((block, last))) => {
                    self.native
                        .enter(py, |driven, _| driven.call.put_block(item, block, last))?;
                    last
                }
                Err(error) => {
                    let failure = Box::new(pipe.failure(py, &error));
                    self.native
                        .enter(py, |driven, _| driven.call.block_failed(item, failure))?;
                    true
                }
            };
            ended.extend(last.then_some(item));
        }
        driving.streams.retain(|item, _| !ended.contains(item));
        Ok(())
    }

    /// Takes note that the block with this number is no longer wanted.
    fn block_read(&self, number: usize, last: bool) -> PyResult<()> {
        let mut driving = self.driving()?;
        if driving
            .block
            .take_if(|block| block.item == number)
            .is_none()
        {
            return Err(PyValueError::new_err(format!(
                "block {number} is not the one that is to be read"
            )));
        }
        if last {
            driving.streams.remove(&number);
        }
        Ok(())
    }
}
