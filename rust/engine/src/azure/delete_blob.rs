//! Delete Blob: <https://learn.microsoft.com/rest/api/storageservices/delete-blob>

use std::str::FromStr;

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    known_versions::require_versions,
    redaction::shown_path,
    revision::Address,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::{Error, InvalidInput, Result},
    http::Request,
};

/// What becomes of the snapshots of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteSnapshots {
    /// They are deleted with it.
    Include,
    /// They are deleted, and the blob stays.
    Only,
}

impl FromStr for DeleteSnapshots {
    type Err = InvalidInput;

    fn from_str(word: &str) -> Result<Self, InvalidInput> {
        match word {
            "include" => Ok(Self::Include),
            "only" => Ok(Self::Only),
            other => Err(InvalidInput::new(format!(
                "snapshots is {other:?}; choose 'include', 'only' or None"
            ))),
        }
    }
}

/// Deletes a blob, a version or a snapshot.
#[derive(Clone, Debug, Default)]
pub struct DeleteBlob {
    /// A blob that is not there is no error.
    pub missing_ok: bool,
    /// None: a blob that has snapshots is not deleted.
    pub snapshots: Option<DeleteSnapshots>,
    /// What must hold of it.
    pub conditions: Conditions,
}

impl DeleteBlob {
    /// Refuses what the service would.
    pub(crate) fn validate(&self, blob: &BlobRef) -> Result<(), InvalidInput> {
        blob.require_not_deleted()?;
        if self.snapshots.is_some() && blob.revision().is_some() {
            return Err(InvalidInput::new(format!(
                "snapshots= is about all snapshots of a blob, and {:?} names one of its states",
                shown_path(&blob.to_string())
            )));
        }
        Ok(())
    }

    /// The request that deletes what is there.
    pub(super) fn request<'r>(&'r self, address: &'r Address) -> Request<'r> {
        let request = self.conditions.apply(address.request("DELETE"));
        match self.snapshots {
            Some(DeleteSnapshots::Include) => request.header("x-ms-delete-snapshots", "include"),
            Some(DeleteSnapshots::Only) => request.header("x-ms-delete-snapshots", "only"),
            None => request,
        }
    }

    /// What an error means that the blob, or its container, is not there, if that is as it should be;
    /// `ambiguous`: an earlier attempt may have deleted it.
    pub(crate) fn accepts(&self, error: &Error, ambiguous: bool) -> Option<Answer> {
        match error.code() {
            Some("BlobNotFound") if ambiguous => Some(Answer::Done),
            Some("BlobNotFound" | "ContainerNotFound") if self.missing_ok => Some(Answer::Missing),
            _ => None,
        }
    }
}

struct Call<'a> {
    address: Address,
    delete: &'a DeleteBlob,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[202]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        self.delete.request(&self.address)
    }
}

impl SmallOperation for DeleteBlob {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        require_versions(session, blob)?;
        let address = session.account.endpoint.address_of(blob);
        let delete = &*self;
        match session.call(attempts, &mut Call { address, delete }) {
            Ok(_) => Ok(Answer::Done),
            Err(error) => self.accepts(&error, attempts.ambiguous).ok_or(error),
        }
    }
}
