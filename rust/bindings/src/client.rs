//! `BaseClient`: one account, its credential and its connections.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use fastblob_engine::{self as engine, Checksum, Config, Credential, Endpoint};
use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::PyString,
};

use crate::{
    arguments::non_negative, drive::Engine, exceptions::from_invalid_input, fork::ProcessBound,
};

/// Moves blobs of one account.
#[pyclass(module = "fastblob._fastblob", subclass, weakref, frozen)]
#[derive(Debug)]
pub(crate) struct BaseClient {
    settings: Settings,
    /// Locked only with the GIL held and never while waiting for it, so that no thread can hold it
    /// during `os.fork()`.
    engine: Mutex<ProcessBound<engine::Client>>,
}

#[pymethods]
impl BaseClient {
    #[new]
    #[pyo3(signature = (
        endpoint, credential, *, workload_type = "default", max_connections = None,
        memory_limit = None, max_retries = 8,
        timeout = 60.0, checksum = "md5"
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn new(
        py: Python<'_>,
        endpoint: &str,
        credential: Option<&Bound<'_, PyAny>>,
        workload_type: &str,
        max_connections: Option<i64>,
        memory_limit: Option<i64>,
        max_retries: i64,
        timeout: f64,
        checksum: Option<&str>,
    ) -> PyResult<Self> {
        let settings = Settings {
            endpoint: Endpoint::parse(endpoint).map_err(|error| from_invalid_input(&error))?,
            secret: Secret::new(credential)?,
            workload_type: workload_type
                .parse()
                .map_err(|error| from_invalid_input(&error))?,
            max_connections: max_connections
                .map(|count| non_negative("max_connections", count))
                .transpose()?
                .map(|count| count as usize),
            memory_limit: memory_limit
                .map(|bytes| non_negative("memory_limit", bytes))
                .transpose()?,
            max_retries: u32::try_from(max_retries).map_err(|_| {
                PyValueError::new_err(format!("max_retries must be 0 or more, got {max_retries}"))
            })?,
            timeout: Duration::try_from_secs_f64(timeout).map_err(|_| {
                PyValueError::new_err(format!(
                    "timeout must be a number of seconds, got {timeout}"
                ))
            })?,
            checksum: match checksum {
                Some("md5") => Some(Checksum::Md5),
                Some("crc64") => Some(Checksum::Crc64),
                None => None,
                Some(other) => {
                    return Err(PyValueError::new_err(format!(
                        "checksum must be 'md5', 'crc64' or None, not {other:?}"
                    )));
                }
            },
        };
        let secret = settings.secret.now(py)?;
        let engine = Mutex::new(ProcessBound::new(settings.open(secret.as_ref())?));
        Ok(Self { settings, engine })
    }

    /// The account's URL, without query.
    #[getter]
    fn endpoint(&self) -> String {
        self.settings.endpoint.url()
    }

    /// A credential may refer to its client.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.settings.secret {
            Secret::Tokens(object) | Secret::Changing(object) => visit.call(object),
            _ => Ok(()),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let endpoint = PyString::new(slf.py(), &slf.get().endpoint());
        Ok(format!("{}({})", slf.get_type().name()?, endpoint.repr()?))
    }
}

impl BaseClient {
    /// The engine's client; in a child of `os.fork()` a new one.
    pub(crate) fn engine(&self, py: Python<'_>) -> PyResult<Engine> {
        let tokens = match &self.settings.secret {
            Secret::Tokens(callable) => Some(callable.clone_ref(py)),
            _ => None,
        };
        let secret = self.settings.secret.now(py)?;
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        let client = if let Some(client) = engine.get() {
            if let Some(secret) = &secret {
                let credential = secret.credential(&self.settings.endpoint);
                client.set_credential(credential.map_err(|error| from_invalid_input(&error))?);
            }
            client.clone()
        } else {
            let client = self.settings.open(secret.as_ref())?;
            *engine = ProcessBound::new(client.clone());
            client
        };
        Ok(Engine { client, tokens })
    }
}

/// What a client is made from, kept for making it anew after `os.fork()`.
#[derive(Debug)]
struct Settings {
    endpoint: Endpoint,
    secret: Secret,
    workload_type: engine::WorkloadType,
    max_connections: Option<usize>,
    memory_limit: Option<u64>,
    max_retries: u32,
    timeout: Duration,
    checksum: Option<Checksum>,
}

impl Settings {
    /// `secret` is what a changing one is at the moment.
    fn open(&self, secret: Option<&Secret>) -> PyResult<engine::Client> {
        // The credential is made anew as well: a thread of the parent may have been about to fetch
        // a token.
        let credential = secret
            .unwrap_or(&self.secret)
            .credential(&self.endpoint)
            .map_err(|error| from_invalid_input(&error))?;
        let config = Config {
            workload_type: self.workload_type,
            max_connections: self.max_connections,
            memory_limit: self.memory_limit,
            max_retries: self.max_retries,
            timeout: self.timeout,
            checksum: self.checksum,
            ..Config::new(self.endpoint.clone(), credential)
        };
        engine::Client::new(config).map_err(|error| from_invalid_input(&error))
    }
}

enum Secret {
    None,
    Sas(String),
    Key {
        account: Option<String>,
        key: String,
    },
    Tokens(Py<PyAny>),
    /// An object of azure.core.credentials, which may be told another key or SAS at any time.
    Changing(Py<PyAny>),
}

impl Secret {
    fn new(credential: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(credential) = credential else {
            return Ok(Self::None);
        };
        if let Ok(sas) = credential.cast::<PyString>() {
            return Ok(Self::Sas(sas.to_string()));
        }
        if credential.is_callable() {
            return Ok(Self::Tokens(credential.clone().unbind()));
        }
        if credential.hasattr(intern!(credential.py(), "named_key"))?
            || credential.hasattr(intern!(credential.py(), "signature"))?
        {
            return Ok(Self::Changing(credential.clone().unbind()));
        }
        match credential.extract() {
            Ok((account, key)) => Ok(Self::Key { account, key }),
            // Without the argument, which may hold a secret.
            Err(_) => Err(PyTypeError::new_err(
                "credential must be a callable, an (account, key) pair, a SAS as str, or None",
            )),
        }
    }

    /// What it is at the moment.
    fn now(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        let Self::Changing(credential) = self else {
            return Ok(None);
        };
        let credential = credential.bind(py);
        Ok(Some(match credential.getattr(intern!(py, "named_key")) {
            Ok(named_key) => {
                let (account, key) = named_key.extract()?;
                Self::Key {
                    account: Some(account),
                    key,
                }
            }
            Err(_) => Self::Sas(credential.getattr(intern!(py, "signature"))?.extract()?),
        }))
    }

    fn credential(&self, endpoint: &Endpoint) -> Result<Credential, engine::InvalidInput> {
        match self {
            Self::None => Ok(Credential::anonymous()),
            Self::Sas(sas) => Credential::sas(sas),
            Self::Key { account, key } => {
                Credential::shared_key(account.as_deref().unwrap_or(endpoint.account()), key)
            }
            Self::Tokens(_) => Ok(Credential::token()),
            Self::Changing(_) => unreachable!("it was asked what it is"),
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Sas(_) => "Sas",
            Self::Key { .. } => "Key",
            Self::Tokens(_) => "Tokens",
            Self::Changing(_) => "Changing",
        })
    }
}
