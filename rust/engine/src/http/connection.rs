//! One connection: plain or TLS, blocking, with a short receive time-out so that it can look up from
//! waiting a few times a second.

use std::{
    fs::File,
    io::{self, IoSlice, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    os::unix::fs::FileExt,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{RecvFlags, recv},
};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::{
    message::{Body, Request, ResponseHead},
    proxy::Proxy,
};
use crate::{
    cancel::{Cancelled, Watch},
    endpoint::Endpoint,
    limits::{CONNECT_TIMEOUT, MAX_CONNECTION_AGE, MAX_HEAD_SIZE, MAX_IDLE, TICK},
};

/// Bytes that are read ahead: a head and, of a small blob, part of the body.
const READ_AHEAD: usize = 16 << 10;
/// Interim (1xx) answers before the final one.
const MAX_INTERIM: u32 = 16;
/// An idle connection younger than this is used without asking the socket whether it still stands.
const TRUSTED_IDLE: Duration = Duration::from_millis(500);

/// Why a connection cannot be used on.
#[derive(Debug)]
pub(crate) enum Broken {
    Cancelled,
    /// No byte moved for that long.
    Idle(Duration),
    /// The host's name is not known.
    Lookup(io::Error),
    /// The other side's certificate is not acceptable, or it does not speak TLS.
    Handshake(io::Error),
    Io(io::Error),
    /// A piece of the file to be sent could not be read.
    Source(io::Error),
    Protocol(&'static str),
}

impl Broken {
    pub(crate) fn ended_early() -> Self {
        Self::Io(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the connection was closed before the end of the answer",
        ))
    }
}

impl From<Cancelled> for Broken {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
        }
    }
}

/// A connection to the endpoint, straight or through a proxy.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    ahead: Box<[u8]>,
    start: usize,
    end: usize,
    created: Instant,
    used: Instant,
    /// When the caller was last asked whether to go on.
    checked: Instant,
    /// Requests sent so far.
    pub(crate) requests: u64,
    idle_timeout: Duration,
}

impl Connection {
    pub(crate) fn open(
        endpoint: &Endpoint,
        proxy: Option<&Proxy>,
        tls: Option<&Arc<ClientConfig>>,
        idle_timeout: Duration,
        watch: &Watch,
    ) -> Result<Self, Broken> {
        let (host, port) = match proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => (endpoint.host(), endpoint.port()),
        };
        let socket = connect(&host, port, watch)?;
        socket.set_nodelay(true).map_err(Broken::Io)?;
        socket.set_read_timeout(Some(TICK)).map_err(Broken::Io)?;
        socket.set_write_timeout(Some(TICK)).map_err(Broken::Io)?;
        let mut connection = Self {
            stream: Stream::Plain(socket),
            ahead: vec![0; READ_AHEAD].into_boxed_slice(),
            start: 0,
            end: 0,
            created: Instant::now(),
            used: Instant::now(),
            checked: Instant::now(),
            requests: 0,
            idle_timeout,
        };
        if let Some(config) = tls {
            if let Some(proxy) = proxy {
                connection.tunnel(&proxy.connect_head(endpoint), watch)?;
            }
            connection = connection.start_tls(endpoint, config, watch)?;
        }
        Ok(connection)
    }

    fn tunnel(&mut self, head: &str, watch: &Watch) -> Result<(), Broken> {
        self.write_all(head.as_bytes(), watch)?;
        // As to a HEAD request: what follows a successful answer is the tunnel, not a body.
        let answer = self.read_head(true, watch)?;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(Broken::Io(io::Error::other(format!(
                "the proxy refused the connection with status {}",
                answer.status
            ))))
        }
    }

    fn start_tls(
        self,
        endpoint: &Endpoint,
        config: &Arc<ClientConfig>,
        watch: &Watch,
    ) -> Result<Self, Broken> {
        let Stream::Plain(mut socket) = self.stream else {
            unreachable!("TLS is started once, on the plain connection");
        };
        let handshake = |error: io::Error| Broken::Handshake(error);
        let name = ServerName::try_from(endpoint.host())
            .map_err(|error| handshake(io::Error::other(error)))?;
        let mut session = ClientConnection::new(Arc::clone(config), name)
            .map_err(|error| handshake(io::Error::other(error)))?;
        let mut patience = Patience::new(self.idle_timeout);
        while session.is_handshaking() {
            match session.complete_io(&mut socket) {
                Ok(_) => patience.reset(),
                Err(error) if is_tick(&error) => patience.wait(watch)?,
                // rustls reports what it does not accept as InvalidData; all else is the network.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(handshake(error));
                }
                Err(error) => return Err(Broken::Io(error)),
            }
        }
        Ok(Self {
            stream: Stream::Tls(Box::new(StreamOwned::new(session, socket))),
            ..self
        })
    }

    /// Takes note that an answer was read to its end.
    pub(crate) fn rest(&mut self) {
        self.used = Instant::now();
    }

    /// Time since the last answer.
    pub(crate) fn idle(&self) -> Duration {
        self.used.elapsed()
    }

    /// Whether the connection may carry another request.
    pub(crate) fn is_usable(&self) -> bool {
        let idle = self.idle();
        if idle > MAX_IDLE || self.created.elapsed() > MAX_CONNECTION_AGE || self.start != self.end
        {
            return false;
        }
        if idle < TRUSTED_IDLE {
            return true;
        }
        let mut byte = [0u8];
        match recv(
            self.stream.socket(),
            &mut byte,
            RecvFlags::PEEK | RecvFlags::DONTWAIT,
        ) {
            Err(error) => error == rustix::io::Errno::WOULDBLOCK,
            Ok((0, _)) => false,
            // TLS 1.3 sends session tickets whenever it likes; plain HTTP has nothing to say unasked.
            Ok(_) => matches!(self.stream, Stream::Tls(_)),
        }
    }

    /// Sends a request and reads the head of the final answer.
    ///
    /// `buffer` is room for pieces of a file. Where the answer comes before the whole request was sent,
    /// it is returned all the same, with `keep_alive` unset.
    pub(crate) fn exchange(
        &mut self,
        head: &str,
        request: &Request,
        buffer: &mut [u8],
        watch: &Watch,
    ) -> Result<ResponseHead, Broken> {
        self.requests += 1;
        let sent = self.send(head.as_bytes(), request.body, buffer, watch);
        let early = match sent {
            Ok(()) => false,
            // The service may have answered, and closed, before it read everything.
            Err(Broken::Io(error)) if has_answer(&mut self.stream) => {
                match self.read_head(request.method == "HEAD", watch) {
                    Ok(mut answer) => {
                        answer.keep_alive = false;
                        return Ok(answer);
                    }
                    Err(Broken::Cancelled) => return Err(Broken::Cancelled),
                    Err(_) => return Err(Broken::Io(error)),
                }
            }
            Err(Broken::Protocol(ANSWERED_EARLY)) => true,
            Err(other) => return Err(other),
        };
        let mut answer = self.read_head(request.method == "HEAD", watch)?;
        answer.keep_alive &= !early;
        Ok(answer)
    }

    fn send(
        &mut self,
        head: &[u8],
        body: Body,
        buffer: &mut [u8],
        watch: &Watch,
    ) -> Result<(), Broken> {
        match body {
            Body::Empty => self.write_all(head, watch)?,
            Body::Bytes(bytes) => self.write_both(head, bytes, watch)?,
            Body::File {
                file,
                offset,
                length,
            } => self.send_file(head, file, offset, length, buffer, watch)?,
        }
        self.flush(watch)
    }

    fn send_file(
        &mut self,
        head: &[u8],
        file: &File,
        mut offset: u64,
        length: u64,
        buffer: &mut [u8],
        watch: &Watch,
    ) -> Result<(), Broken> {
        let end = offset + length;
        let mut head = Some(head);
        while offset < end || head.is_some() {
            let most = buffer
                .len()
                .min(usize::try_from(end - offset).unwrap_or(usize::MAX));
            file.read_exact_at(&mut buffer[..most], offset)
                .map_err(Broken::Source)?;
            offset += most as u64;
            match head.take() {
                Some(head) => self.write_both(head, &buffer[..most], watch)?,
                None => self.write_all(&buffer[..most], watch)?,
            }
        }
        Ok(())
    }

    /// Writes two pieces as one, so that a small request is one segment.
    fn write_both(&mut self, first: &[u8], second: &[u8], watch: &Watch) -> Result<(), Broken> {
        match &mut self.stream {
            Stream::Tls(stream) => {
                // Goes into the session's buffer only; the next write takes it along.
                let mut written = 0;
                while written < first.len() {
                    match stream.conn.writer().write(&first[written..]) {
                        Ok(0) => break,
                        Ok(count) => written += count,
                        Err(error) => return Err(Broken::Io(error)),
                    }
                }
                self.write_all(&first[written..], watch)?;
                self.write_all(second, watch)
            }
            Stream::Plain(socket) => {
                let mut patience = Patience::new(self.idle_timeout);
                let count = loop {
                    let pieces = [IoSlice::new(first), IoSlice::new(second)];
                    match socket.write_vectored(&pieces) {
                        Ok(count) => break count,
                        Err(error) if is_tick(&error) => patience.wait(watch)?,
                        Err(error) => return Err(Broken::Io(error)),
                    }
                };
                match first.get(count..) {
                    Some(rest) => {
                        self.write_all(rest, watch)?;
                        self.write_all(second, watch)
                    }
                    None => self.write_all(&second[count - first.len()..], watch),
                }
            }
        }
    }

    fn write_all(&mut self, mut bytes: &[u8], watch: &Watch) -> Result<(), Broken> {
        let mut patience = Patience::new(self.idle_timeout);
        while !bytes.is_empty() {
            let result = match &mut self.stream {
                Stream::Plain(socket) => socket.write(bytes),
                Stream::Tls(stream) => stream.write(bytes),
            };
            match result {
                Ok(count @ 1..) => {
                    bytes = &bytes[count..];
                    patience.reset();
                    check_now_and_then(&mut self.checked, watch)?;
                }
                // TLS takes nothing while its buffer is full.
                Ok(0) if matches!(self.stream, Stream::Tls(_)) => patience.wait(watch)?,
                Ok(_) => return Err(Broken::Io(io::ErrorKind::WriteZero.into())),
                Err(error) if is_tick(&error) => {
                    patience.wait(watch)?;
                    if has_answer(&mut self.stream) {
                        return Err(Broken::Protocol(ANSWERED_EARLY));
                    }
                }
                Err(error) => return Err(Broken::Io(error)),
            }
        }
        Ok(())
    }

    fn flush(&mut self, watch: &Watch) -> Result<(), Broken> {
        let Stream::Tls(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut patience = Patience::new(self.idle_timeout);
        loop {
            match stream.flush() {
                Ok(()) => return Ok(()),
                Err(error) if is_tick(&error) => patience.wait(watch)?,
                Err(error) => return Err(Broken::Io(error)),
            }
        }
    }

    fn read_head(&mut self, to_head_request: bool, watch: &Watch) -> Result<ResponseHead, Broken> {
        let mut interim = 0;
        loop {
            if self.end > self.start {
                let parsed =
                    ResponseHead::parse(&self.ahead[self.start..self.end], to_head_request)
                        .map_err(Broken::Protocol)?;
                if let Some((head, length)) = parsed {
                    self.start += length;
                    if (100..200).contains(&head.status) {
                        interim += 1;
                        if interim > MAX_INTERIM {
                            return Err(Broken::Protocol("too many interim answers"));
                        }
                        continue;
                    }
                    return Ok(head);
                }
            }
            self.read_more(watch)?;
        }
    }

    /// Reads more of a head behind what is there.
    fn read_more(&mut self, watch: &Watch) -> Result<(), Broken> {
        if self.start > 0 {
            self.ahead.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.ahead.len() {
            let mut larger = vec![0; MAX_HEAD_SIZE];
            larger[..self.end].copy_from_slice(&self.ahead[..self.end]);
            self.ahead = larger.into_boxed_slice();
        }
        let count = receive(
            &mut self.stream,
            &mut self.ahead[self.end..],
            self.idle_timeout,
            &mut self.checked,
            watch,
        )?;
        if count == 0 {
            return Err(Broken::ended_early());
        }
        self.end += count;
        Ok(())
    }

    /// Reads some bytes of a body: what was read ahead, then the socket. 0 at the end of the connection.
    pub(crate) fn read(&mut self, buffer: &mut [u8], watch: &Watch) -> Result<usize, Broken> {
        if self.start == self.end {
            // Lines of chunked bodies are read byte by byte, but not from the socket.
            if buffer.len() >= 512 {
                return receive(
                    &mut self.stream,
                    buffer,
                    self.idle_timeout,
                    &mut self.checked,
                    watch,
                );
            }
            self.start = 0;
            self.end = receive(
                &mut self.stream,
                &mut self.ahead,
                self.idle_timeout,
                &mut self.checked,
                watch,
            )?;
        }
        let count = buffer.len().min(self.end - self.start);
        buffer[..count].copy_from_slice(&self.ahead[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

const ANSWERED_EARLY: &str = "the service answered before it had read the request";

/// How long nothing has moved.
struct Patience {
    since: Option<Instant>,
    most: Duration,
}

impl Patience {
    fn new(most: Duration) -> Self {
        Self { since: None, most }
    }

    fn reset(&mut self) {
        self.since = None;
    }

    /// One more tick without a byte.
    fn wait(&mut self, watch: &Watch) -> Result<(), Broken> {
        watch.check()?;
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.most {
            return Err(Broken::Idle(self.most));
        }
        Ok(())
    }
}

/// A socket's time-out ran out, or a signal arrived.
fn is_tick(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

fn receive(
    stream: &mut Stream,
    buffer: &mut [u8],
    idle_timeout: Duration,
    checked: &mut Instant,
    watch: &Watch,
) -> Result<usize, Broken> {
    let mut patience = Patience::new(idle_timeout);
    loop {
        let result = match stream {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        };
        match result {
            Ok(count) => {
                check_now_and_then(checked, watch)?;
                return Ok(count);
            }
            Err(error) if is_tick(&error) => patience.wait(watch)?,
            Err(error) => return Err(Broken::Io(error)),
        }
    }
}

/// Asks once a tick whether to go on, also while bytes flow.
fn check_now_and_then(checked: &mut Instant, watch: &Watch) -> Result<(), Broken> {
    if checked.elapsed() >= TICK {
        *checked = Instant::now();
        watch.check()?;
    }
    Ok(())
}

/// Whether part of an answer has arrived that nobody has read.
fn has_answer(stream: &mut Stream) -> bool {
    match stream {
        Stream::Plain(socket) => {
            let mut byte = [0u8];
            matches!(
                recv(&*socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT),
                Ok((1.., _))
            )
        }
        // What the socket holds may be a session ticket; rustls has read it while it could not write.
        Stream::Tls(stream) => stream
            .conn
            .process_new_packets()
            .is_ok_and(|state| state.plaintext_bytes_to_read() > 0),
    }
}

fn connect(host: &str, port: u16, watch: &Watch) -> Result<TcpStream, Broken> {
    let addresses = (host, port).to_socket_addrs().map_err(Broken::Lookup)?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match connect_to(address, watch) {
            Ok(socket) => return Ok(socket),
            Err(Broken::Io(error)) => last = error,
            Err(other) => return Err(other),
        }
    }
    Err(Broken::Io(last))
}

/// Connects without blocking for longer than a tick at a time, as `TcpStream::connect_timeout` would.
fn connect_to(address: SocketAddr, watch: &Watch) -> Result<TcpStream, Broken> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )
    .map_err(Broken::Io)?;
    socket.set_nonblocking(true).map_err(Broken::Io)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            let start = Instant::now();
            let tick = Timespec {
                tv_sec: 0,
                tv_nsec: i64::from(TICK.subsec_nanos()),
            };
            loop {
                let mut ready = [PollFd::new(&socket, PollFlags::OUT)];
                match poll(&mut ready, Some(&tick)) {
                    Ok(1..) => break,
                    Ok(_) | Err(rustix::io::Errno::INTR) => watch.check()?,
                    Err(error) => return Err(Broken::Io(error.into())),
                }
                if start.elapsed() > CONNECT_TIMEOUT {
                    return Err(Broken::Io(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
                    )));
                }
            }
            if let Some(error) = socket.take_error().map_err(Broken::Io)? {
                return Err(Broken::Io(error));
            }
        }
        Err(error) => return Err(Broken::Io(error)),
    }
    socket.set_nonblocking(false).map_err(Broken::Io)?;
    Ok(socket.into())
}
