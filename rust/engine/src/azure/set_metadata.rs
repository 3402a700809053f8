//! Set Blob Metadata: <https://learn.microsoft.com/rest/api/storageservices/set-blob-metadata>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    encryption::Encrypts,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation, Updated},
    write_options::{apply_metadata, validate_metadata},
};
use crate::{
    error::{InvalidInput, Result},
    http::Request,
};

/// Replaces all metadata of a blob.
#[derive(Clone, Debug)]
pub struct SetMetadata {
    metadata: Vec<(String, String)>,
    conditions: Conditions,
}

impl SetMetadata {
    /// The blob will have this metadata and no other.
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
    options: &'a SetMetadata,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn encrypts(&self) -> Encrypts {
        Encrypts::Writing
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = Request::new("PUT", &*self.path).query("comp", "metadata");
        let request = self.options.conditions.apply(request);
        apply_metadata(request, &self.options.metadata)
    }
}

impl SmallOperation for SetMetadata {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(blob);
        let options = &*self;
        let (head, _) = session.call(attempts, &mut Call { path, options })?;
        Ok(Answer::Updated(Updated::read(&head)))
    }
}
