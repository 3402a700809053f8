//! Pages: how lists of blobs and of containers are cut, and how one asks for the next.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use quick_xml::Writer;
use quick_xml::events::BytesText;

use crate::errors::{self, Failure};
use crate::http::{Answer, Framing, Request};

const LONGEST: usize = 5000;

pub(super) type Xml = Writer<Vec<u8>>;

/// How many entries a page has at most.
pub(super) fn length(request: &Request<'_>) -> Result<usize, Failure> {
    match request.parameter("maxresults").unwrap_or_default() {
        "" => Ok(LONGEST),
        text => match text.parse() {
            Ok(0) | Err(_) => Err(errors::OUT_OF_RANGE_QUERY_PARAMETER_VALUE.into()),
            Ok(length) => Ok(LONGEST.min(length)),
        },
    }
}

/// The name, or beginning of names, that the page starts with.
pub(super) fn start(request: &Request<'_>) -> Result<String, Failure> {
    match request.parameter("marker").unwrap_or_default() {
        "" => Ok(String::new()),
        marker => decode_marker(marker).ok_or_else(|| errors::INVALID_QUERY_PARAMETER_VALUE.into()),
    }
}

/// The answer to a list: what was asked for, the entries, and where the next page starts.
pub(super) fn answer(
    request: &Request<'_>,
    attributes: &[(&str, &str)],
    element: &str,
    next: Option<&str>,
    entries: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> Result<Answer, Failure> {
    let mut writer = Writer::new(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_vec());
    let results = writer.create_element("EnumerationResults");
    let results = results.with_attributes(attributes.iter().copied());
    results.write_inner_content(|writer| {
        for (name, element) in [
            ("prefix", "Prefix"),
            ("marker", "Marker"),
            ("maxresults", "MaxResults"),
            ("delimiter", "Delimiter"),
        ] {
            let value = request.parameter(name).filter(|value| !value.is_empty());
            if let Some(value) = value {
                write_text(writer, element, value)?;
            }
        }
        writer
            .create_element(element)
            .write_inner_content(entries)?;
        let marker = next.map(encode_marker).unwrap_or_default();
        write_text(writer, "NextMarker", &marker)
    })?;
    let mut answer = Answer::new(200);
    answer.xml(writer.into_inner());
    answer.framing = Framing::Chunked;
    Ok(answer)
}

/// Writes an element that holds text, or nothing.
pub(super) fn write_text(writer: &mut Xml, element: &str, text: &str) -> io::Result<()> {
    let element = writer.create_element(element);
    if text.is_empty() {
        element.write_empty()?;
    } else {
        element.write_text_content(BytesText::new(text))?;
    }
    Ok(())
}

/// A marker is opaque to clients, and must survive an XML element and a URL.
fn encode_marker(name: &str) -> String {
    format!("2!{}", BASE64_URL_SAFE_NO_PAD.encode(name))
}

fn decode_marker(marker: &str) -> Option<String> {
    let name = BASE64_URL_SAFE_NO_PAD
        .decode(marker.strip_prefix("2!")?)
        .ok()?;
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_survive() {
        assert_eq!(
            decode_marker(&encode_marker("a/é&?")).as_deref(),
            Some("a/é&?")
        );
        assert_eq!(decode_marker("x"), None);
    }
}
