//! The other end of a connection, plain or TLS, that does what a test tells it.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{
    connection::Connection, proxy::Proxy, resolve::Resolver, socket::is_tick,
    transport_error::TransportError,
};
use crate::{
    cancel::{CancelFlag, Cancellation, SignalPoll},
    endpoint::Endpoint,
};

/// A test that hangs fails after this time instead.
pub(super) const GUARD: Duration = Duration::from_secs(30);

/// What a script reads from and writes to.
pub(super) trait Stream: Read + Write {
    /// Says that nothing more comes, and keeps the connection open.
    fn close(&mut self);

    fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// Until the other side has closed; fails where it does not.
    fn wait_for_close(&mut self) {
        match self.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => panic!("it speaks"),
            Err(error) => assert!(!is_tick(&error), "it stays open"),
        }
    }

    fn say(&mut self, text: &str) {
        self.write_all(text.as_bytes()).unwrap();
        self.flush().unwrap();
    }
}

impl Stream for TcpStream {
    fn close(&mut self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn close(&mut self) {
        self.conn.send_close_notify();
        self.flush().unwrap();
    }
}

/// What a script and its test tell each other.
pub(super) struct Signals {
    tell: mpsc::Sender<()>,
    told: mpsc::Receiver<()>,
}

impl Signals {
    fn pair() -> (Self, Self) {
        let (tell, other_told) = mpsc::channel();
        let (other_tell, told) = mpsc::channel();
        let other = Self {
            tell: other_tell,
            told: other_told,
        };
        (Self { tell, told }, other)
    }

    /// Until the other side says so or has ended.
    pub(super) fn wait(&self) {
        let _ = self.told.recv_timeout(GUARD);
    }

    pub(super) fn go_on(&self) {
        let _ = self.tell.send(());
    }

    /// Writes `text` again and again, byte by byte, until the other side has ended.
    pub(super) fn trickle(&self, stream: &mut dyn Stream, text: &str) {
        for byte in text.bytes().cycle() {
            let waited = self.told.recv_timeout(Duration::from_millis(10));
            let written = stream.write_all(&[byte]).and_then(|()| stream.flush());
            if waited != Err(mpsc::RecvTimeoutError::Timeout) || written.is_err() {
                return;
            }
        }
    }
}

/// A server for one connection.
pub(super) struct Scripted {
    pub(super) endpoint: Endpoint,
    pub(super) signals: Option<Signals>,
    client: Option<Arc<ClientConfig>>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    pub(super) fn new(
        tls: bool,
        script: impl FnOnce(&mut dyn Stream, &Signals) + Send + 'static,
    ) -> Self {
        let (server, client) = if tls { certified() } else { (None, None) };
        Self::run(client, move |socket, signals| match server {
            None => script(&mut { socket }, signals),
            Some(config) => {
                let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock).unwrap();
                }
                script(&mut stream, signals);
            }
        })
    }

    /// As `new`, for a client that speaks TLS with whatever the script makes of it.
    pub(super) fn raw(
        tls: bool,
        script: impl FnOnce(TcpStream, &Signals) + Send + 'static,
    ) -> Self {
        Self::run(if tls { certified().1 } else { None }, script)
    }

    fn run(
        client: Option<Arc<ClientConfig>>,
        script: impl FnOnce(TcpStream, &Signals) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if client.is_some() { "https" } else { "http" };
        let (signals, of_script) = Signals::pair();
        let thread = thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(GUARD)).unwrap();
            // What is said is sent at once, also where a reset follows.
            socket.set_nodelay(true).unwrap();
            script(socket, &of_script);
        });
        Self {
            endpoint: Endpoint::parse(&format!("{scheme}://127.0.0.1:{port}/account")).unwrap(),
            signals: Some(signals),
            client,
            thread: Some(thread),
        }
    }

    pub(super) fn signals(&self) -> &Signals {
        self.signals.as_ref().unwrap()
    }

    pub(super) fn open(&self, timeout: Duration) -> Result<Connection, TransportError> {
        self.open_to(&self.endpoint, None, timeout)
    }

    /// A connection for which the script is the proxy.
    pub(super) fn open_through(&self, endpoint: &str) -> Result<Connection, TransportError> {
        let proxy = Proxy::parse(&self.endpoint.authority()).unwrap();
        self.open_to(&Endpoint::parse(endpoint).unwrap(), Some(&proxy), GUARD)
    }

    fn open_to(
        &self,
        endpoint: &Endpoint,
        proxy: Option<&Proxy>,
        timeout: Duration,
    ) -> Result<Connection, TransportError> {
        let tls = match proxy {
            Some(_) => certified().1,
            None => self.client.clone(),
        };
        let resolver = Resolver::new("127.0.0.1".to_owned(), self.endpoint.port());
        patient(|cancellation| {
            Connection::open(
                endpoint,
                proxy,
                &resolver,
                tls.as_ref(),
                timeout,
                cancellation,
            )
        })
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // A script that waits for the test goes on.
        self.signals = None;
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the script failed");
        }
    }
}

/// Calls with a cancellation that never comes.
pub(super) fn patient<T>(call: impl FnOnce(&Cancellation) -> T) -> T {
    call(&Cancellation::new(
        &CancelFlag::default(),
        SignalPoll::never(),
    ))
}

/// The two ends' configurations, with a certificate that only they know.
fn certified() -> (Option<Arc<ServerConfig>>, Option<Arc<ClientConfig>>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Some(Arc::new(server)), Some(Arc::new(client)))
}
