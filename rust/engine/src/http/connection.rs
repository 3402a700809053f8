//! One connection: requests and the heads of their answers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::ClientConfig;

use super::{
    message::{Body, Request, ResponseHead},
    pace::Pace,
    proxy::Proxy,
    resolve::Resolver,
    send::Sent,
    transport::Transport,
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

/// A connection to the endpoint, straight or through a proxy.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) transport: Transport,
    pub(super) timeout: Duration,
    ahead: Box<[u8]>,
    start: usize,
    end: usize,
    created: Instant,
    used: Instant,
    /// Requests sent so far.
    pub(crate) requests: u64,
    /// Whether the last of them was sent to its last byte: one that was not cannot be carried out, as its
    /// Content-Length says more than arrives.
    pub(crate) sent_whole: bool,
}

impl Connection {
    /// `resolver` knows the host to connect to: the proxy or the endpoint.
    ///
    /// `timeout` is the longest time without progress: for a head or a handshake from its start to its
    /// end, for content from one kilobyte to the next.
    pub(super) fn open(
        endpoint: &Endpoint,
        proxy: Option<&Proxy>,
        resolver: &Resolver,
        tls: Option<&Arc<ClientConfig>>,
        timeout: Duration,
        cancellation: &Cancellation,
    ) -> Result<Self, TransportError> {
        let mut connection = Self {
            transport: Transport::connect(resolver, timeout, cancellation)?,
            timeout,
            ahead: vec![0; READ_AHEAD].into_boxed_slice(),
            start: 0,
            end: 0,
            created: Instant::now(),
            used: Instant::now(),
            requests: 0,
            sent_whole: false,
        };
        if let Some(config) = tls {
            if let Some(proxy) = proxy {
                connection.tunnel(&proxy.connect_head(endpoint), cancellation)?;
            }
            connection.transport =
                connection
                    .transport
                    .start_tls(endpoint.host(), config, timeout, cancellation)?;
        }
        Ok(connection)
    }

    fn tunnel(&mut self, head: &str, cancellation: &Cancellation) -> Result<(), TransportError> {
        let sent = self.send(head.as_bytes(), Body::Empty, &mut [], cancellation)?;
        // As to a HEAD request: what follows a successful answer is the tunnel, not a body.
        let answer = self.read_head(true, cancellation)?;
        match answer.status {
            200..300 if !matches!(sent, Sent::Whole) => Err(TransportError::answered_early()),
            // Nobody but the proxy can have said it, and what is inside the tunnel is believed.
            200..300 if self.start != self.end => Err(TransportError::Protocol(
                "the proxy sent bytes of its own into the tunnel",
            )),
            200..300 => Ok(()),
            status => Err(TransportError::Proxy(status)),
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

    /// Whether bytes have been read that belong to no answer so far.
    pub(super) fn has_unread(&mut self) -> bool {
        self.start != self.end || self.transport.has_unread()
    }

    /// Whether the connection may carry another request: an answer that is there before the request is
    /// not an answer to it.
    pub(crate) fn is_usable(&mut self) -> bool {
        self.idle() <= MAX_IDLE
            && self.created.elapsed() <= MAX_CONNECTION_AGE
            && self.start == self.end
            && self.transport.is_quiet()
    }

    /// Sends a request and reads the head of the final answer.
    ///
    /// `buffer` is room for pieces of a file. Where the answer comes before the whole request was sent,
    /// it is returned all the same, with `answered_early` set and `keep_alive` unset.
    pub(crate) fn exchange(
        &mut self,
        head: &str,
        request: &Request,
        buffer: &mut [u8],
        cancellation: &Cancellation,
    ) -> Result<ResponseHead, TransportError> {
        self.requests += 1;
        self.sent_whole = false;
        let sent = self.send(head.as_bytes(), request.body, buffer, cancellation)?;
        self.sent_whole = matches!(sent, Sent::Whole);
        let read = self.read_head(request.method == "HEAD", cancellation);
        match (sent, read) {
            (Sent::Whole, read) => read,
            (_, Ok(mut answer)) => {
                answer.answered_early = true;
                answer.keep_alive = false;
                Ok(answer)
            }
            (_, Err(TransportError::Cancelled)) => Err(TransportError::Cancelled),
            (Sent::Broken(error), Err(_)) => Err(TransportError::Io(error)),
            (Sent::Early, Err(error)) => Err(error),
        }
    }

    /// Whether the service has begun its final answer. Takes in what is there, without waiting.
    pub(super) fn has_answered(&mut self) -> Result<bool, TransportError> {
        if self.end < MAX_HEAD_SIZE {
            self.make_room();
            match self.transport.look(&mut self.ahead[self.end..])? {
                Some(0) if self.start == self.end => return Err(TransportError::ended_early()),
                Some(count) => self.end += count,
                None if self.start == self.end => return Ok(false),
                None => {}
            }
        }
        loop {
            let bytes = &self.ahead[self.start..self.end];
            match ResponseHead::parse(bytes, true) {
                Ok(Some((head, length))) if head.is_interim() => self.start += length,
                Ok(None) => {
                    let interim = b"HTTP/1.1 1";
                    let known = bytes.len().min(interim.len());
                    return Ok(bytes[..known] != interim[..known]);
                }
                _ => return Ok(true),
            }
        }
    }

    pub(super) fn read_head(
        &mut self,
        to_head_request: bool,
        cancellation: &Cancellation,
    ) -> Result<ResponseHead, TransportError> {
        let mut interim = 0;
        let mut pace = Pace::whole(self.timeout);
        loop {
            if self.end > self.start {
                let parsed =
                    ResponseHead::parse(&self.ahead[self.start..self.end], to_head_request)
                        .map_err(TransportError::Protocol)?;
                if let Some((head, length)) = parsed {
                    self.start += length;
                    if head.is_interim() {
                        interim += 1;
                        if interim > MAX_INTERIM {
                            return Err(TransportError::Protocol("too many interim answers"));
                        }
                        continue;
                    }
                    return Ok(head);
                }
            }
            self.make_room();
            let room = &mut self.ahead[self.end..];
            let count = self
                .transport
                .read([room, &mut []], &mut pace, cancellation)?;
            if count == 0 {
                return Err(TransportError::ended_early());
            }
            self.end += count;
        }
    }

    /// Makes room for more of a head behind what is there.
    fn make_room(&mut self) {
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
    }

    /// Reads some bytes of a body: what was read ahead, then the socket. 0 at the end of the connection.
    ///
    /// `ends_soon`: little of the answer is behind these bytes, and is read ahead with the last of them.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        ends_soon: bool,
        pace: &mut Pace,
        cancellation: &Cancellation,
    ) -> Result<usize, TransportError> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            let ahead = &mut self.ahead[..];
            // Lines of chunked bodies are read byte by byte, but not from the socket.
            let pieces = match buffer.len() {
                512.. if ends_soon => [&mut *buffer, ahead],
                512.. => [&mut *buffer, &mut []],
                _ => [ahead, &mut []],
            };
            let first = pieces[0].len();
            let count = self.transport.read(pieces, pace, cancellation)?;
            if buffer.len() >= 512 {
                self.end = count.saturating_sub(first);
                return Ok(count.min(first));
            }
            self.end = count;
        }
        let count = buffer.len().min(self.end - self.start);
        buffer[..count].copy_from_slice(&self.ahead[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}
