//! Snapshot Blob: <https://learn.microsoft.com/rest/api/storageservices/snapshot-blob>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    encryption::Encrypts,
    revision::Revision,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
    write_options::{apply_metadata, validate_metadata},
};
use crate::{
    error::{Error, ErrorKind, InvalidInput, Result},
    http::Request,
};

/// Takes a snapshot of a blob. Where an answer gets lost, there may be two of them.
#[derive(Clone, Debug)]
pub struct SnapshotBlob {
    metadata: Vec<(String, String)>,
    conditions: Conditions,
}

impl SnapshotBlob {
    /// The snapshot will have this metadata; where it is empty, the blob's.
    ///
    /// # Errors
    /// As for [`WriteOptions`](super::WriteOptions).
    pub fn new(
        metadata: Vec<(String, String)>,
        conditions: Conditions,
    ) -> Result<Self, InvalidInput> {
        validate_metadata(&metadata)?;
        conditions.validate()?;
        Ok(Self {
            metadata,
            conditions,
        })
    }
}

struct Call<'a> {
    path: String,
    options: &'a SnapshotBlob,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[201]
    }

    fn encrypts(&self) -> Encrypts {
        Encrypts::Writing
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = Request::new("PUT", &*self.path).query("comp", "snapshot");
        let request = self.options.conditions.apply(request);
        apply_metadata(request, &self.options.metadata)
    }
}

impl SmallOperation for SnapshotBlob {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(blob);
        let options = &*self;
        let (head, _) = session.call(attempts, &mut Call { path, options })?;
        let taken = head.get("x-ms-snapshot").unwrap_or_default().to_owned();
        match blob.clone().at(Revision::Snapshot(taken)) {
            Ok(snapshot) => Ok(Answer::Snapshot(snapshot)),
            Err(_) => Err(Error::new(
                ErrorKind::Service,
                "a snapshot was taken, but the answer does not tell which",
            )),
        }
    }
}
