//! Set Blob Tier: <https://learn.microsoft.com/rest/api/storageservices/set-blob-tier>

use std::str::FromStr;

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
use crate::{
    error::{InvalidInput, Result},
    http::Request,
};

/// How soon a blob is to be out of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehydratePriority {
    /// Within 15 hours.
    Standard,
    /// Within an hour, for blobs of up to 10 GB; it costs more.
    High,
}

impl RehydratePriority {
    fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::High => "High",
        }
    }
}

impl FromStr for RehydratePriority {
    type Err = InvalidInput;

    fn from_str(name: &str) -> Result<Self, InvalidInput> {
        [Self::Standard, Self::High]
            .into_iter()
            .find(|priority| priority.as_str() == name)
            .ok_or_else(|| {
                InvalidInput::new(format!(
                    "unknown rehydrate_priority {name:?}; choose Standard, High"
                ))
            })
    }
}

/// Moves a blob to another access tier. Out of the archive that takes hours, during which the blob still
/// cannot be read.
#[derive(Clone, Debug)]
pub struct SetTier {
    /// The new tier.
    pub tier: Tier,
    /// How soon it is out of the archive; the service's default otherwise.
    pub priority: Option<RehydratePriority>,
    /// Of these the service looks at lease and tags alone.
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
        let mut request = self
            .address
            .request("PUT")
            .query("comp", "tier")
            .header("x-ms-access-tier", self.options.tier.as_str());
        if let Some(priority) = self.options.priority {
            request = request.header("x-ms-rehydrate-priority", priority.as_str());
        }
        self.options.conditions.apply_lease_and_tags(request)
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
