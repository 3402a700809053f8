//! `Engine`: one account, its credential and its connections.

use std::{env, thread, time::Duration};

use fastblob_engine::{
    self as engine, Checksum, Client, Config, Credential, Encryption, Endpoint, Need, OnError,
    SignalPoll, Token,
};
use pyo3::{
    exceptions::{PyException, PyValueError},
    prelude::*,
};

use crate::{
    arguments::{Nearest, OnErrorArgument, non_negative, seconds},
    call::{Call, Conversion, ItemParser},
    driving::Prepared,
    exceptions::invalid_input,
    native::{Native, enter},
    values::Trust,
};

/// Until a call of one item needs something.
const HOUR: Duration = Duration::from_secs(3600);

/// Moves blobs of one account.
#[pyclass(module = "fastblob._fastblob", frozen, weakref)]
#[derive(Debug)]
pub(crate) struct Engine {
    client: Native<Client>,
    endpoint: Endpoint,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (
        endpoint, credential, *, trust, workload_type, max_connections, memory_limit, max_retries,
        timeout, checksum, user_agent, encryption_key, encryption_scope
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn new(
        py: Python<'_>,
        endpoint: &str,
        credential: &str,
        trust: &Bound<'_, Trust>,
        workload_type: &str,
        max_connections: Option<Nearest>,
        memory_limit: Option<Nearest>,
        max_retries: Nearest,
        timeout: &Bound<'_, PyAny>,
        checksum: Option<&str>,
        user_agent: Option<&str>,
        encryption_key: Option<&[u8]>,
        encryption_scope: Option<String>,
    ) -> PyResult<Self> {
        let endpoint = Endpoint::parse(endpoint).map_err(invalid_input)?;
        let config = Config {
            trust: trust.get().0.clone(),
            workload_type: workload_type.parse().map_err(invalid_input)?,
            max_connections: max_connections
                .map(|count| non_negative("max_connections", count.0))
                .transpose()?
                .map(|count| count as usize),
            memory_limit: memory_limit
                .map(|bytes| non_negative("memory_limit", bytes.0))
                .transpose()?,
            max_retries: u32::try_from(max_retries.0).map_err(|_| {
                PyValueError::new_err(format!(
                    "max_retries must be within 0 and {}, got {}",
                    u32::MAX,
                    max_retries.0
                ))
            })?,
            timeout: seconds("timeout", timeout)?,
            checksum: match checksum {
                Some("auto") => Some(Checksum::Auto),
                Some("md5") => Some(Checksum::Md5),
                Some("crc64") => Some(Checksum::Crc64),
                None => None,
                Some(other) => {
                    return Err(PyValueError::new_err(format!(
                        "checksum must be 'auto', 'md5', 'crc64' or None, not {other:?}"
                    )));
                }
            },
            user_agent: full_user_agent(py, user_agent),
            encryption: encryption(encryption_key, encryption_scope).map_err(invalid_input)?,
            // A key or a SAS is set before the first call.
            ..Config::new(
                endpoint.clone(),
                match credential {
                    "token" => Credential::token(),
                    _ => Credential::anonymous(),
                },
            )
        };
        let client = enter(py, |_| Client::new(config))?.map_err(invalid_input)?;
        Ok(Self {
            client: Native::new(client),
            endpoint,
        })
    }

    /// The account's URL, without query.
    #[getter]
    fn endpoint(&self) -> String {
        self.endpoint.url()
    }

    /// The account's key from now on; without `account`, of the one that the endpoint names.
    #[pyo3(signature = (account, key))]
    fn set_key(&self, py: Python<'_>, account: Option<&str>, key: &str) -> PyResult<()> {
        let account = account.unwrap_or(self.endpoint.account());
        self.set_credential(py, Credential::shared_key(account, key))
    }

    /// The SAS from now on.
    fn set_sas(&self, py: Python<'_>, sas: &str) -> PyResult<()> {
        self.set_credential(py, Credential::sas(sas))
    }

    /// Supplies the token that is this thread's turn to fetch.
    fn set_token(&self, py: Python<'_>, token: String, expires_on: f64) -> PyResult<()> {
        let token = Token::new(token, expires_on).map_err(invalid_input)?;
        self.client.enter(py, |client, _| client.set_token(&token))
    }

    /// What a challenge asked of the token.
    fn token_claims(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.client.enter(py, |client, _| client.token_claims())
    }

    /// No token can be had. What is no `Exception` (Ctrl-C) leaves the turn to another thread.
    fn token_failed(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let says_something = error.is_instance_of::<PyException>();
        let failure = PyErr::from_value(error.clone());
        self.client.enter(error.py(), |client, _| {
            if says_something {
                client.token_failed(Box::new(failure));
            } else {
                client.give_up_token(thread::current().id());
            }
        })
    }

    /// This thread fetches no token, after all.
    fn give_up_token(&self, py: Python<'_>) -> PyResult<()> {
        self.client.enter(py, |client, _| {
            client.give_up_token(thread::current().id());
        })
    }

    /// Closes what is idle; calls that begin later are refused.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.client.enter(py, |client, _| client.close())
    }
}

/// A key, a scope, or the account's default.
fn encryption(
    key: Option<&[u8]>,
    scope: Option<String>,
) -> Result<Option<Encryption>, engine::InvalidInput> {
    match (key, scope) {
        (Some(key), _) => Encryption::with_key(key).map(Some),
        (None, Some(scope)) => Encryption::with_scope(scope).map(Some),
        (None, None) => Ok(None),
    }
}

/// As azure-core has it: the library, the interpreter, the platform, and what the caller adds.
fn full_user_agent(py: Python<'_>, added: Option<&str>) -> String {
    let python = py.version_info();
    let own = format!(
        "fastblob/{} Python/{}.{}.{} ({}-{})",
        env!("CARGO_PKG_VERSION"),
        python.major,
        python.minor,
        python.patch,
        env::consts::OS,
        env::consts::ARCH,
    );
    match added {
        Some(added) => format!("{own} {added}"),
        None => own,
    }
}

impl Engine {
    fn set_credential(
        &self,
        py: Python<'_>,
        credential: Result<Credential, engine::InvalidInput>,
    ) -> PyResult<()> {
        let credential = credential.map_err(invalid_input)?;
        self.client
            .enter(py, |client, _| client.set_credential(credential))
    }

    /// Does something with the client, unless it is closed.
    pub(crate) fn with<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Client, SignalPoll<'_>) -> R + Send,
    ) -> PyResult<R> {
        let done = self.client.enter(py, |client, signals| {
            client.check_open()?;
            Ok(work(client, signals))
        })?;
        done.map_err(invalid_input)
    }

    /// Carries out one job, on the calling thread as far as possible: its result, or a call that needs
    /// something of the thread first, or that somebody wants to watch.
    pub(crate) fn one<'py>(
        &self,
        py: Python<'py>,
        prepared: Prepared,
        watched: bool,
        conversion: Conversion,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Prepared {
            job,
            stream,
            content,
        } = prepared;
        if watched {
            let (call, client) = self.with(py, |client, _| {
                (client.call(OnError::Collect), client.clone())
            })?;
            let call = Call::of_one(call, client, Some(job), stream, content, conversion);
            return Ok(Bound::new(py, call)?.into_any());
        }
        let ends_here = stream.is_none();
        let (ended, begun) = self.with(py, |client, signals| {
            let call = client.call_one(job);
            let need = ends_here.then(|| call.wait(signals, HOUR));
            if need == Some(Need::Nothing) {
                return (call.take_outcomes().pop(), None);
            }
            // Until it is driven nobody would give the turn to another thread if Ctrl-C came.
            client.give_up_token(thread::current().id());
            (None, Some((call, client.clone())))
        })?;
        if let Some((call, client)) = begun {
            let call = Call::of_one(call, client, None, stream, content, conversion);
            return Ok(Bound::new(py, call)?.into_any());
        }
        let outcome = ended.unwrap_or_else(|| unreachable!("a call of one item has one outcome"));
        conversion(py, outcome, content.as_ref())
    }

    /// Begins a call to which items are added.
    pub(crate) fn many(
        &self,
        py: Python<'_>,
        on_error: OnErrorArgument,
        parser: ItemParser,
    ) -> PyResult<Call> {
        let (call, client) =
            self.with(py, |client, _| (client.call(on_error.0), client.clone()))?;
        Ok(Call::of_items(call, client, parser))
    }
}
