//! The client of an account: what can be done with its blobs.

use std::sync::Arc;

use crate::{
    account::Account,
    blob::{self, BlobProperties},
    cancel::SignalPoll,
    config::Config,
    error::{InvalidInput, Result},
    listing::Listing,
    path::BlobPath,
    session::Session,
    transfer::{Batch, Job, OnError, Outcome, delete_blob},
};

/// Moves blobs of one account. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Client(Arc<Account>);

impl Client {
    /// Opens no connection and asks for no token yet.
    ///
    /// # Errors
    /// Where the configuration contradicts itself or the environment.
    pub fn new(config: Config) -> Result<Self, InvalidInput> {
        Account::new(config).map(|account| Self(Arc::new(account)))
    }

    /// Moves one item, beginning on the calling thread: a small one never leaves it.
    pub fn run(&self, job: Job, signals: SignalPoll<'_>) -> Outcome {
        Batch::new(Arc::clone(&self.0), OnError::Collect).run_here(job, signals)
    }

    /// Begins a call of any number of items.
    pub fn batch(&self, on_error: OnError) -> Batch {
        Batch::new(Arc::clone(&self.0), on_error)
    }

    /// Properties and metadata of a blob.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no such blob.
    pub fn properties(&self, blob: &BlobPath, signals: SignalPoll<'_>) -> Result<BlobProperties> {
        blob.require_name()?;
        self.session(blob, signals, |session| blob::properties(session, blob))
    }

    /// Deletes a blob.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is no such blob.
    pub fn delete(&self, blob: &BlobPath, signals: SignalPoll<'_>) -> Result<()> {
        blob.require_name()?;
        self.session(blob, signals, |session| delete_blob(session, blob))
    }

    /// Copies a blob within the account, without its bytes passing through here; waits for the end.
    ///
    /// # Errors
    /// As of an upload to `target`; the error names the source where that is missing.
    pub fn copy(
        &self,
        source: &BlobPath,
        target: &BlobPath,
        overwrite: bool,
        signals: SignalPoll<'_>,
    ) -> Result<BlobProperties> {
        source.require_name()?;
        target.require_name()?;
        self.session(target, signals, |session| {
            blob::copy(session, source, target, overwrite)
        })
    }

    /// Lists what is below a prefix, which stands for whole segments of names like a directory; with
    /// `one_level` what is directly below it.
    pub fn list(&self, prefix: &BlobPath, one_level: bool) -> Listing {
        Listing::new(Arc::clone(&self.0), prefix.clone(), one_level)
    }

    fn session<T>(
        &self,
        blob: &BlobPath,
        signals: SignalPoll<'_>,
        operation: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        Session::run(&self.0, signals, operation).map_err(|error| error.with_blob(blob))
    }
}
