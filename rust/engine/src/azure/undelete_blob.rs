//! Undelete Blob: <https://learn.microsoft.com/rest/api/storageservices/undelete-blob>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{error::Result, http::Request};

/// Brings a blob back that was deleted, and its snapshots and versions that were.
#[derive(Clone, Copy, Debug)]
pub struct UndeleteBlob;

struct Call {
    path: String,
}

impl Operation for Call {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        Request::new("PUT", &*self.path).query("comp", "undelete")
    }
}

impl SmallOperation for UndeleteBlob {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(blob);
        session.call(attempts, &mut Call { path })?;
        Ok(Answer::Done)
    }

    /// A list has each deleted state of a blob, all of which come back at once: to name several is fine.
    fn changes(&self) -> bool {
        false
    }
}
