//! Put Block From URL: <https://learn.microsoft.com/rest/api/storageservices/put-block-from-url>

use super::{
    attempts::Attempts,
    copy_source::{Authorized, CopiedBlob},
    session::{Operation, Session},
    write_options::WriteOptions,
};
use crate::{checksum::decode_crc64, error::Result, http::Request};

/// Makes a block of a piece of another blob.
#[derive(Debug)]
pub(crate) struct PutBlockFromUrl<'a> {
    pub(crate) path: &'a str,
    pub(crate) id: &'a str,
    pub(crate) source: &'a CopiedBlob,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// Of the blob that it is to be a part of.
    pub(crate) options: &'a WriteOptions,
}

struct Call<'a> {
    put: &'a PutBlockFromUrl<'a>,
    authorized: Authorized,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[201]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let put = self.put;
        let last = put.offset + put.length - 1;
        let request = Request::new("PUT", put.path)
            .query("comp", "block")
            .query("blockid", put.id)
            .header("x-ms-source-range", format!("bytes={}-{last}", put.offset));
        let request = put.options.conditions.apply_lease(request);
        put.source.apply(request, &self.authorized)
    }
}

impl PutBlockFromUrl<'_> {
    /// Returns the CRC64 of the content, where the service says it.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
    ) -> Result<Option<u64>> {
        let authorized = self.source.authorized(session)?;
        let mut call = Call {
            put: self,
            authorized,
        };
        match session.call(attempts, &mut call) {
            Ok((head, _)) => Ok(head.get("x-ms-content-crc64").and_then(decode_crc64)),
            Err(error) => Err(self.options.explain(self.source.explain(error))),
        }
    }
}
