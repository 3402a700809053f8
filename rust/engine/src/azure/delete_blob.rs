//! Delete Blob: <https://learn.microsoft.com/rest/api/storageservices/delete-blob>

use super::{
    blob_ref::BlobRef,
    conditions::Conditions,
    session::{Attempts, Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{error::Result, http::Request};

/// Deletes a blob.
#[derive(Clone, Debug, Default)]
pub struct DeleteBlob {
    /// A blob that is not there is no error.
    pub missing_ok: bool,
    /// What must hold of it.
    pub conditions: Conditions,
}

impl DeleteBlob {
    /// Whether it can go into one request with others.
    pub(crate) fn can_be_batched(&self) -> bool {
        !self.missing_ok && self.conditions == Conditions::default()
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
        self.conditions
            .apply(Request::new("DELETE", self.path.clone()))
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
            Err(error) if error.code() == Some("BlobNotFound") => {
                // An earlier attempt may have done it.
                if self.missing_ok || attempts.ambiguous {
                    Ok(Answer::Done)
                } else {
                    Err(error)
                }
            }
            sent => sent.map(|_| Answer::Done),
        }
    }
}
