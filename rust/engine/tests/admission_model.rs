//! Every order of events that the threads around an admission can have, by model checking.

#![allow(
    dead_code,
    clippy::unused_self,
    clippy::unwrap_used,
    reason = "what surrounds the module has its shape and no more; a model that cannot go on fails"
)]

mod limits {
    pub(crate) const TICK: std::time::Duration = std::time::Duration::from_millis(100);
}

mod concurrency {
    use std::time::Instant;

    #[derive(Debug)]
    pub(crate) struct Concurrency(pub(crate) usize);

    impl Concurrency {
        pub(crate) fn limit(&self) -> usize {
            self.0
        }

        pub(crate) fn moved(&mut self, _: usize, _: u64, _: bool, _: Instant) {}

        pub(crate) fn throttled(&mut self, _: Instant) -> bool {
            self.0 = (self.0 / 2).max(1);
            true
        }
    }
}

mod cancel {
    #[derive(Debug)]
    pub(crate) struct Cancelled;

    /// What a look comes to.
    pub(crate) enum Cancellation<'a> {
        Nothing,
        /// The caller gives up.
        GivesUp,
        /// Somebody else ended the call, and there is no caller to be asked.
        Ended,
        /// A signal has come.
        Handles(&'a dyn Fn()),
    }

    impl Cancellation<'_> {
        pub(crate) fn asks_the_caller(&self) -> bool {
            matches!(self, Self::GivesUp | Self::Handles(_))
        }

        pub(crate) fn check(&self) -> Result<(), Cancelled> {
            match self {
                Self::Nothing => Ok(()),
                Self::GivesUp | Self::Ended => Err(Cancelled),
                Self::Handles(handler) => {
                    handler();
                    Ok(())
                }
            }
        }
    }
}

mod sync {
    use std::time::{Duration, Instant};

    pub(crate) use loom::sync::atomic;

    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    pub(crate) struct Parked(loom::thread::Thread);

    impl Parked {
        pub(crate) fn current() -> Self {
            Self(loom::thread::current())
        }

        pub(crate) fn wake(&self) {
            self.0.unpark();
        }

        /// Without a time: whoever waits must be woken.
        pub(crate) fn wait(_: Duration) {
            loom::thread::park();
        }
    }

    pub(crate) fn has_passed(_: Instant, _: Duration) -> bool {
        true
    }
}

#[path = "../src/admission.rs"]
mod admission;

use std::sync::Arc;

use admission::Admission;
use cancel::Cancellation;
use concurrency::Concurrency;
use loom::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

const NEVER: Cancellation<'static> = Cancellation::Nothing;

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

fn admission(connections: usize, memory: u64) -> Arc<Admission> {
    Admission::new(Concurrency(connections), memory)
}

/// As many requests as threads, each noting how many are in flight.
fn requests(admission: &Arc<Admission>, in_flight: &Arc<AtomicUsize>, most: usize, bytes: u64) {
    let permit = admission.acquire(bytes, &NEVER).unwrap();
    let now = in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    assert!(now <= most, "{now} requests at a time");
    in_flight.fetch_sub(1, Ordering::SeqCst);
    permit.finish();
}

#[test]
fn a_limit_binds_and_nobody_waits_for_ever() {
    model(|| {
        let admission = admission(1, 100);
        let in_flight = Arc::new(AtomicUsize::new(0));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (admission, in_flight) = (Arc::clone(&admission), Arc::clone(&in_flight));
                thread::spawn(move || requests(&admission, &in_flight, 1, 0))
            })
            .collect();
        requests(&admission, &in_flight, 1, 0);
        for other in others {
            other.join().unwrap();
        }
    });
}

#[test]
fn memory_binds_requests() {
    model(|| {
        let admission = admission(3, 10);
        let in_flight = Arc::new(AtomicUsize::new(0));
        let other = {
            let (admission, in_flight) = (Arc::clone(&admission), Arc::clone(&in_flight));
            thread::spawn(move || requests(&admission, &in_flight, 1, 7))
        };
        requests(&admission, &in_flight, 1, 7);
        other.join().unwrap();
    });
}

#[test]
fn whoever_gives_up_takes_nothing_along() {
    gives_up(|| Cancellation::GivesUp);
}

#[test]
fn a_call_that_is_ended_takes_nothing_along() {
    gives_up(|| Cancellation::Ended);
}

fn gives_up(how: fn() -> Cancellation<'static>) {
    model(move || {
        let admission = admission(1, 100);
        let other = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || drop(admission.acquire(50, &how())))
        };
        drop(admission.acquire(50, &NEVER).unwrap());
        other.join().unwrap();
        // All is there again.
        drop(admission.acquire(100, &NEVER).unwrap());
        let block = admission.request_block(100, Arc::new(|| ())).take();
        assert!(block.is_some());
    });
}

#[test]
fn a_signal_handler_may_send_a_request() {
    model(|| {
        let admission = admission(1, 10);
        let other = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || drop(admission.acquire(10, &NEVER).unwrap()))
        };
        let permit = admission.acquire(10, &NEVER).unwrap();
        permit.suspended(|| drop(admission.acquire(10, &NEVER).unwrap()));
        drop(permit);
        other.join().unwrap();
    });
}

#[test]
fn the_signal_handler_of_one_who_waits_may_send_a_request() {
    model(|| {
        let admission = admission(1, 10);
        let other = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || drop(admission.acquire(10, &NEVER).unwrap()))
        };
        let handler = || drop(admission.acquire(10, &NEVER).unwrap());
        let signal = Cancellation::Handles(&handler);
        drop(admission.acquire(10, &signal).unwrap());
        other.join().unwrap();
    });
}

#[test]
fn a_ticket_that_is_dropped_takes_nothing_along() {
    model(|| {
        let admission = admission(1, 10);
        let block = admission.request_block(10, Arc::new(|| ())).take();
        let ticket = admission.request_block(10, Arc::new(|| ()));
        let other = thread::spawn(move || drop(block));
        drop(ticket);
        other.join().unwrap();
        assert!(
            admission
                .request_block(10, Arc::new(|| ()))
                .take()
                .is_some()
        );
    });
}

#[test]
fn a_request_goes_while_blocks_have_all_the_memory() {
    model(|| {
        let admission = admission(1, 10);
        let first = admission.request_block(10, Arc::new(|| ())).take().unwrap();
        let woken = Arc::new(AtomicBool::new(false));
        let wake = {
            let woken = Arc::clone(&woken);
            Arc::new(move || woken.store(true, Ordering::SeqCst))
        };
        let mut second = admission.request_block(10, wake);
        let other = {
            let admission = Arc::clone(&admission);
            // What user code that fills the first block does.
            thread::spawn(move || drop(admission.acquire(5, &NEVER).unwrap()))
        };
        drop(admission.acquire(5, &NEVER).unwrap());
        other.join().unwrap();
        assert!(second.take().is_none());
        drop(first);
        assert!(woken.load(Ordering::SeqCst));
        assert!(second.take().is_some());
    });
}

#[test]
fn a_large_block_is_not_overtaken() {
    model(|| {
        let admission = admission(2, 10);
        let permit = admission.acquire(5, &NEVER).unwrap();
        let mut block = admission.request_block(10, Arc::new(|| ()));
        let other = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || {
                drop(admission.acquire(5, &NEVER).unwrap());
            })
        };
        drop(permit);
        // The first free moment is the block's, whoever else has come meanwhile.
        assert!(block.take().is_some());
        other.join().unwrap();
    });
}

#[test]
fn throttling_binds_those_who_come_later() {
    model(|| {
        let admission = admission(2, 10);
        admission.throttled();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let other = {
            let (admission, in_flight) = (Arc::clone(&admission), Arc::clone(&in_flight));
            thread::spawn(move || requests(&admission, &in_flight, 1, 0))
        };
        requests(&admission, &in_flight, 1, 0);
        other.join().unwrap();
    });
}
