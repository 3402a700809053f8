//! Access tiers.

use super::call::Call;
use super::conditions;
use crate::clock::Timestamp;
use crate::errors::{self, Failure};
use crate::http::{Answer, Request};
use crate::store::{Blob, Tier};

/// Reads `x-ms-access-tier`.
pub(super) fn from_header(request: &Request<'_>) -> Result<Option<Tier>, Failure> {
    let tier = request.filled_header("x-ms-access-tier").map(|text| {
        Tier::parse(text).ok_or_else(|| {
            let error = errors::INVALID_HEADER_VALUE.error();
            Failure::from(
                error
                    .detail("HeaderName", "x-ms-access-tier")
                    .detail("HeaderValue", text),
            )
        })
    });
    tier.transpose()
}

/// Set Blob Tier. Out of the archive it takes hours in Azure (202), and no time here.
pub(super) fn set(call: &Call<'_>) -> Result<Answer, Failure> {
    let tier = from_header(call.request)?.ok_or(errors::MISSING_REQUIRED_HEADER)?;
    let container = call.container()?;
    let mut contents = container.contents.write();
    conditions::check_lease(call.request, &contents, call.blob_name())?;
    let blob = contents
        .blobs
        .get_mut(call.blob_name())
        .ok_or(errors::BLOB_NOT_FOUND)?;
    let thaws = blob.tier() == Tier::Archive && tier != Tier::Archive;
    let changed = Some(Timestamp::now());
    *blob = Blob {
        tier: Some(tier),
        tier_changed: changed,
        ..Blob::clone(blob)
    }
    .into();
    Ok(Answer::new(if thaws { 202 } else { 200 }))
}
