//! Put Block: <https://learn.microsoft.com/rest/api/storageservices/put-block>

use super::{
    attempts::Attempts,
    other_type,
    session::Session,
    verified_content::{Content, Put, Verified},
    write_options::WriteOptions,
};
use crate::{error::Result, http::Request};

/// A piece of content that is part of no blob yet.
#[derive(Debug)]
pub(crate) struct PutBlock<'a> {
    pub(crate) path: &'a str,
    pub(crate) id: &'a str,
    /// Of the blob that it is to be a part of.
    pub(crate) options: &'a WriteOptions,
}

impl Put for &PutBlock<'_> {
    fn request(&self) -> Request<'_> {
        let request = Request::new("PUT", self.path)
            .query("comp", "block")
            .query("blockid", self.id);
        self.options.conditions.apply_lease(request)
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
        match Verified::new(self, content).send(session, attempts) {
            Ok((crc64, _)) => Ok(crc64),
            Err(error) => {
                let error = self.options.explain(error);
                Err(other_type::explain(session, self.path, error))
            }
        }
    }
}
