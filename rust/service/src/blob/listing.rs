//! List Blobs.

use std::borrow::Cow;
use std::io;
use std::ops::Bound;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::call::Call;
use super::tags;
use crate::errors::{self, Failure};
use crate::http::Answer;
use crate::store::{Blob, Contents, CopyRecord, LeaseState};

const LARGEST_PAGE: usize = 5000;

type Xml = Writer<Vec<u8>>;

/// What to list.
struct Listing<'q> {
    prefix: &'q str,
    delimiter: &'q str,
    /// The name, or beginning of names, to start with.
    from: String,
    page: usize,
    with_metadata: bool,
    with_tags: bool,
    with_copy: bool,
}

/// One entry of a page.
enum Entry<'c> {
    Blob(&'c str, &'c Blob),
    /// What the names below it have in common, the delimiter included.
    Prefix(&'c str),
}

impl<'q> Listing<'q> {
    fn of(call: &'q Call<'_>) -> Result<Self, Failure> {
        let parameter = |name| call.request.parameter(name).unwrap_or_default();
        let page = match parameter("maxresults") {
            "" => LARGEST_PAGE,
            text => match text.parse() {
                Ok(0) | Err(_) => return Err(errors::OUT_OF_RANGE_QUERY_PARAMETER_VALUE.into()),
                Ok(page) => LARGEST_PAGE.min(page),
            },
        };
        let from = match parameter("marker") {
            "" => String::new(),
            marker => decode_marker(marker).ok_or(errors::INVALID_QUERY_PARAMETER_VALUE)?,
        };
        let include = |wanted| parameter("include").split(',').any(|part| part == wanted);
        Ok(Self {
            prefix: parameter("prefix"),
            delimiter: parameter("delimiter"),
            from,
            page,
            with_metadata: include("metadata"),
            with_tags: include("tags"),
            with_copy: include("copy"),
        })
    }

    /// One page, and where the next one starts.
    fn page<'c>(&self, contents: &'c Contents) -> (Vec<Entry<'c>>, Option<String>) {
        let mut entries = Vec::new();
        let mut from = Bound::Included(Cow::Borrowed(self.from.as_str().max(self.prefix)));
        loop {
            let mut names = contents
                .blobs
                .range::<str, _>((from.as_ref().map(AsRef::as_ref), Bound::Unbounded));
            let next = loop {
                let Some((name, blob)) = names
                    .next()
                    .filter(|(name, _)| name.starts_with(self.prefix))
                else {
                    return (entries, None);
                };
                if entries.len() == self.page {
                    return (entries, Some(name.clone()));
                }
                let rest = &name[self.prefix.len()..];
                match rest
                    .find(self.delimiter)
                    .filter(|_| !self.delimiter.is_empty())
                {
                    None => entries.push(Entry::Blob(name, blob)),
                    Some(at) => break &name[..self.prefix.len() + at + self.delimiter.len()],
                }
            };
            entries.push(Entry::Prefix(next));
            match successor(next) {
                Some(after) => from = Bound::Included(Cow::Owned(after)),
                None => return (entries, None),
            }
        }
    }
}

/// The least text after all that begin with `prefix`.
fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let mut after = (last..=char::MAX).skip(1);
        if let Some(next) = after.next() {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// List Blobs: committed blobs by name, a page at a time.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Failure> {
    let listing = Listing::of(call)?;
    let container = call.container()?;
    let contents = container.contents.read();
    let (entries, next) = listing.page(&contents);
    let mut writer = Writer::new(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_vec());
    let options = &call.context.options;
    let endpoint = format!("https://{}.blob.core.windows.net/", options.account);
    let mut results = writer.create_element("EnumerationResults");
    results = results.with_attributes([
        ("ServiceEndpoint", endpoint.as_str()),
        ("ContainerName", &container.name),
    ]);
    results.write_inner_content(|writer| {
        for name in ["prefix", "marker", "maxresults", "delimiter"] {
            if let Some(value) = call
                .request
                .parameter(name)
                .filter(|value| !value.is_empty())
            {
                let element = match name {
                    "prefix" => "Prefix",
                    "marker" => "Marker",
                    "maxresults" => "MaxResults",
                    _ => "Delimiter",
                };
                write_text(writer, element, value)?;
            }
        }
        writer
            .create_element("Blobs")
            .write_inner_content(|writer| {
                for entry in &entries {
                    match entry {
                        Entry::Blob(name, blob) => {
                            write_blob(writer, name, blob, &contents, &listing)?;
                        }
                        Entry::Prefix(name) => {
                            let element = writer.create_element("BlobPrefix");
                            element.write_inner_content(|writer| write_name(writer, name))?;
                        }
                    }
                }
                Ok(())
            })?;
        match &next {
            Some(next) => write_text(writer, "NextMarker", &encode_marker(next)),
            None => writer
                .create_element("NextMarker")
                .write_empty()
                .map(|_| ()),
        }
    })?;
    let mut answer = Answer::new(200);
    answer.xml(writer.into_inner());
    Ok(answer)
}

fn write_blob(
    writer: &mut Xml,
    name: &str,
    blob: &Blob,
    contents: &Contents,
    listing: &Listing<'_>,
) -> io::Result<()> {
    writer
        .create_element("Blob")
        .write_inner_content(|writer| {
            write_name(writer, name)?;
            let lease = contents
                .leases
                .get(name)
                .map_or(LeaseState::Available, crate::store::Lease::state);
            writer
                .create_element("Properties")
                .write_inner_content(|writer| {
                    write_properties(writer, blob, lease)?;
                    match blob.copy.as_ref().filter(|_| listing.with_copy) {
                        Some(copy) => write_copy(writer, copy, blob.content.length()),
                        None => Ok(()),
                    }
                })?;
            if listing.with_metadata {
                writer
                    .create_element("Metadata")
                    .write_inner_content(|writer| {
                        blob.metadata
                            .iter()
                            .try_for_each(|(name, value)| write_text(writer, name, value))
                    })?;
            }
            if listing.with_tags && !blob.tags.is_empty() {
                tags::write(writer, "Tags", &blob.tags)?;
            }
            writer.create_element("OrMetadata").write_empty()?;
            Ok(())
        })?;
    Ok(())
}

fn write_properties(writer: &mut Xml, blob: &Blob, lease: LeaseState) -> io::Result<()> {
    let headers = &blob.headers;
    let optional = |text: &Option<String>| text.as_deref().unwrap_or_default().to_owned();
    write_text(writer, "Creation-Time", &blob.created.to_http())?;
    write_text(writer, "Last-Modified", &blob.modified.to_http())?;
    write_text(writer, "Etag", blob.etag.trim_matches('"'))?;
    write_text(writer, "Content-Length", &blob.content.length().to_string())?;
    write_text(writer, "Content-Type", &optional(&headers.content_type))?;
    write_text(
        writer,
        "Content-Encoding",
        &optional(&headers.content_encoding),
    )?;
    write_text(
        writer,
        "Content-Language",
        &optional(&headers.content_language),
    )?;
    writer.create_element("Content-CRC64").write_empty()?;
    write_text(writer, "Content-MD5", &optional(&headers.content_md5))?;
    write_text(writer, "Cache-Control", &optional(&headers.cache_control))?;
    write_text(
        writer,
        "Content-Disposition",
        &optional(&headers.content_disposition),
    )?;
    write_text(writer, "BlobType", "BlockBlob")?;
    write_text(writer, "AccessTier", blob.tier().as_str())?;
    if blob.tier.is_none() {
        write_text(writer, "AccessTierInferred", "true")?;
    }
    if let Some(tier) = blob.rehydrates_to {
        let status = format!(
            "rehydrate-pending-to-{}",
            tier.as_str().to_ascii_lowercase()
        );
        write_text(writer, "ArchiveStatus", &status)?;
    }
    if let Some(changed) = blob.tier_changed {
        write_text(writer, "AccessTierChangeTime", &changed.to_http())?;
    }
    write_text(
        writer,
        "LeaseStatus",
        if lease.locks() { "locked" } else { "unlocked" },
    )?;
    write_text(writer, "LeaseState", lease.as_str())?;
    write_text(writer, "ServerEncrypted", "true")?;
    if !blob.tags.is_empty() {
        write_text(writer, "TagCount", &blob.tags.len().to_string())?;
    }
    Ok(())
}

fn write_copy(writer: &mut Xml, copy: &CopyRecord, length: u64) -> io::Result<()> {
    write_text(writer, "CopyId", &copy.id)?;
    write_text(writer, "CopyStatus", "success")?;
    write_text(writer, "CopySource", &copy.source)?;
    write_text(writer, "CopyProgress", &format!("{length}/{length}"))?;
    write_text(writer, "CopyCompletionTime", &copy.completed.to_http())
}

/// XML 1.0 has no way to write some characters, and parsers change others: such names are
/// percent-encoded.
fn write_name(writer: &mut Xml, name: &str) -> io::Result<()> {
    let foreign = |character: char| {
        character.is_ascii_control() || matches!(character, '\u{FFFE}' | '\u{FFFF}')
    };
    if !name.contains(foreign) {
        return write_text(writer, "Name", name);
    }
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    let element = writer
        .create_element("Name")
        .with_attribute(("Encoded", "true"));
    element.write_text_content(BytesText::new(&encoded))?;
    Ok(())
}

fn write_text(writer: &mut Xml, element: &str, text: &str) -> io::Result<()> {
    writer
        .create_element(element)
        .write_text_content(BytesText::new(text))?;
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
    fn successors() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(successor("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(successor("\u{10FFFF}"), None);
    }

    #[test]
    fn markers_survive() {
        assert_eq!(
            decode_marker(&encode_marker("a/é&?")).as_deref(),
            Some("a/é&?")
        );
        assert_eq!(decode_marker("x"), None);
    }

    #[test]
    fn names_that_xml_cannot_hold() {
        let mut writer = Writer::new(Vec::new());
        for name in ["a<b&c", "a\u{FFFE}"] {
            write_name(&mut writer, name).expect("in memory");
        }
        let text = String::from_utf8(writer.into_inner()).expect("UTF-8");
        assert_eq!(
            text,
            "<Name>a&lt;b&amp;c</Name><Name Encoded=\"true\">a%EF%BF%BE</Name>"
        );
    }
}
