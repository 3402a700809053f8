//! Connections that wait for their next request, and the thread that closes those that wait in vain.

use std::{collections::VecDeque, mem, sync::Arc, thread, time::Duration};

use super::connection::Connection;
use crate::sync::{Condvar, Mutex};

/// Time between two looks. A socket that the service has closed stays half-closed for that long.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The last connection used is the first to be used again: it is the least likely to have been closed.
#[derive(Debug)]
pub(super) struct IdleConnections {
    shared: Arc<Shared>,
    sweep_every: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Tells the thread that there is nothing left to look after.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    connections: VecDeque<Connection>,
    /// Whether a thread looks after them. It begins with the first connection and ends with the last,
    /// so that a client that is not used has none.
    swept: bool,
    /// Nothing is kept any more.
    closed: bool,
}

impl IdleConnections {
    pub(super) fn new() -> Self {
        Self {
            shared: Arc::default(),
            sweep_every: SWEEP_EVERY,
        }
    }

    pub(super) fn pop(&self) -> Option<Connection> {
        self.shared.state.lock().connections.pop_back()
    }

    /// Keeps a connection; after `close` it ends here.
    pub(super) fn push(&self, connection: Connection) {
        let mut state = self.shared.state.lock();
        if state.closed {
            drop(state);
            drop(connection);
            return;
        }
        state.connections.push_back(connection);
        if !state.swept {
            let (shared, pause) = (Arc::clone(&self.shared), self.sweep_every);
            // Where there is no thread to be had, connections are looked at when they are used again.
            state.swept = thread::Builder::new()
                .name("fastblob-idle".to_owned())
                .spawn(move || shared.sweep(pause))
                .is_ok();
        }
    }

    /// Closes all: whether there were any.
    pub(super) fn clear(&self) -> bool {
        self.shared.take_all(false)
    }

    /// Closes all, and whatever is pushed later.
    pub(super) fn close(&self) {
        self.shared.take_all(true);
    }
}

impl Drop for IdleConnections {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn take_all(&self, close: bool) -> bool {
        let mut state = self.state.lock();
        state.closed |= close;
        let connections = mem::take(&mut state.connections);
        drop(state);
        self.emptied.notify_all();
        !connections.is_empty()
    }

    /// Closes what the service has closed, or what is too old, until nothing is left.
    fn sweep(&self, pause: Duration) {
        let mut state = self.state.lock();
        while !state.connections.is_empty() {
            let timed_out;
            (state, timed_out) = self.emptied.wait_for(state, pause);
            if !timed_out {
                continue;
            }
            let mut closed = Vec::new();
            for mut connection in mem::take(&mut state.connections) {
                if connection.is_usable() {
                    state.connections.push_back(connection);
                } else {
                    closed.push(connection);
                }
            }
            if state.connections.is_empty() {
                state.swept = false;
                drop(state);
                return;
            }
            if !closed.is_empty() {
                drop(state);
                drop(closed);
                state = self.state.lock();
            }
        }
        state.swept = false;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::http::{
        message::Body,
        scripted::{GUARD, Scripted},
        tests::{EMPTY, exchange},
    };

    fn swept_often() -> IdleConnections {
        IdleConnections {
            sweep_every: Duration::from_millis(5),
            shared: Arc::default(),
        }
    }

    #[test]
    fn what_the_service_closes_is_closed_here_too() {
        for tls in [false, true] {
            let server = Scripted::new(tls, |stream, signals| {
                stream.read_head();
                stream.say(EMPTY);
                signals.wait();
                stream.close();
                stream.wait_for_close();
                signals.go_on();
            });
            let idle = swept_often();
            let mut connection = server.open(GUARD).unwrap();
            exchange(&mut connection, Body::Empty).unwrap();
            idle.push(connection);
            server.signals().go_on();
            server.signals().wait();
            assert!(idle.pop().is_none());
            assert!(
                !idle.shared.state.lock().swept,
                "the thread has nothing to do"
            );
        }
    }

    #[test]
    fn what_is_usable_stays() {
        let server = Scripted::new(false, |_, signals| signals.wait());
        let closed = Scripted::new(false, |stream, signals| {
            stream.close();
            stream.wait_for_close();
            signals.go_on();
        });
        let idle = swept_often();
        idle.push(closed.open(GUARD).unwrap());
        idle.push(server.open(GUARD).unwrap());
        closed.signals().wait();
        assert!(idle.shared.state.lock().swept);
        assert!(idle.pop().is_some_and(|mut kept| kept.is_usable()));
    }

    fn waits_for_close() -> Scripted {
        Scripted::new(false, |stream, _| stream.wait_for_close())
    }

    #[test]
    fn connections_and_the_thread_end_with_the_client() {
        let server = waits_for_close();
        let idle = IdleConnections {
            sweep_every: GUARD * 10,
            shared: Arc::default(),
        };
        idle.push(server.open(GUARD).unwrap());
        let shared = Arc::downgrade(&idle.shared);
        drop(idle);
        let start = Instant::now();
        while shared.strong_count() > 0 {
            assert!(start.elapsed() < GUARD, "the thread goes on");
            thread::yield_now();
        }
    }

    #[test]
    fn what_comes_back_after_the_end_is_closed() {
        let (before, after) = (waits_for_close(), waits_for_close());
        let idle = IdleConnections::new();
        idle.push(before.open(GUARD).unwrap());
        let in_use = after.open(GUARD).unwrap();
        idle.close();
        idle.close();
        idle.push(in_use);
        assert!(idle.pop().is_none());
    }

    #[test]
    fn room_is_made_at_once() {
        let server = waits_for_close();
        let idle = IdleConnections::new();
        idle.push(server.open(GUARD).unwrap());
        assert!(idle.clear());
        assert!(!idle.clear() && idle.pop().is_none());
    }
}
