//! Set Container Metadata:
//! <https://learn.microsoft.com/rest/api/storageservices/set-container-metadata>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
    write_options::{apply_metadata, validate_metadata},
};
use crate::{
    error::{InvalidInput, Result},
    http::Request,
};

/// Replaces all metadata of a container.
#[derive(Clone, Debug)]
pub struct SetContainerMetadata {
    metadata: Vec<(String, String)>,
    conditions: Conditions,
}

impl SetContainerMetadata {
    /// The container will have this metadata and no other; of the conditions the lease alone is sent.
    ///
    /// # Errors
    /// As for [`WriteOptions`](super::WriteOptions).
    pub fn new(
        metadata: Vec<(String, String)>,
        conditions: Conditions,
    ) -> Result<Self, InvalidInput> {
        validate_metadata(&metadata)?;
        Ok(Self {
            metadata,
            conditions,
        })
    }
}

struct Call<'a> {
    path: String,
    options: &'a SetContainerMetadata,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = Request::new("PUT", &*self.path)
            .query("restype", "container")
            .query("comp", "metadata");
        let request = self.options.conditions.apply_lease(request);
        apply_metadata(request, &self.options.metadata)
    }
}

impl SmallOperation for SetContainerMetadata {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        container: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(container);
        let options = &*self;
        session.call(attempts, &mut Call { path, options })?;
        Ok(Answer::Done)
    }

    fn needs_a_name(&self) -> bool {
        false
    }
}
