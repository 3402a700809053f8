//! Delete Blob: <https://learn.microsoft.com/rest/api/storageservices/delete-blob>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::{Error, Result},
    http::Request,
};

/// Deletes a blob.
#[derive(Clone, Debug, Default)]
pub struct DeleteBlob {
    /// A blob that is not there is no error.
    pub missing_ok: bool,
    /// What must hold of it.
    pub conditions: Conditions,
}

impl DeleteBlob {
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

pub(super) struct Call<'a> {
    pub(super) path: String,
    pub(super) conditions: &'a Conditions,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[202]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        self.conditions.apply(Request::new("DELETE", &*self.path))
    }
}

impl SmallOperation for DeleteBlob {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(blob);
        let conditions = &self.conditions;
        match session.call(attempts, &mut Call { path, conditions }) {
            Ok(_) => Ok(Answer::Done),
            Err(error) => self.accepts(&error, attempts.ambiguous).ok_or(error),
        }
    }
}
