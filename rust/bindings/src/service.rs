//! The loopback service inside this process; `fastblob.local` is its public face.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use fastblob_service::{self as service, Action, Fault, Options};
use pyo3::{
    exceptions::{PyOSError, PyRuntimeError, PyValueError},
    prelude::*,
};

use crate::{fork::ProcessBound, native::enter};

/// The embedded loopback service.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Service(Mutex<Option<ProcessBound<service::Service>>>);

/// `(operation, method, path, after, times)` of a fault.
type Scope = (Option<String>, Option<String>, Option<String>, u32, u32);

/// `(method, target, operation, status, client_request_id, connection, range, content_crc64)` of a request.
type Request = (
    String,
    String,
    String,
    u16,
    Option<String>,
    u64,
    Option<String>,
    Option<String>,
);

#[pymethods]
impl Service {
    #[new]
    #[pyo3(signature = (
        *, containers, tls, port, account, account_key, directory, latency, bandwidth,
        token_lifetime, secrets
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn new(
        py: Python<'_>,
        containers: Vec<String>,
        tls: bool,
        port: u16,
        account: Option<String>,
        account_key: Option<String>,
        directory: Option<PathBuf>,
        latency: f64,
        bandwidth: Option<u64>,
        token_lifetime: f64,
        secrets: BTreeMap<String, String>,
    ) -> PyResult<Self> {
        let defaults = Options::default();
        let options = Options {
            tls,
            port,
            account: account.unwrap_or(defaults.account),
            account_key: account_key.unwrap_or(defaults.account_key),
            containers,
            directory,
            latency: seconds("latency", latency)?,
            bandwidth,
            token_lifetime: seconds("token_lifetime", token_lifetime)?,
            secrets,
        };
        let service = enter(py, |_| service::Service::start(options))?.map_err(|error| {
            PyOSError::new_err(format!("the service could not be started: {error}"))
        })?;
        Ok(Self(Mutex::new(Some(ProcessBound::new(service)))))
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let service = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        enter(py, |_| drop(service))
    }

    #[getter]
    fn blob_endpoint(&self) -> PyResult<String> {
        self.with(service::Service::blob_endpoint)
    }

    #[getter]
    fn vault_url(&self) -> PyResult<String> {
        self.with(service::Service::vault_url)
    }

    #[getter]
    fn identity_endpoint(&self) -> PyResult<String> {
        self.with(service::Service::identity_endpoint)
    }

    #[getter]
    fn identity_header(&self) -> PyResult<String> {
        self.with(|service| service.identity_header().to_owned())
    }

    #[getter]
    fn account(&self) -> PyResult<String> {
        self.with(|service| service.account().to_owned())
    }

    #[getter]
    fn account_key(&self) -> PyResult<String> {
        self.with(|service| service.account_key().to_owned())
    }

    #[getter]
    fn certificate_authority(&self) -> PyResult<String> {
        self.with(|service| service.certificate_authority().to_owned())
    }

    #[getter]
    fn server_certificate(&self) -> PyResult<String> {
        self.with(|service| service.server_certificate().to_owned())
    }

    #[getter]
    fn server_key(&self) -> PyResult<String> {
        self.with(|service| service.server_key().to_owned())
    }

    fn issue_token(&self, resource: &str, lifetime: f64) -> PyResult<String> {
        let lifetime = seconds("lifetime", lifetime)?;
        self.with(|service| service.issue_token(resource, lifetime))
    }

    fn create_container(&self, name: &str) -> PyResult<()> {
        self.with(|service| service.create_container(name))
    }

    fn set_secret(&self, name: &str, value: &str) -> PyResult<()> {
        self.with(|service| service.set_secret(name, value))?
            .map_err(PyErr::from)
    }

    fn disable_secret(&self, name: &str) -> PyResult<()> {
        self.with(|service| service.disable_secret(name))
    }

    fn expire_secret(&self, name: &str, at: SystemTime) -> PyResult<()> {
        self.with(|service| service.expire_secret(name, at))
    }

    fn add_fault(&self, scope: Scope, failure: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let (operation, method, path, after, times) = scope;
        let action = match failure {
            "status" => {
                let (status, code, headers) = value.extract()?;
                Action::Status {
                    status,
                    code,
                    headers,
                }
            }
            "delay" => Action::Delay(seconds("delay", value.extract()?)?),
            "reset" => Action::Reset { after_bytes: None },
            "reset_after" => Action::Reset {
                after_bytes: Some(value.extract()?),
            },
            "reset_upload_after" => Action::ResetUpload {
                after_bytes: value.extract()?,
            },
            "truncate_after" => Action::Truncate {
                after_bytes: value.extract()?,
            },
            "corrupt_at" => Action::Corrupt {
                at: value.extract()?,
            },
            "lose_answer" => Action::LoseAnswer,
            "trickle" => Action::Trickle {
                bytes_per_second: value.extract()?,
            },
            "answer_before_body" => {
                let (status, code, headers) = value.extract()?;
                Action::AnswerBeforeBody {
                    status,
                    code,
                    headers,
                }
            }
            "extra_bytes" => Action::ExtraBytes(value.extract()?),
            "replace_headers" => Action::ReplaceHeaders(value.extract()?),
            other => return Err(PyValueError::new_err(format!("unknown failure {other:?}"))),
        };
        let fault = Fault {
            operation,
            method,
            path,
            after,
            times,
            action,
        };
        self.with(|service| service.add_fault(fault))
    }

    fn clear_faults(&self) -> PyResult<()> {
        self.with(service::Service::clear_faults)
    }

    fn requests(&self) -> PyResult<Vec<Request>> {
        let records = self.with(service::Service::requests)?;
        Ok(records
            .into_iter()
            .map(|record| {
                (
                    record.method,
                    record.target,
                    record.operation.to_owned(),
                    record.status,
                    record.client_request_id,
                    record.connection,
                    record.range,
                    record.content_crc64,
                )
            })
            .collect())
    }

    fn request_counts(&self) -> PyResult<BTreeMap<String, u64>> {
        self.with(service::Service::request_counts)
    }

    fn clear_requests(&self) -> PyResult<()> {
        self.with(service::Service::clear_requests)
    }
}

impl Service {
    fn with<T>(&self, use_it: impl FnOnce(&service::Service) -> T) -> PyResult<T> {
        let service = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match service.as_ref().and_then(ProcessBound::get) {
            Some(service) => Ok(use_it(service)),
            None => Err(PyRuntimeError::new_err(
                "the service runs no more, or in another process",
            )),
        }
    }
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| {
        PyValueError::new_err(format!("{name} must be a number of seconds, got {value}"))
    })
}
