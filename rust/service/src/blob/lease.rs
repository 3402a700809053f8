//! Lease Blob.

use std::time::Duration;

use super::call::Call;
use super::conditions;
use crate::errors::{self, Failure, Known};
use crate::http::Answer;
use crate::random::random_guid;
use crate::store::{Contents, Lease};

/// Acquires, renews, changes, releases or breaks a lease.
pub(super) fn lease(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
    let name = call.blob_name();
    let mut contents = container.contents.write();
    let blob = contents
        .blobs
        .get(name)
        .ok_or(errors::BLOB_NOT_FOUND)?
        .clone();
    conditions::check_conditions(call.request, &blob)?;
    let mut answer = match call.request.header("x-ms-lease-action") {
        Some("acquire") => acquire(call, &mut contents)?,
        Some("renew") => renew(call, &mut contents)?,
        Some("change") => change(call, &mut contents)?,
        Some("release") => {
            held(call, &mut contents)?;
            contents.leases.remove(name);
            Answer::new(200)
        }
        Some("break") => break_up(call, &mut contents)?,
        Some(_) => return Err(errors::INVALID_HEADER_VALUE.into()),
        None => return Err(errors::MISSING_REQUIRED_HEADER.into()),
    };
    answer.header("ETag", &blob.etag);
    answer.header("Last-Modified", &blob.modified.to_http());
    Ok(answer)
}

fn acquire(call: &Call<'_>, contents: &mut Contents) -> Result<Answer, Failure> {
    let duration = match call
        .request
        .header("x-ms-lease-duration")
        .and_then(|text| text.parse().ok())
    {
        Some(-1) => None,
        Some(seconds @ 15..=60) => Some(Duration::from_secs(seconds as u64)),
        _ => return Err(errors::INVALID_HEADER_VALUE.into()),
    };
    let proposed = call.request.filled_header("x-ms-proposed-lease-id");
    let current = contents
        .leases
        .get(call.blob_name())
        .filter(|lease| lease.state().locks());
    if current.is_some_and(|lease| Some(&*lease.id) != proposed) {
        return Err(errors::LEASE_ALREADY_PRESENT.into());
    }
    let id = match proposed {
        Some(id) => id.to_owned(),
        None => random_guid()?,
    };
    let mut answer = Answer::new(201);
    answer.header("x-ms-lease-id", &id);
    contents
        .leases
        .insert(call.blob_name().to_owned(), Lease::begin(id, duration));
    Ok(answer)
}

fn renew(call: &Call<'_>, contents: &mut Contents) -> Result<Answer, Failure> {
    let lease = held(call, contents)?;
    *lease = Lease::begin(lease.id.clone(), lease.duration);
    let mut answer = Answer::new(200);
    answer.header("x-ms-lease-id", &lease.id);
    Ok(answer)
}

fn change(call: &Call<'_>, contents: &mut Contents) -> Result<Answer, Failure> {
    let proposed = call.request.filled_header("x-ms-proposed-lease-id");
    let proposed = proposed.ok_or(errors::MISSING_REQUIRED_HEADER)?;
    let lease = held(call, contents)?;
    proposed.clone_into(&mut lease.id);
    let mut answer = Answer::new(200);
    answer.header("x-ms-lease-id", proposed);
    Ok(answer)
}

fn break_up(call: &Call<'_>, contents: &mut Contents) -> Result<Answer, Failure> {
    let lease = contents
        .leases
        .get_mut(call.blob_name())
        .ok_or(errors::LEASE_NOT_PRESENT_WITH_LEASE)?;
    let period = match call.request.filled_header("x-ms-lease-break-period") {
        None => None,
        Some(text) => match text.parse() {
            Ok(seconds @ 0..=60) => Some(Duration::from_secs(seconds)),
            _ => return Err(errors::INVALID_HEADER_VALUE.into()),
        },
    };
    let left = lease.break_after(period);
    let mut answer = Answer::new(202);
    answer.header("x-ms-lease-time", &left.as_secs().to_string());
    Ok(answer)
}

/// The lease whose id the request gives.
fn held<'c>(call: &Call<'_>, contents: &'c mut Contents) -> Result<&'c mut Lease, Failure> {
    let refuse = |known: Known| Err(known.into());
    let Some(id) = call.request.filled_header("x-ms-lease-id") else {
        return refuse(errors::MISSING_REQUIRED_HEADER);
    };
    match contents.leases.get_mut(call.blob_name()) {
        None => refuse(errors::LEASE_NOT_PRESENT_WITH_LEASE),
        Some(lease) if !lease.id.eq_ignore_ascii_case(id) => {
            refuse(errors::LEASE_ID_MISMATCH_WITH_LEASE)
        }
        Some(lease) => Ok(lease),
    }
}
