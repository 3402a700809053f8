//! Put Blob From URL: <https://learn.microsoft.com/rest/api/storageservices/put-blob-from-url>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    copy_source::{Authorized, CopiedBlob},
    creation::was_created_since,
    get_properties::get_properties,
    put_blob::is_as_sent,
    session::{Operation, Session},
    write_options::WriteOptions,
};
use crate::{
    azure::Conditions,
    error::{ErrorKind, Result},
    http::{Request, ResponseHead},
};

/// Makes a blob of another one with one request.
#[derive(Debug)]
pub(crate) struct PutBlobFromUrl<'a> {
    pub(crate) blob: &'a BlobRef,
    pub(crate) path: &'a str,
    pub(crate) source: &'a CopiedBlob,
    pub(crate) options: &'a WriteOptions,
}

struct Call<'a> {
    put: &'a PutBlobFromUrl<'a>,
    /// What is said of the new blob; the rest is as it is with the source.
    options: WriteOptions,
    authorized: Authorized,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[201]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = Request::new("PUT", self.put.path).header("x-ms-blob-type", "BlockBlob");
        let request = self.options.apply(request);
        self.put.source.apply(request, &self.authorized)
    }
}

impl PutBlobFromUrl<'_> {
    /// Returns the head of an answer that has the new blob's ETag.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
    ) -> Result<ResponseHead> {
        let authorized = self.source.authorized(session)?;
        let mut call = Call {
            put: self,
            options: self.source.with_all_headers(self.options),
            authorized,
        };
        let error = match session.call(attempts, &mut call) {
            Ok((head, _)) => return Ok(head),
            Err(error) => self.options.explain(self.source.explain(error)),
        };
        if error.kind() == ErrorKind::AlreadyExists && self.options.creates() && attempts.ambiguous
        {
            // An earlier attempt may have succeeded without our learning of it.
            return self.find_ours(session, attempts)?.ok_or(error);
        }
        Err(error)
    }

    /// The blob that is there, if there is no doubt that an attempt of ours has made it: it was created since,
    /// and all of it is as it is with the source, the MD5 of the content included.
    fn find_ours(
        &self,
        session: &mut Session,
        attempts: &Attempts,
    ) -> Result<Option<ResponseHead>> {
        let none = Conditions::default();
        let (found, head) = get_properties(session, &mut Attempts::default(), self.blob, &none)?;
        let same_content = found.size == self.source.size()
            && found.content_md5.is_some()
            && found.content_md5.as_deref() == self.source.content_md5();
        let ours = same_content
            && was_created_since(&found, &head, attempts.first())
            && is_as_sent(&found, &self.source.complete(self.options));
        Ok(ours.then_some(head))
    }
}
