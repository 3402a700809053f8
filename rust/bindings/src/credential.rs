//! Tokens from a Python callable.

use std::{
    error::Error,
    time::{Duration, UNIX_EPOCH},
};

use fastblob_engine::{Token, TokenProvider};
use pyo3::prelude::*;

/// Calls `callable(claims) -> (token, seconds since the epoch when it expires)`. The engine keeps
/// the token and lets one thread at a time ask for the next.
#[derive(Debug)]
pub(crate) struct TokenCallable(pub(crate) Py<PyAny>);

impl TokenProvider for TokenCallable {
    fn token(&self, claims: Option<&str>) -> Result<Token, Box<dyn Error + Send + Sync>> {
        // In an interpreter that shuts down, attaching would never come back.
        Python::try_attach(|py| {
            let answer = self.0.call1(py, (claims,))?;
            let (secret, expires_on): (String, f64) = answer.extract(py)?;
            let expires_on = Duration::try_from_secs_f64(expires_on).map_err(|_| {
                format!("the credential's token expires at {expires_on}, which is no time")
            })?;
            Ok(Token {
                secret,
                expires_on: UNIX_EPOCH + expires_on,
            })
        })
        .unwrap_or_else(|| Err("Python is shutting down".into()))
    }
}
