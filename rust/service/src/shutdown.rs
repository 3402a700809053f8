//! The end of the service, and sleeps that it cuts short.

use std::io;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Set once, when the service stops.
#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    begun: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    pub(crate) fn begin(&self) {
        *self.begun.lock() = true;
        self.changed.notify_all();
    }

    pub(crate) fn has_begun(&self) -> bool {
        *self.begun.lock()
    }

    /// Sleeps for `duration`; an error if the service stops before it is over.
    pub(crate) fn sleep(&self, duration: Duration) -> io::Result<()> {
        if duration.is_zero() {
            return Ok(());
        }
        let until = Instant::now().checked_add(duration);
        let mut begun = self.begun.lock();
        while !*begun {
            match until {
                // Longer than the clock can tell.
                None => self.changed.wait(&mut begun),
                Some(until) if self.changed.wait_until(&mut begun, until).timed_out() => {
                    return Ok(());
                }
                Some(_) => {}
            }
        }
        Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the service stops",
        ))
    }
}
