//! Containers themselves.

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::call::Call;
use super::metadata;
use crate::errors::{self, Failure};
use crate::http::Answer;
use crate::store::{Container, PublicAccess};

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
    let removed = call.context.store.remove_container(call.container_name());
    removed.ok_or(errors::CONTAINER_NOT_FOUND)?;
    Ok(Answer::new(202))
}

/// Get Container Properties.
pub(super) fn properties(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
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
    answer.header("x-ms-has-immutability-policy", "false");
    answer.header("x-ms-has-legal-hold", "false");
    Ok(answer)
}

fn add_version(answer: &mut Answer, container: &Container) {
    answer.header("ETag", &container.etag);
    answer.header("Last-Modified", &container.modified.to_http());
}

/// List Containers, all on one page: there are few.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Failure> {
    let prefix = call.request.parameter("prefix").unwrap_or_default();
    let mut writer = Writer::new(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_vec());
    writer
        .create_element("EnumerationResults")
        .write_inner_content(|writer| {
            writer
                .create_element("Containers")
                .write_inner_content(|writer| {
                    let containers = call.context.store.containers();
                    for container in containers
                        .iter()
                        .filter(|container| container.name.starts_with(prefix))
                    {
                        write_container(writer, container)?;
                    }
                    Ok(())
                })?;
            writer.create_element("NextMarker").write_empty()?;
            Ok(())
        })?;
    let mut answer = Answer::new(200);
    answer.xml(writer.into_inner());
    Ok(answer)
}

fn write_container(writer: &mut Writer<Vec<u8>>, container: &Container) -> std::io::Result<()> {
    writer
        .create_element("Container")
        .write_inner_content(|writer| {
            writer
                .create_element("Name")
                .write_text_content(BytesText::new(&container.name))?;
            writer
                .create_element("Properties")
                .write_inner_content(|writer| {
                    let modified = container.modified.to_http();
                    let fields = [
                        ("Last-Modified", modified.as_str()),
                        ("Etag", &container.etag),
                        ("LeaseStatus", "unlocked"),
                        ("LeaseState", "available"),
                    ];
                    for (element, text) in fields {
                        writer
                            .create_element(element)
                            .write_text_content(BytesText::new(text))?;
                    }
                    if let Some(access) = container.access {
                        let text = BytesText::new(access.as_str());
                        writer
                            .create_element("PublicAccess")
                            .write_text_content(text)?;
                    }
                    Ok(())
                })?;
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
