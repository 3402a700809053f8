//! One operation of the REST protocol, with as many attempts as it takes.

use std::{
    io,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{
    account::Account,
    answer,
    cancel::{CancelFlag, Cancellation, SignalPoll},
    error::{Error, ErrorKind, Result},
    http::{BodyReader, Connection, Request, ResponseHead, TransportError},
    limits::{MAX_ANSWER_SIZE, MAX_ERROR_SIZE, SERVICE_VERSION},
    progress::Progress,
    retry::{self, Decision},
};

/// What one item cost.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    pub(crate) requests: AtomicU32,
    pub(crate) retries: AtomicU32,
}

/// A request, made anew for each attempt, and what becomes of a successful answer.
pub(crate) trait Operation {
    type Output;

    fn request(&self) -> Request<'_>;

    fn receive(
        &mut self,
        head: &ResponseHead,
        body: &mut BodyReader,
        buffer: &mut [u8],
    ) -> Result<Self::Output, Failure>;

    /// Whether bytes have arrived since this was last asked: the failures before do not count then.
    fn has_progressed(&mut self) -> bool {
        false
    }
}

/// Why an answer could not be received.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection broke: another attempt may succeed.
    TransportError(TransportError),
    /// Another attempt would end the same way.
    Final(Error),
}

impl From<TransportError> for Failure {
    fn from(broken: TransportError) -> Self {
        Self::TransportError(broken)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What is at hand while an item's requests are sent from one thread.
pub(crate) struct Session<'a> {
    pub(crate) account: &'a Account,
    pub(crate) body: &'a mut [u8],
    pub(crate) head: &'a mut String,
    pub(crate) cancellation: Cancellation<'a>,
    pub(crate) cost: &'a Cost,
    pub(crate) progress: &'a Progress,
    /// Whether an attempt of the last operation failed in a way that leaves open whether the service
    /// carried it out.
    pub(crate) maybe_done: bool,
}

/// How an attempt ended that did not succeed.
enum Attempt {
    Again { failure: Error, delay: Delay },
    Final(Error),
}

enum Delay {
    /// Reconnect or re-authorise, once.
    None,
    Backoff(Option<std::time::Duration>),
}

impl Session<'_> {
    /// Sends the requests of an operation that belongs to no transfer, from the calling thread.
    pub(crate) fn run<T>(
        account: &Account,
        signals: SignalPoll<'_>,
        operation: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let mut buffers = account.take_buffers();
        let result = operation(&mut Session {
            account,
            body: &mut buffers.body,
            head: &mut buffers.head,
            cancellation: Cancellation::new(&CancelFlag::default(), signals),
            cost: &Cost::default(),
            progress: &Progress::default(),
            maybe_done: false,
        });
        account.put_buffers(buffers);
        result
    }

    /// Sends until it succeeds or there is no hope. Attempts are counted in the error.
    pub(crate) fn send<O: Operation>(&mut self, operation: &mut O) -> Result<O::Output> {
        let mut failures = 0;
        let mut attempts = 0;
        let mut immediate = true;
        let mut new_token = true;
        self.maybe_done = false;
        loop {
            attempts += 1;
            if attempts > 1 {
                self.cost.retries.fetch_add(1, Ordering::Relaxed);
                self.progress.retried();
            }
            let (failure, delay) = match self.attempt(operation, &mut immediate, &mut new_token) {
                Ok(output) => return Ok(output),
                Err(Attempt::Final(error)) => return Err(error.with_attempts(attempts)),
                Err(Attempt::Again { failure, delay }) => (failure, delay),
            };
            if operation.has_progressed() {
                failures = 0;
            }
            let Delay::Backoff(asked) = delay else {
                continue;
            };
            failures += 1;
            let known = self.account.reached.load(Ordering::Relaxed) && !is_odd(&failure);
            match self.account.retry.delay(failures, asked, known) {
                Some(delay) => self
                    .cancellation
                    .sleep(delay)
                    .map_err(|_| Error::cancelled())?,
                None => return Err(failure.with_attempts(attempts)),
            }
        }
    }

    fn attempt<O: Operation>(
        &mut self,
        operation: &mut O,
        immediate: &mut bool,
        new_token: &mut bool,
    ) -> Result<O::Output, Attempt> {
        let account = self.account;
        if self.cancellation.is_cancelled() {
            return Err(Attempt::Final(Error::cancelled()));
        }
        let mut request = operation.request();
        request
            .headers
            .push(("x-ms-version".into(), SERVICE_VERSION.into()));
        request
            .headers
            .push(("x-ms-client-request-id".into(), request_id(account).into()));
        account
            .credential
            .authorize(&mut request, &self.cancellation)
            .map_err(Attempt::Final)?;
        let mut origin = String::new();
        if let Some(proxy) = account.pool.forwarder() {
            origin = format!("http://{}", account.authority);
            if let Some(value) = proxy.authorization() {
                request
                    .headers
                    .push(("proxy-authorization".into(), value.to_owned().into()));
            }
        }
        request.write_head(
            self.head,
            &origin,
            &account.authority,
            account.credential.query(),
        );

        let taken = if *immediate {
            account.pool.take(&self.cancellation)
        } else {
            account.pool.open(&self.cancellation)
        };
        let mut connection = taken.map_err(|broken| self.broken(broken))?;
        let was_used = connection.requests > 0;
        self.cost.requests.fetch_add(1, Ordering::Relaxed);
        self.progress.requested();
        let head = match connection.exchange(self.head, &request, self.body, &self.cancellation) {
            Ok(head) => head,
            Err(broken) => {
                // Most likely the service closed the connection just when it was used again.
                let stale = was_used && *immediate && matches!(broken, TransportError::Io(_));
                self.maybe_done = true;
                let mut attempt = self.broken(broken);
                if let (true, Attempt::Again { delay, .. }) = (stale, &mut attempt) {
                    *immediate = false;
                    *delay = Delay::None;
                }
                return Err(attempt);
            }
        };
        account.reached.store(true, Ordering::Relaxed);

        let success = (200..300).contains(&head.status);
        if success && answer::is_from_service(&head) {
            drop(request);
            let mut body = BodyReader::new(&mut connection, &head, self.cancellation);
            let received = operation.receive(&head, &mut body, self.body);
            let finished = body.is_finished();
            return match received {
                Ok(output) => {
                    self.keep(connection, &head, finished);
                    Ok(output)
                }
                Err(Failure::TransportError(broken)) => {
                    self.maybe_done = true;
                    Err(self.broken(broken))
                }
                Err(Failure::Final(error)) => Err(Attempt::Final(error)),
            };
        }
        let authorization = request
            .headers
            .iter()
            .find(|(name, _)| name == "authorization")
            .map(|(_, value)| value.to_string());
        drop(request);
        Err(self.refused(connection, &head, authorization.as_deref(), new_token))
    }

    /// An answer that is not a success.
    fn refused(
        &mut self,
        mut connection: Connection,
        head: &ResponseHead,
        authorization: Option<&str>,
        new_token: &mut bool,
    ) -> Attempt {
        let mut body = BodyReader::new(&mut connection, head, self.cancellation);
        let text = body.read_all(MAX_ERROR_SIZE).unwrap_or_default();
        let finished = body.is_finished();
        self.keep(connection, head, finished);
        let failure = answer::error(head, &text, &self.account.endpoint.url());
        let asked = retry::retry_after(|name| head.get(name));
        match retry::decide(head.status, failure.code()) {
            Decision::Fail => Attempt::Final(failure),
            Decision::Retry | Decision::RetrySlower => {
                if head.status == 503 || head.status == 429 {
                    self.account.scheduler.throttled();
                }
                // OperationTimedOut may mean that the operation goes on.
                self.maybe_done |= head.status >= 500;
                Attempt::Again {
                    failure,
                    delay: Delay::Backoff(asked),
                }
            }
            Decision::NewToken => {
                let claims = head.get("www-authenticate").and_then(answer::claims);
                if std::mem::take(new_token)
                    && self.account.credential.refused(authorization, claims)
                {
                    Attempt::Again {
                        failure,
                        delay: Delay::None,
                    }
                } else {
                    Attempt::Final(failure)
                }
            }
        }
    }

    fn keep(&self, connection: Connection, head: &ResponseHead, finished: bool) {
        if finished && head.keep_alive {
            self.account.pool.put(connection);
        }
    }

    fn broken(&self, broken: TransportError) -> Attempt {
        let mut endpoint = self.account.endpoint.url();
        if let Some(proxy) = self.account.pool.proxy() {
            endpoint = format!("{endpoint} through the proxy {}:{}", proxy.host, proxy.port);
        }
        let network = |what: String, source: io::Error| {
            Error::new(ErrorKind::Network, what).with_source(Arc::new(source))
        };
        let failure = match broken {
            TransportError::Cancelled => return Attempt::Final(Error::cancelled()),
            TransportError::Source(error) => {
                let changed = error.kind() == io::ErrorKind::UnexpectedEof;
                let message = if changed {
                    "the file became shorter while it was sent".to_owned()
                } else {
                    format!("the file could not be read: {error}")
                };
                return Attempt::Final(
                    Error::new(ErrorKind::Local, message).with_source(Arc::new(error)),
                );
            }
            TransportError::Handshake(error) => {
                return Attempt::Final(network(
                    format!(
                        "{endpoint}: no trusted TLS connection: {error}; where a private certificate \
                         authority is used, set SSL_CERT_FILE"
                    ),
                    error,
                ));
            }
            TransportError::Lookup(error) => network(
                format!(
                    "{endpoint}: the host is not known ({error}); check the account URL and DNS"
                ),
                error,
            ),
            TransportError::Idle(time) => Error::new(
                ErrorKind::Network,
                format!("{endpoint}: no byte moved for {} s", time.as_secs_f64()),
            ),
            TransportError::Protocol(reason) => Error::new(
                ErrorKind::Network,
                format!("{endpoint}: {reason}; check the account URL and the proxy settings"),
            ),
            TransportError::Io(error) => network(
                format!(
                    "{endpoint}: the connection failed: {error}; check the account URL and the network"
                ),
                error,
            ),
        };
        Attempt::Again {
            failure,
            delay: Delay::Backoff(None),
        }
    }

    /// Sends a request without a streamed body or answer; the answer's head and whole body.
    pub(crate) fn call<'r>(
        &mut self,
        request: impl Fn() -> Request<'r>,
    ) -> Result<(ResponseHead, Vec<u8>)> {
        self.send(&mut Call {
            request,
            borrows: PhantomData,
        })
    }
}

/// A 500 without a code does not come from the service itself. Azurite's, to a batch with a SAS, comes
/// again however often one asks.
fn is_odd(failure: &Error) -> bool {
    failure.status() == Some(500) && failure.code().is_none()
}

/// A UUID, by which the service's logs name the request: random for the client, then counted.
fn request_id(account: &Account) -> String {
    let high = account.request_prefix;
    let low = account.request_count.fetch_add(1, Ordering::Relaxed);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

struct Call<'r, F> {
    request: F,
    borrows: PhantomData<&'r ()>,
}

impl<'r, F: Fn() -> Request<'r>> Operation for Call<'r, F> {
    type Output = (ResponseHead, Vec<u8>);

    fn request(&self) -> Request<'_> {
        (self.request)()
    }

    fn receive(
        &mut self,
        head: &ResponseHead,
        body: &mut BodyReader,
        _buffer: &mut [u8],
    ) -> Result<Self::Output, Failure> {
        Ok((head.clone(), body.read_all(MAX_ANSWER_SIZE)?))
    }
}
