//! Metadata: names and values of the client's own.

use std::io;

use super::call::Call;
use super::page::{Xml, write_text};
use super::{conditions, properties};
use crate::errors::{self, Failure};
use crate::http::{Answer, Request};

const PREFIX: &str = "x-ms-meta-";
/// Names and values together.
const LARGEST: usize = 8 << 10;

/// Reads it from the headers, the case of names kept.
pub(super) fn from_headers(request: &Request<'_>) -> Result<Vec<(String, String)>, Failure> {
    let mut metadata = Vec::new();
    let mut size = 0;
    for (header, value) in &request.headers {
        let has_prefix = header
            .get(..PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        if !has_prefix {
            continue;
        }
        let name = &header[PREFIX.len()..];
        if name.is_empty() {
            return Err(errors::EMPTY_METADATA_KEY.into());
        }
        if !is_identifier(name) || !value.is_ascii() {
            return Err(errors::INVALID_METADATA.into());
        }
        size += name.len() + value.len();
        metadata.push((name.to_owned(), (*value).to_owned()));
    }
    if size > LARGEST {
        return Err(errors::METADATA_TOO_LARGE.into());
    }
    Ok(metadata)
}

/// Names follow the rules for identifiers of C#.
fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Writes it as lists have it.
pub(super) fn write(writer: &mut Xml, metadata: &[(String, String)]) -> io::Result<()> {
    let element = writer.create_element("Metadata");
    element.write_inner_content(|writer| {
        metadata
            .iter()
            .try_for_each(|(name, value)| write_text(writer, name, value))
    })?;
    Ok(())
}

/// Get Blob Metadata.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
    let contents = container.contents.read();
    let name = call.blob_name();
    let blob = contents.blobs.get(name).ok_or(errors::BLOB_NOT_FOUND)?;
    conditions::check_read(call.request, &contents, name, blob)?;
    let mut answer = Answer::new(200);
    answer.header("ETag", &blob.etag);
    answer.header("Last-Modified", &blob.modified.to_http());
    for (name, value) in &blob.metadata {
        answer.header(&format!("{PREFIX}{name}"), value);
    }
    Ok(answer)
}

/// Set Blob Metadata: replaces all of it.
pub(super) fn set(call: &Call<'_>) -> Result<Answer, Failure> {
    let metadata = from_headers(call.request)?;
    let mut answer = properties::update(call, |blob| blob.metadata = metadata)?;
    answer.header("x-ms-request-server-encrypted", "true");
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "Metaflow_User_Attributes", "_1"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["1a", "a-b", "é"] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}
