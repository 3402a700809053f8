//! `sas_url`, `container_sas_url`, `account_sas_url`.

use fastblob_engine::{ContentHeaders, Job, Sas, SasOptions, SasScope, SasUrl};
use pyo3::prelude::*;

use crate::{
    blob::blob_of,
    engine::Engine,
    exceptions::invalid_input,
    results,
    values::{WriteOptions, moment},
};

#[pymethods]
impl Engine {
    /// Of a blob, or of a container. `headers` are the content headers of answers.
    #[pyo3(signature = (blob, is_container, permissions, start, expiry, ip, protocol, headers, watched = false))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn sas_url<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        is_container: bool,
        permissions: String,
        start: Option<&Bound<'py, PyAny>>,
        expiry: &Bound<'py, PyAny>,
        ip: Option<String>,
        protocol: Option<String>,
        headers: &Bound<'py, WriteOptions>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let scope = if is_container {
            SasScope::Container
        } else {
            SasScope::Blob
        };
        let content = headers.get().0.content.clone();
        let sas = sas(scope, permissions, start, expiry, ip, protocol, content)?;
        let blob = blob_of(blob)?;
        let operation = SasUrl::new(sas, &blob).map_err(invalid_input)?;
        let job = Job::sas_url(blob, operation);
        self.one(expiry.py(), job.into(), watched, results::url)
    }

    /// Of the account.
    #[pyo3(signature = (permissions, resource_types, start, expiry, ip, protocol))]
    fn account_sas_url(
        &self,
        permissions: String,
        resource_types: String,
        start: Option<&Bound<'_, PyAny>>,
        expiry: &Bound<'_, PyAny>,
        ip: Option<String>,
        protocol: Option<String>,
    ) -> PyResult<String> {
        let scope = SasScope::Account { resource_types };
        let none = ContentHeaders::default();
        let sas = sas(scope, permissions, start, expiry, ip, protocol, none)?;
        let signed = self.with(expiry.py(), |client, _| client.account_sas_url(sas))?;
        signed.map_err(invalid_input)
    }
}

fn sas(
    scope: SasScope,
    permissions: String,
    start: Option<&Bound<'_, PyAny>>,
    expiry: &Bound<'_, PyAny>,
    ip: Option<String>,
    protocol: Option<String>,
    content: ContentHeaders,
) -> PyResult<Sas> {
    Sas::new(SasOptions {
        scope,
        permissions,
        start: start.map(|time| moment("start", time)).transpose()?,
        expiry: moment("expiry", expiry)?,
        ip,
        protocol,
        content,
    })
    .map_err(invalid_input)
}
