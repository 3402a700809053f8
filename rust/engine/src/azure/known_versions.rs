//! Whether the endpoint knows versions at all.
//!
//! One that does names the version in its answer. Azurite and older services take no notice of the id in a
//! request, and the blob itself for what is meant: that would be read, or deleted, in place of the version.

use std::sync::atomic::Ordering;

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    error_response,
    redaction::Secrets,
    revision::{Address, Revision},
    session::{Operation, Session},
};
use crate::{
    error::{ErrorKind, Result},
    http::{Request, ResponseHead},
};

/// Refuses an answer that is not about the version that was asked for.
pub(crate) fn check_version(head: &ResponseHead, blob: &BlobRef, session: &Session) -> Result<()> {
    let Some(Revision::Version(asked)) = blob.revision() else {
        return Ok(());
    };
    if head.get("x-ms-version-id") == Some(asked) {
        session
            .account
            .knows_versions
            .store(true, Ordering::Relaxed);
        return Ok(());
    }
    let secrets = Secrets::new(&session.account.credential(), None);
    let message = "the answer is about another version than the one asked for, or the service knows no \
                   versions (is it Azurite?)";
    Err(error_response::about(
        head,
        &secrets,
        ErrorKind::Service,
        message,
    ))
}

/// Asks for the properties of a version, to see whether the answer is about it.
struct Probe {
    address: Address,
}

impl Operation for Probe {
    /// Any success: what is no answer about a blob says nothing about versions.
    fn expected(&self) -> &[u16] {
        &[200, 201, 202, 204, 206]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        self.address.request("HEAD")
    }
}

/// Before a version is named in a request whose answer does not tell: makes sure that the endpoint knows
/// versions, with one request for all that follow.
pub(super) fn require_versions(session: &mut Session, blob: &BlobRef) -> Result<()> {
    let is_version = matches!(blob.revision(), Some(Revision::Version(_)));
    if !is_version || session.account.knows_versions.load(Ordering::Relaxed) {
        return Ok(());
    }
    let address = session.account.endpoint.address_of(blob);
    match session.call(&mut Attempts::default(), &mut Probe { address }) {
        // Only what has an ETag is a blob, and may be another one than is meant.
        Ok((head, _)) if head.get("etag").is_some() => check_version(&head, blob, session),
        Ok(_) => Ok(()),
        // There is no such version, or it may not be read: the request itself will tell.
        Err(error) if error.status().is_some() => Ok(()),
        Err(error) => Err(error),
    }
}
