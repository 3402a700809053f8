//! One connection: requests and the heads of their answers.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::ClientConfig;

use super::{
    message::{Body, Request, ResponseHead},
    proxy::Proxy,
    transport::{ANSWERED_EARLY, Transport},
    transport_error::TransportError,
};
use crate::{
    cancel::Cancellation,
    endpoint::Endpoint,
    limits::{MAX_CONNECTION_AGE, MAX_HEAD_SIZE, MAX_IDLE},
};

/// Bytes that are read ahead: a head and, of a small blob, part of the body.
const READ_AHEAD: usize = 16 << 10;
/// Interim (1xx) answers before the final one.
const MAX_INTERIM: u32 = 16;
/// An idle connection younger than this is used without asking the socket whether it still stands.
const TRUSTED_IDLE: Duration = Duration::from_millis(500);

/// A connection to the endpoint, straight or through a proxy.
#[derive(Debug)]
pub(crate) struct Connection {
    transport: Transport,
    ahead: Box<[u8]>,
    start: usize,
    end: usize,
    created: Instant,
    used: Instant,
    /// Requests sent so far.
    pub(crate) requests: u64,
}

impl Connection {
    pub(crate) fn open(
        endpoint: &Endpoint,
        proxy: Option<&Proxy>,
        tls: Option<&Arc<ClientConfig>>,
        idle_timeout: Duration,
        cancellation: &Cancellation,
    ) -> Result<Self, TransportError> {
        let (host, port) = match proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => (endpoint.host(), endpoint.port()),
        };
        let mut connection = Self {
            transport: Transport::connect(&host, port, idle_timeout, cancellation)?,
            ahead: vec![0; READ_AHEAD].into_boxed_slice(),
            start: 0,
            end: 0,
            created: Instant::now(),
            used: Instant::now(),
            requests: 0,
        };
        if let Some(config) = tls {
            if let Some(proxy) = proxy {
                connection.tunnel(&proxy.connect_head(endpoint), cancellation)?;
            }
            connection.transport =
                connection
                    .transport
                    .start_tls(endpoint.host(), config, cancellation)?;
        }
        Ok(connection)
    }

    fn tunnel(&mut self, head: &str, cancellation: &Cancellation) -> Result<(), TransportError> {
        self.transport.write_all(head.as_bytes(), cancellation)?;
        // As to a HEAD request: what follows a successful answer is the tunnel, not a body.
        let answer = self.read_head(true, cancellation)?;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(TransportError::Io(io::Error::other(format!(
                "the proxy refused the connection with status {}",
                answer.status
            ))))
        }
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
        idle < TRUSTED_IDLE || self.transport.is_quiet()
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
        cancellation: &Cancellation,
    ) -> Result<ResponseHead, TransportError> {
        self.requests += 1;
        let sent = self.send(head.as_bytes(), request.body, buffer, cancellation);
        let early = match sent {
            Ok(()) => false,
            // The service may have answered, and closed, before it read everything.
            Err(TransportError::Io(error)) if self.transport.has_answer() => {
                match self.read_head(request.method == "HEAD", cancellation) {
                    Ok(mut answer) => {
                        answer.keep_alive = false;
                        return Ok(answer);
                    }
                    Err(TransportError::Cancelled) => return Err(TransportError::Cancelled),
                    Err(_) => return Err(TransportError::Io(error)),
                }
            }
            Err(TransportError::Protocol(ANSWERED_EARLY)) => true,
            Err(other) => return Err(other),
        };
        let mut answer = self.read_head(request.method == "HEAD", cancellation)?;
        answer.keep_alive &= !early;
        Ok(answer)
    }

    fn send(
        &mut self,
        head: &[u8],
        body: Body,
        buffer: &mut [u8],
        cancellation: &Cancellation,
    ) -> Result<(), TransportError> {
        match body {
            Body::Empty => self.transport.write_all(head, cancellation)?,
            Body::Bytes(bytes) => self.transport.write_both(head, bytes, cancellation)?,
            Body::File {
                file,
                offset,
                length,
            } => self.send_file(head, file, offset, length, buffer, cancellation)?,
        }
        self.transport.flush(cancellation)
    }

    fn send_file(
        &mut self,
        head: &[u8],
        file: &File,
        mut offset: u64,
        length: u64,
        buffer: &mut [u8],
        cancellation: &Cancellation,
    ) -> Result<(), TransportError> {
        let end = offset + length;
        let mut head = Some(head);
        while offset < end || head.is_some() {
            let most = buffer
                .len()
                .min(usize::try_from(end - offset).unwrap_or(usize::MAX));
            file.read_exact_at(&mut buffer[..most], offset)
                .map_err(TransportError::Source)?;
            offset += most as u64;
            match head.take() {
                Some(head) => self
                    .transport
                    .write_both(head, &buffer[..most], cancellation)?,
                None => self.transport.write_all(&buffer[..most], cancellation)?,
            }
        }
        Ok(())
    }

    fn read_head(
        &mut self,
        to_head_request: bool,
        cancellation: &Cancellation,
    ) -> Result<ResponseHead, TransportError> {
        let mut interim = 0;
        loop {
            if self.end > self.start {
                let parsed =
                    ResponseHead::parse(&self.ahead[self.start..self.end], to_head_request)
                        .map_err(TransportError::Protocol)?;
                if let Some((head, length)) = parsed {
                    self.start += length;
                    if (100..200).contains(&head.status) {
                        interim += 1;
                        if interim > MAX_INTERIM {
                            return Err(TransportError::Protocol("too many interim answers"));
                        }
                        continue;
                    }
                    return Ok(head);
                }
            }
            self.read_more(cancellation)?;
        }
    }

    /// Reads more of a head behind what is there.
    fn read_more(&mut self, cancellation: &Cancellation) -> Result<(), TransportError> {
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
        let count = self
            .transport
            .read(&mut self.ahead[self.end..], cancellation)?;
        if count == 0 {
            return Err(TransportError::ended_early());
        }
        self.end += count;
        Ok(())
    }

    /// Reads some bytes of a body: what was read ahead, then the socket. 0 at the end of the connection.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        cancellation: &Cancellation,
    ) -> Result<usize, TransportError> {
        if self.start == self.end {
            // Lines of chunked bodies are read byte by byte, but not from the socket.
            if buffer.len() >= 512 {
                return self.transport.read(buffer, cancellation);
            }
            self.start = 0;
            self.end = self.transport.read(&mut self.ahead, cancellation)?;
        }
        let count = buffer.len().min(self.end - self.start);
        buffer[..count].copy_from_slice(&self.ahead[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}
