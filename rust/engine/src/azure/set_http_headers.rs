//! Set Blob Properties: <https://learn.microsoft.com/rest/api/storageservices/set-blob-properties>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    content_headers::ContentHeaders,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation, Updated},
};
use crate::{
    error::{InvalidInput, Result},
    http::Request,
};

/// Replaces all headers of content that a blob keeps; the stored MD5, which the service would drop with
/// them, is lost.
#[derive(Clone, Debug)]
pub struct SetHttpHeaders {
    content: ContentHeaders,
    conditions: Conditions,
}

impl SetHttpHeaders {
    /// The blob will have these headers and no other.
    ///
    /// # Errors
    /// As for [`WriteOptions`](super::WriteOptions).
    pub fn new(content: ContentHeaders, conditions: Conditions) -> Result<Self, InvalidInput> {
        content.validate()?;
        conditions.validate()?;
        Ok(Self {
            content,
            conditions,
        })
    }
}

struct Call<'a> {
    path: String,
    options: &'a SetHttpHeaders,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = Request::new("PUT", &*self.path).query("comp", "properties");
        let request = self.options.conditions.apply(request);
        self.options.content.apply(request)
    }
}

impl SmallOperation for SetHttpHeaders {
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
