//! Connections that wait for their next request, and the thread that closes those that wait in vain.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, Weak},
    thread,
    time::Duration,
};

use super::connection::Connection;
use crate::sync::lock;

/// Time between two looks. A socket that the service has closed stays half-closed for that long.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The last connection used is the first to be used again: it is the least likely to have been closed.
#[derive(Debug)]
pub(super) struct IdleConnections {
    state: Arc<Mutex<State>>,
    sweep_every: Duration,
}

#[derive(Debug, Default)]
struct State {
    connections: VecDeque<Connection>,
    /// Whether a thread looks after them. It begins with the first connection and ends with the last,
    /// so that a client that is not used has none.
    swept: bool,
}

impl IdleConnections {
    pub(super) fn new() -> Self {
        Self {
            state: Arc::default(),
            sweep_every: SWEEP_EVERY,
        }
    }

    pub(super) fn pop(&self) -> Option<Connection> {
        lock(&self.state).connections.pop_back()
    }

    pub(super) fn push(&self, connection: Connection) {
        let mut state = lock(&self.state);
        state.connections.push_back(connection);
        if !state.swept {
            let (idle, pause) = (Arc::downgrade(&self.state), self.sweep_every);
            // Where there is no thread to be had, connections are looked at when they are used again.
            state.swept = thread::Builder::new()
                .name("fastblob-idle".to_owned())
                .spawn(move || sweep(&idle, pause))
                .is_ok();
        }
    }

    /// Closes all: whether there were any.
    pub(super) fn clear(&self) -> bool {
        let connections = std::mem::take(&mut lock(&self.state).connections);
        !connections.is_empty()
    }
}

/// Closes what the service has closed, or what is too old, until nothing is left or the client is gone.
fn sweep(idle: &Weak<Mutex<State>>, pause: Duration) {
    loop {
        thread::sleep(pause);
        let Some(state) = idle.upgrade() else {
            return;
        };
        let mut closed = Vec::new();
        let ends = {
            let mut state = lock(&state);
            for mut connection in std::mem::take(&mut state.connections) {
                if connection.is_usable() {
                    state.connections.push_back(connection);
                } else {
                    closed.push(connection);
                }
            }
            state.swept = !state.connections.is_empty();
            !state.swept
        };
        drop(closed);
        if ends {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{
        message::Body,
        scripted::{GUARD, Scripted},
        tests::{EMPTY, exchange},
    };

    fn swept_often() -> IdleConnections {
        IdleConnections {
            sweep_every: Duration::from_millis(5),
            ..IdleConnections::new()
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
            assert!(!lock(&idle.state).swept, "the thread has nothing to do");
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
        assert!(lock(&idle.state).swept);
        assert!(idle.pop().is_some_and(|mut kept| kept.is_usable()));
    }

    #[test]
    fn connections_end_with_the_client() {
        let server = Scripted::new(false, |stream, signals| {
            signals.wait();
            stream.wait_for_close();
        });
        let idle = IdleConnections {
            sweep_every: GUARD * 10,
            ..IdleConnections::new()
        };
        idle.push(server.open(GUARD).unwrap());
        drop(idle);
        server.signals().go_on();
    }

    #[test]
    fn room_is_made_at_once() {
        let server = Scripted::new(false, |stream, _| {
            stream.wait_for_close();
        });
        let idle = IdleConnections::new();
        idle.push(server.open(GUARD).unwrap());
        assert!(idle.clear());
        assert!(!idle.clear() && idle.pop().is_none());
    }
}
