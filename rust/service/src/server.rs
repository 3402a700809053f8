//! Listeners on the loopback interface, a thread for each connection, and their end.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown as Direction, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rustls::ServerConfig;

use crate::context::Context;
use crate::http::{self, Handler, Transport};

/// How long a connection may idle, within a request or between two.
const IDLE: Duration = Duration::from_secs(60);

/// The sockets of all connections, so that the end of the service can end them too.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    /// Connections so far.
    count: u64,
    sockets: HashMap<u64, Arc<TcpStream>>,
    /// No more are taken.
    closing: bool,
}

impl Connections {
    /// Numbers a connection. None if the service stops.
    fn add(&self, socket: &Arc<TcpStream>) -> Option<u64> {
        let mut open = self.open.lock();
        if open.closing {
            return None;
        }
        open.count += 1;
        let number = open.count;
        open.sockets.insert(number, socket.clone());
        Some(number)
    }

    fn remove(&self, number: u64) {
        self.open.lock().sockets.remove(&number);
        self.closed.notify_all();
    }

    /// Ends all connections and waits for their threads to be done with them.
    pub(crate) fn close(&self) {
        let mut open = self.open.lock();
        open.closing = true;
        while !open.sockets.is_empty() {
            for socket in open.sockets.values() {
                let _ = socket.shutdown(Direction::Both);
            }
            self.closed.wait(&mut open);
        }
    }
}

/// Takes a connection off the list, also when its thread panics.
struct Registration<'c> {
    connections: &'c Connections,
    number: u64,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.connections.remove(self.number);
    }
}

/// One listener and its accepting thread.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `port`, or a free one for 0, and serves by `handler`.
    pub(crate) fn start<H: Handler + Send + Sync + 'static>(
        port: u16,
        tls: Option<Arc<ServerConfig>>,
        handler: H,
        context: &Arc<Context>,
        connections: &Arc<Connections>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let (context, connections) = (context.clone(), connections.clone());
        let handler = Arc::new(handler);
        let accept = move || {
            for socket in listener.incoming() {
                if context.shutdown.has_begun() {
                    return;
                }
                let Ok(socket) = socket.and_then(prepare) else {
                    // Out of file descriptors, most likely: some may be free in a moment.
                    let _ = context.shutdown.sleep(Duration::from_millis(10));
                    continue;
                };
                let Some(number) = connections.add(&socket) else {
                    return;
                };
                let (tls, handler) = (tls.clone(), handler.clone());
                let (context, registry) = (context.clone(), connections.clone());
                let serve = move || {
                    let _registration = Registration {
                        connections: &registry,
                        number,
                    };
                    // Dropped before the registration: what waits for that finds the service let go.
                    let (context, handler) = (context, handler);
                    let bandwidth = context.options.bandwidth;
                    if let Ok(transport) = Transport::new(socket, tls, bandwidth, &context.shutdown)
                    {
                        http::serve(transport, number, &context, &*handler);
                    }
                };
                if thread::Builder::new()
                    .name("fastblob-service".into())
                    .spawn(serve)
                    .is_err()
                {
                    connections.remove(number);
                }
            }
        };
        let accepting = thread::Builder::new()
            .name("fastblob-accept".into())
            .spawn(accept)?;
        Ok(Self {
            address,
            accepting: Some(accepting),
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

/// Ends the accepting thread. The shutdown must have begun.
impl Drop for Server {
    fn drop(&mut self) {
        // A connection wakes the thread on every system; closing the listener from here would not.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(thread) = self.accepting.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

fn prepare(socket: TcpStream) -> io::Result<Arc<TcpStream>> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(IDLE))?;
    Ok(Arc::new(socket))
}
