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
        Tier::parse(text).ok_or_else(|| errors::invalid_header("x-ms-access-tier", text))
    });
    tier.transpose()
}

/// Set Blob Tier. Out of the archive it takes hours in Azure (202), and for ever here.
pub(super) fn set(call: &Call<'_>) -> Result<Answer, Failure> {
    let tier = from_header(call.request)?.ok_or(errors::MISSING_REQUIRED_HEADER)?;
    let priority = match call.request.filled_header("x-ms-rehydrate-priority") {
        None | Some("Standard") => "Standard",
        Some("High") => "High",
        Some(other) => return Err(errors::invalid_header("x-ms-rehydrate-priority", other)),
    };
    let container = call.container()?;
    let name = call.blob_name();
    let mut contents = container.contents.write();
    let blob = contents.blobs.get(name).ok_or(errors::BLOB_NOT_FOUND)?;
    conditions::check_change(call.request, &contents, name, blob)?;
    if blob.rehydrates_to.is_some() {
        return Err(errors::BLOB_BEING_REHYDRATED.into());
    }
    let mut blob = Blob::clone(blob);
    let rehydrates = blob.tier() == Tier::Archive && tier != Tier::Archive;
    if rehydrates {
        blob.rehydrates_to = Some(tier);
        blob.rehydrate_priority = priority;
    } else {
        blob.tier = Some(tier);
        blob.tier_changed = Some(Timestamp::now());
    }
    contents.blobs.insert(name.to_owned(), blob.into());
    Ok(Answer::new(if rehydrates { 202 } else { 200 }))
}
