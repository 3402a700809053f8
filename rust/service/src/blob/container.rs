//! Containers themselves.

use std::io;

use super::call::Call;
use super::page::{self, Xml, write_text};
use super::{conditions, metadata};
use crate::errors::{self, Failure};
use crate::http::Answer;
use crate::store::{Container, PublicAccess};

/// The scope of containers that were given none.
const DEFAULT_SCOPE: &str = "$account-encryption-key";

/// Create Container.
pub(super) fn create(call: &Call<'_>) -> Result<Answer, Failure> {
    let name = call.container_name();
    if !is_container_name(name) {
        return Err(errors::INVALID_RESOURCE_NAME.into());
    }
    let metadata = metadata::from_headers(call.request)?;
    let access = match call.request.filled_header("x-ms-blob-public-access") {
        None => None,
        Some(text) => Some(PublicAccess::parse(text).ok_or(errors::INVALID_HEADER_VALUE)?),
    };
    let container = call.context.store.add_container(name, metadata, access);
    let container = container.ok_or(errors::CONTAINER_ALREADY_EXISTS)?;
    let mut answer = Answer::new(201);
    add_version(&mut answer, &container);
    Ok(answer)
}

/// 3 to 63 small letters, digits and single hyphens within; or one of the service's own.
fn is_container_name(name: &str) -> bool {
    if matches!(name, "$root" | "$web" | "$logs") {
        return true;
    }
    (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && name.split('-').all(|part| !part.is_empty())
}

/// Delete Container.
pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Failure> {
    conditions::check_container(call.request, &*call.container()?)?;
    let removed = call.context.store.remove_container(call.container_name());
    removed.ok_or(errors::CONTAINER_NOT_FOUND)?;
    Ok(Answer::new(202))
}

/// Get Container Properties.
pub(super) fn properties(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
    conditions::check_container_lease(call.request)?;
    let mut answer = Answer::new(200);
    add_version(&mut answer, &container);
    for (name, value) in &container.metadata {
        answer.header(&format!("x-ms-meta-{name}"), value);
    }
    answer.header("x-ms-lease-status", "unlocked");
    answer.header("x-ms-lease-state", "available");
    answer.optional_header(
        "x-ms-blob-public-access",
        container.access.map(PublicAccess::as_str),
    );
    answer.header("x-ms-default-encryption-scope", DEFAULT_SCOPE);
    answer.header("x-ms-deny-encryption-scope-override", "false");
    answer.header("x-ms-immutable-storage-with-versioning-enabled", "false");
    answer.header("x-ms-has-immutability-policy", "false");
    answer.header("x-ms-has-legal-hold", "false");
    Ok(answer)
}

fn add_version(answer: &mut Answer, container: &Container) {
    answer.header("ETag", &container.etag);
    answer.header("Last-Modified", &container.modified.to_http());
}

/// List Containers.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Failure> {
    let prefix = call.request.parameter("prefix").unwrap_or_default();
    let with_metadata = match call.request.parameter("include") {
        None | Some("") => false,
        Some("metadata") => true,
        Some(other) => {
            return Err(errors::not_offered(&format!(
                "lists of containers with {other}"
            )));
        }
    };
    let from = page::start(call.request)?;
    let length = page::length(call.request)?;
    let containers = call.context.store.containers();
    let mut containers = containers
        .iter()
        .filter(|container| container.name.starts_with(prefix) && container.name >= from);
    let page: Vec<_> = containers.by_ref().take(length).collect();
    let next = containers.next().map(|container| container.name.as_str());
    let endpoint = format!(
        "https://{}.blob.core.windows.net/",
        call.context.options.account
    );
    let attributes = [("ServiceEndpoint", endpoint.as_str())];
    page::answer(call.request, &attributes, "Containers", next, |writer| {
        page.iter()
            .try_for_each(|container| write_container(writer, container, with_metadata))
    })
}

fn write_container(writer: &mut Xml, container: &Container, with_metadata: bool) -> io::Result<()> {
    let element = writer.create_element("Container");
    element.write_inner_content(|writer| {
        write_text(writer, "Name", &container.name)?;
        let element = writer.create_element("Properties");
        element.write_inner_content(|writer| {
            write_text(writer, "Last-Modified", &container.modified.to_http())?;
            write_text(writer, "Etag", &container.etag)?;
            write_text(writer, "LeaseStatus", "unlocked")?;
            write_text(writer, "LeaseState", "available")?;
            if let Some(access) = container.access {
                write_text(writer, "PublicAccess", access.as_str())?;
            }
            write_text(writer, "DefaultEncryptionScope", DEFAULT_SCOPE)?;
            write_text(writer, "DenyEncryptionScopeOverride", "false")?;
            write_text(writer, "HasImmutabilityPolicy", "false")?;
            write_text(writer, "HasLegalHold", "false")?;
            write_text(writer, "ImmutableStorageWithVersioningEnabled", "false")
        })?;
        if with_metadata {
            metadata::write(writer, &container.metadata)?;
        }
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["abc", "a-b-c", "$root", "123"] {
            assert!(is_container_name(name), "{name}");
        }
        for name in ["ab", "Abc", "-ab", "ab-", "a--b", "a_b", "$other"] {
            assert!(!is_container_name(name), "{name}");
        }
    }
}
