//! How running work learns that nobody waits for its result any more.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{admission::Permit, limits::TICK};

/// Asks the caller, on the caller's own thread, whether to give up: Python's pending signals, say.
#[derive(Clone, Copy)]
pub struct SignalPoll<'a>(Option<&'a dyn Fn() -> bool>);

impl<'a> SignalPoll<'a> {
    /// The operation goes on until its end.
    pub fn never() -> Self {
        Self(None)
    }

    /// Asks now.
    pub(crate) fn poll(&self) -> bool {
        self.0.is_some_and(|poll| poll())
    }

    /// `poll` is called about every 100 ms while the operation waits; true ends it with
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn new(poll: &'a dyn Fn() -> bool) -> Self {
        Self(Some(poll))
    }
}

impl fmt::Debug for SignalPoll<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignalPoll")
            .field(&self.0.is_some())
            .finish()
    }
}

/// The work was asked to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cancelled;

/// Says, wherever work waits, whether to wait on. Shared by all the work of a call.
#[derive(Debug, Default)]
pub(crate) struct CancelFlag(AtomicBool);

impl CancelFlag {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a piece of work asks while it waits: the call's flag and, on the calling thread, the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cancellation<'a> {
    cancel: &'a CancelFlag,
    signals: SignalPoll<'a>,
    permit: Option<&'a Permit<'a>>,
}

impl<'a> Cancellation<'a> {
    pub(crate) fn new(cancel: &'a CancelFlag, signals: SignalPoll<'a>) -> Self {
        Self {
            cancel,
            signals,
            permit: None,
        }
    }

    /// The same for a wait with a permit, which is not held while a signal handler runs.
    pub(crate) fn holding<'b>(self, permit: &'b Permit<'b>) -> Cancellation<'b>
    where
        'a: 'b,
    {
        Cancellation {
            permit: Some(permit),
            ..self
        }
    }

    /// Whether `check` may run code of the caller.
    pub(crate) fn asks_the_caller(&self) -> bool {
        self.signals.0.is_some()
    }

    /// Whether the call was cancelled; does not ask the caller.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_set()
    }

    /// Called once a tick, not more often: it may have to wait for Python's interpreter.
    pub(crate) fn check(&self) -> Result<(), Cancelled> {
        if let (Some(poll), false) = (self.signals.0, self.cancel.is_set()) {
            let raised = match self.permit {
                Some(permit) => permit.suspended(poll),
                None => poll(),
            };
            if raised {
                self.cancel.set();
            }
        }
        if self.cancel.is_set() {
            return Err(Cancelled);
        }
        Ok(())
    }

    pub(crate) fn sleep(&self, duration: Duration) -> Result<(), Cancelled> {
        let end = Instant::now() + duration;
        loop {
            self.check()?;
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Ok(());
            }
            thread::sleep(rest.min(TICK));
        }
    }
}
