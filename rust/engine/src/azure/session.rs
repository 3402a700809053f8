//! One request to the service, with as many attempts as it takes.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use super::{
    attempts::Attempts,
    encryption::{Encryption, Encrypts},
    error_response,
    failed::{Failed, is_unlike_the_service, transport_failure},
    opened::Opened,
    redaction::Secrets,
    right::{Asked, Proof},
};
use crate::{
    account::Account,
    auth::Credential,
    cancel::Cancellation,
    error::{Error, ErrorKind, Result},
    http::{Request, ResponseHead, TransportError},
    limits::{MAX_ANSWER_SIZE, MAX_ERROR_SIZE, SERVICE_VERSION, TICK},
    progress::Progress,
    retry::{self, Decision},
};

/// What one item cost.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) requests: AtomicU32,
    pub(crate) retries: AtomicU32,
    /// When its first request could be sent.
    pub(crate) started: OnceLock<Instant>,
}

/// A request of the REST protocol, made anew for each attempt.
pub(crate) trait Operation {
    /// Statuses that are a success.
    fn expected(&self) -> &[u16];

    /// Whether the body of a success tells something, and may be long.
    fn is_answered_by_body(&self) -> bool {
        false
    }

    /// Bytes of buffer that an attempt needs, for what is read from a file or written to one.
    fn buffer_size(&self) -> usize {
        0
    }

    /// What it has to do with the blob's encryption.
    fn encrypts(&self) -> Encrypts {
        Encrypts::Never
    }

    /// Reads what must be known before the head is written; how many bytes of the content are in `buffer`
    /// then, or None where it is not there.
    fn prepare(&mut self, _buffer: &mut [u8]) -> Result<Option<usize>> {
        Ok(None)
    }

    /// `content` is what `prepare` has left in the buffer.
    fn request<'r>(&'r self, content: Option<&'r [u8]>) -> Request<'r>;
}

/// What is at hand while requests are sent from one thread.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) account: &'a Account,
    /// Room for the text of a request's head.
    pub(crate) head: &'a mut String,
    pub(crate) cancellation: Cancellation<'a>,
    pub(crate) statistics: &'a Statistics,
    pub(crate) progress: &'a Progress,
    /// How many tokens had been fetched when the call began.
    pub(crate) token_fetches: u64,
    /// Whoever sends has files open that can be closed meanwhile: a shortage of descriptors comes out at
    /// once, as if all hold files, none gets a connection.
    pub(crate) gives_way: bool,
}

impl<'a> Session<'a> {
    /// Sends until the answer is a success or there is no hope.
    pub(crate) fn open<O: Operation + ?Sized>(
        &mut self,
        attempts: &mut Attempts,
        operation: &mut O,
    ) -> Result<Opened<'a>> {
        loop {
            attempts.count += 1;
            if attempts.count > 1 {
                self.statistics.retries.fetch_add(1, Ordering::Relaxed);
                self.progress.retried();
            }
            match self.attempt(attempts, operation) {
                Ok(opened) => return Ok(opened),
                Err(Failed::Final(error)) if error.kind() == ErrorKind::TokenNeeded => {
                    attempts.count -= 1; // nothing was sent
                    return Err(error);
                }
                Err(Failed::Final(error)) => return Err(error.with_attempts(attempts.count)),
                Err(Failed::AtOnce(error)) => {
                    log::debug!("repeated at once: {error}");
                }
                Err(Failed::Again(error, asked)) => self.back_off(attempts, error, asked)?,
                Err(Failed::Shortage(error))
                    if self.gives_way && error.is_descriptor_shortage() =>
                {
                    return Err(error);
                }
                Err(Failed::Shortage(error)) => self.wait_for_room(attempts, error)?,
            }
        }
    }

    /// Sends a request whose answer is read into memory as a whole; the answer's head and body.
    pub(crate) fn call<O: Operation + ?Sized>(
        &mut self,
        attempts: &mut Attempts,
        operation: &mut O,
    ) -> Result<(ResponseHead, Vec<u8>)> {
        loop {
            let mut opened = self.open(attempts, operation)?;
            let mut body = opened.body(self.cancellation);
            let read = if operation.is_answered_by_body() {
                body.read_all(MAX_ANSWER_SIZE)
            } else {
                body.read_all_at_once(MAX_ERROR_SIZE)
            };
            let finished = body.is_finished();
            let head = opened.close(finished);
            match read {
                Ok(body) => return Ok((head, body)),
                Err(error) => {
                    attempts.ambiguous = true;
                    self.broken(attempts, error)?;
                }
            }
        }
    }

    /// Takes note that an answer broke off in its body, and waits before the next attempt.
    pub(crate) fn broken(&self, attempts: &mut Attempts, error: TransportError) -> Result<()> {
        match transport_failure(self.account, error) {
            Failed::Final(error) => Err(error.with_attempts(attempts.count)),
            Failed::Again(error, asked) => self.back_off(attempts, error, asked),
            Failed::Shortage(error) => self.wait_for_room(attempts, error),
            Failed::AtOnce(_) => Ok(()),
        }
    }

    /// Waits before another attempt, unless there have been enough: then this is the error.
    pub(crate) fn again(&self, attempts: &mut Attempts, error: Error) -> Result<()> {
        self.back_off(attempts, error, None)
    }

    /// This machine has no descriptor left for a connection or a file: waits until there may be one. Those
    /// of connections that are not in use are let go. While requests are in flight there is hope.
    pub(crate) fn wait_for_room(&self, attempts: &mut Attempts, error: Error) -> Result<()> {
        // With fewer requests at a time there may be room enough.
        self.account.admission.throttled();
        if self.account.pool.close_idle() {
            return Ok(());
        }
        if !self.account.admission.is_in_use() {
            return self.back_off(attempts, error, None);
        }
        log::debug!("waits for others to end: {error}");
        let time = TICK.mul_f64(fastrand::f64());
        self.cancellation
            .sleep(time)
            .map_err(|_| Error::cancelled())
    }

    fn back_off(
        &self,
        attempts: &mut Attempts,
        error: Error,
        asked: Option<Duration>,
    ) -> Result<()> {
        attempts.failures += 1;
        let known = self.account.reached.load(Ordering::Relaxed) && !is_unlike_the_service(&error);
        let Some(delay) = self.account.retry.delay(attempts.failures, asked, known) else {
            return Err(error.with_attempts(attempts.count));
        };
        log::debug!("repeated in {:.2} s: {error}", delay.as_secs_f64());
        self.cancellation
            .sleep(delay)
            .map_err(|_| Error::cancelled())
    }

    fn attempt<O: Operation + ?Sized>(
        &mut self,
        attempts: &mut Attempts,
        operation: &mut O,
    ) -> Result<Opened<'a>, Failed> {
        let account = self.account;
        let size = operation.buffer_size();
        let permit = account
            .admission
            .acquire(size as u64, &self.cancellation)
            .map_err(|_| Failed::Final(Error::cancelled()))?;
        let cancellation = self.cancellation.holding(&permit);
        if cancellation.is_cancelled() {
            return Err(Failed::Final(Error::cancelled()));
        }
        self.statistics.started.get_or_init(Instant::now);
        let mut buffer = account.buffers.take(size);
        let content = operation.prepare(&mut buffer).map_err(Failed::Final)?;
        let (content, room): (_, &mut [u8]) = match content {
            Some(length) => (Some(&buffer[..length]), &mut []),
            None => (None, &mut buffer),
        };
        let id = request_id(account);
        let encrypts = operation.encrypts();
        let mut request = operation.request(content);
        if let Some(encryption) = &account.encryption {
            request = encryption.apply(request, encrypts);
        }
        request
            .headers
            .push(("x-ms-version".into(), SERVICE_VERSION.into()));
        request
            .headers
            .push(("x-ms-client-request-id".into(), id.as_str().into()));
        request
            .headers
            .push(("user-agent".into(), account.user_agent.as_str().into()));
        let credential = account.credential();
        if !credential
            .authorize(&mut request, self.token_fetches)
            .map_err(Failed::Final)?
        {
            return Err(Failed::Final(Error::token_needed()));
        }
        write_head(account, &request, credential.query(), self.head).map_err(Failed::Final)?;

        let taken = if attempts.reconnect {
            account.pool.open(&cancellation)
        } else {
            account.pool.take(&cancellation)
        };
        let mut connection = taken.map_err(|error| transport_failure(account, error))?;
        let was_used = connection.requests > 0;
        self.statistics.requests.fetch_add(1, Ordering::Relaxed);
        self.progress.requested();
        attempts.first.get_or_insert_with(SystemTime::now);
        let answered = connection.exchange(self.head, &request, room, &cancellation);
        let head = match answered {
            Ok(head) => head,
            Err(error) => {
                attempts.ambiguous |= connection.sent_whole;
                // Most likely the service closed the connection just when it was used again.
                let stale =
                    was_used && !attempts.reconnect && matches!(error, TransportError::Io(_));
                return Err(match transport_failure(account, error) {
                    Failed::Again(error, _) if stale => {
                        attempts.reconnect = true;
                        Failed::AtOnce(error)
                    }
                    failed => failed,
                });
            }
        };
        account.reached.store(true, Ordering::Relaxed);
        if head
            .get("x-ms-client-request-id")
            .is_some_and(|echoed| echoed != id)
        {
            attempts.ambiguous |= connection.sent_whole;
            return Err(transport_failure(
                account,
                TransportError::Protocol("the answer belongs to another request"),
            ));
        }
        let status = head.status;
        let is_success = (200..300).contains(&status) && error_response::is_from_service(&head);
        let sent = (!is_success).then(|| Sent::new(&request, credential.query().is_some()));
        drop(request);
        let opened = Opened {
            head,
            connection,
            permit,
            buffer,
            account,
        };
        if let Some(sent) = sent {
            return Err(self.error_response(opened, attempts, &sent));
        }
        if operation.expected().contains(&status) && !opened.head.answered_early {
            let encryption = account.encryption.as_ref();
            let checked = encryption.map(|encryption| {
                let secrets = Secrets::new(&credential, encryption.secret());
                encryption.check(&opened.head, encrypts, &secrets)
            });
            return checked
                .unwrap_or(Ok(()))
                .map(|()| opened)
                .map_err(Failed::Final);
        }
        attempts.ambiguous = true;
        let error = if opened.head.answered_early {
            TransportError::answered_early()
        } else {
            TransportError::Protocol("the answer's status does not belong to the request")
        };
        Err(transport_failure(account, error))
    }

    /// An answer that is not a success.
    fn error_response(
        &self,
        mut opened: Opened<'_>,
        attempts: &mut Attempts,
        sent: &Sent,
    ) -> Failed {
        if matches!(opened.head.status, 429 | 503) {
            // Before the permit is free for the next one.
            self.account.admission.throttled();
        }
        let mut body = opened.body(self.cancellation);
        let text = body.read_all_at_once(MAX_ERROR_SIZE).unwrap_or_default();
        let finished = body.is_finished();
        let head = opened.close(finished);
        let credential = self.account.credential();
        let authorization = sent.authorization.as_deref();
        let proxy = self
            .account
            .pool
            .forwarder()
            .and_then(|proxy| proxy.authorization());
        let key = self
            .account
            .encryption
            .as_ref()
            .and_then(Encryption::secret);
        let secrets = Secrets::new(
            &credential,
            authorization
                .into_iter()
                .chain(proxy)
                .chain(key)
                .chain(sent.of_source.iter().map(String::as_str)),
        );
        let endpoint = self.account.endpoint.url();
        let error = error_response::error(&head, &text, &endpoint, &secrets, sent.asked);
        let delay = retry::retry_after(|name| head.get(name));
        match retry::decide(head.status, error.code()) {
            Decision::Fail => Failed::Final(error),
            Decision::Retry => {
                // OperationTimedOut may mean that the operation goes on.
                attempts.ambiguous |= head.status >= 500 && !head.answered_early;
                Failed::Again(error, delay)
            }
            // Nothing was done, and that is certain.
            Decision::RetrySlower => Failed::Again(error, delay),
            Decision::NewToken => {
                let claims = head
                    .get("www-authenticate")
                    .and_then(error_response::claims);
                if !attempts.asked_for_token && credential.refused(authorization, claims) {
                    attempts.asked_for_token = true;
                    Failed::AtOnce(error)
                } else {
                    Failed::Final(error)
                }
            }
        }
    }
}

/// What a request was like, for the error that it ended in.
struct Sent {
    /// As it was sent: there may be a newer token by now.
    authorization: Option<String>,
    of_source: Vec<String>,
    asked: Asked,
}

impl Sent {
    fn new(request: &Request, by_sas: bool) -> Self {
        let authorization = request.header_value("authorization");
        Self {
            authorization: authorization.map(str::to_owned),
            of_source: source_secrets(request),
            asked: Asked::new(request, Proof::new(by_sas, authorization)),
        }
    }
}

/// What lets the service read the source of a copy: another account's token, or its SAS.
fn source_secrets(request: &Request) -> Vec<String> {
    let url = request.header_value("x-ms-copy-source");
    let sas = url
        .and_then(|url| url.split_once('?'))
        .and_then(|(_, query)| Credential::sas(query).ok());
    let token = request.header_value("x-ms-copy-source-authorization");
    let mut secrets = sas.map(|sas| sas.secrets()).unwrap_or_default();
    secrets.extend(token.map(str::to_owned));
    secrets
}

/// A head as it is sent, through a proxy where there is one.
fn write_head(
    account: &Account,
    request: &Request,
    sas: Option<&str>,
    out: &mut String,
) -> Result<()> {
    let Some(proxy) = account.pool.forwarder() else {
        return Ok(request.write_head(out, "", &account.authority, sas)?);
    };
    let origin = format!("http://{}", account.authority);
    request.write_head(out, &origin, &account.authority, sas)?;
    if let Some(value) = proxy.authorization() {
        out.truncate(out.len() - 2);
        out.extend(["proxy-authorization: ", value, "\r\n\r\n"]);
    }
    Ok(())
}

/// A UUID, by which the service's logs name the request: of the client, then counted.
fn request_id(account: &Account) -> String {
    let count = account.request_count.fetch_add(1, Ordering::Relaxed);
    format!(
        "{}-8{:03x}-{:012x}",
        account.request_prefix,
        (count >> 48) & 0xfff,
        count & 0xffff_ffff_ffff
    )
}
