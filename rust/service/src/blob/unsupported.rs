//! What the service does not offer. It says so: doing something else, such as reading the current blob
//! where a snapshot is asked for, would hide mistakes of clients.

use std::borrow::Cow;

use crate::errors::{self, Failure};
use crate::http::Request;

/// Parameters that change what an operation is about.
const PARAMETERS: [(&str, &str); 6] = [
    ("deletetype", "soft delete"),
    ("prevsnapshot", "snapshots"),
    ("showonly", "soft delete"),
    ("snapshot", "snapshots"),
    ("startfrom", "lists that start in the middle"),
    ("versionid", "versions"),
];

/// The same for headers.
const HEADERS: [(&str, &str); 10] = [
    ("x-ms-default-encryption-scope", "encryption scopes"),
    ("x-ms-encryption-key", "keys of customers"),
    ("x-ms-encryption-scope", "encryption scopes"),
    ("x-ms-expiry-option", "blobs that expire"),
    ("x-ms-immutability-policy-mode", "immutability policies"),
    (
        "x-ms-immutability-policy-until-date",
        "immutability policies",
    ),
    ("x-ms-legal-hold", "legal holds"),
    ("x-ms-rehydrate-target-tier", "rehydration by copy"),
    ("x-ms-seal-blob", "append blobs"),
    ("x-ms-source-encryption-key", "keys of customers"),
];

/// Refuses a request that asks for more than its operation does here.
pub(super) fn check(request: &Request<'_>) -> Result<(), Failure> {
    check_parameters(&request.query)?;
    let header = HEADERS
        .iter()
        .find(|(name, _)| request.filled_header(name).is_some());
    if let Some((_, what)) = header {
        return Err(errors::not_offered(what));
    }
    if request.header("x-ms-delete-snapshots") == Some("only") {
        return Err(errors::not_offered("snapshots"));
    }
    Ok(())
}

/// The same for the query alone, which the URL of a copy's source has as well.
pub(super) fn check_parameters(query: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<(), Failure> {
    let named = PARAMETERS
        .iter()
        .find(|(name, _)| query.iter().any(|(key, _)| key.eq_ignore_ascii_case(name)));
    match named {
        Some((_, what)) => Err(errors::not_offered(what)),
        None => Ok(()),
    }
}
