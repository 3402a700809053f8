//! Put Block: <https://learn.microsoft.com/rest/api/storageservices/put-block>

use super::{
    session::{Attempts, Session},
    verified_content::{Content, Put, Verified},
};
use crate::{error::Result, http::Request};

/// A piece of content that is part of no blob yet.
#[derive(Debug)]
pub(crate) struct PutBlock<'a> {
    pub(crate) path: &'a str,
    pub(crate) id: &'a str,
    pub(crate) lease: Option<&'a str>,
}

impl Put for &PutBlock<'_> {
    fn request(&self) -> Request<'_> {
        let request = Request::new("PUT", self.path)
            .query("comp", "block")
            .query("blockid", self.id);
        match self.lease {
            Some(lease) => request.header("x-ms-lease-id", lease),
            None => request,
        }
    }

    fn may_be_repeated(&self) -> bool {
        true
    }
}

impl PutBlock<'_> {
    /// Returns the CRC64 of the content.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
        content: Content,
    ) -> Result<u64> {
        let (crc64, _) = Verified::new(self, content).send(session, attempts)?;
        Ok(crc64)
    }
}
