//! Set Blob Tier: <https://learn.microsoft.com/rest/api/storageservices/set-blob-tier>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    known_versions::require_versions,
    revision::Address,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
    write_options::Tier,
};
use crate::{error::Result, http::Request};

/// Moves a blob to another access tier. Out of the archive that takes hours, during which the blob still
/// cannot be read.
#[derive(Clone, Debug)]
pub struct SetTier {
    /// The new tier.
    pub tier: Tier,
    /// Of these the service looks at the lease alone.
    pub conditions: Conditions,
}

struct Call<'a> {
    address: Address,
    options: &'a SetTier,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        // 202: out of the archive.
        &[200, 202]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = self
            .address
            .request("PUT")
            .query("comp", "tier")
            .header("x-ms-access-tier", self.options.tier.as_str());
        self.options.conditions.apply_lease(request)
    }
}

impl SmallOperation for SetTier {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        require_versions(session, blob)?;
        let address = session.account.endpoint.address_of(blob);
        session.call(
            attempts,
            &mut Call {
                address,
                options: self,
            },
        )?;
        Ok(Answer::Done)
    }

    fn takes_revisions(&self) -> bool {
        true
    }
}
