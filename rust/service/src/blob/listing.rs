//! List Blobs.

use std::borrow::Cow;
use std::io;
use std::ops::Bound;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::events::BytesText;

use super::call::Call;
use super::page::{self, Xml, write_text};
use super::{metadata, tags};
use crate::errors::{self, Failure};
use crate::http::Answer;
use crate::store::{Blob, Contents, CopyRecord, Lease, LeaseState};

/// What a list may be asked to include.
const INCLUDED: [&str; 3] = ["copy", "metadata", "tags"];
/// The same for the real service only.
const NOT_INCLUDED: [&str; 8] = [
    "deleted",
    "deletedwithversions",
    "immutabilitypolicy",
    "legalhold",
    "permissions",
    "snapshots",
    "uncommittedblobs",
    "versions",
];

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
        let page = page::length(call.request)?;
        let from = page::start(call.request)?;
        let included: Vec<&str> = match parameter("include") {
            "" => Vec::new(),
            text => text.split(',').collect(),
        };
        for part in &included {
            if NOT_INCLUDED.contains(part) {
                return Err(errors::not_offered(&format!("lists of {part}")));
            }
            if !INCLUDED.contains(part) {
                return Err(errors::INVALID_QUERY_PARAMETER_VALUE.into());
            }
        }
        let include = |wanted| included.contains(&wanted);
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
    let endpoint = format!(
        "https://{}.blob.core.windows.net/",
        call.context.options.account
    );
    let attributes = [
        ("ServiceEndpoint", endpoint.as_str()),
        ("ContainerName", &container.name),
    ];
    page::answer(
        call.request,
        &attributes,
        "Blobs",
        next.as_deref(),
        |writer| {
            for entry in &entries {
                match entry {
                    Entry::Blob(name, blob) => write_blob(writer, name, blob, &contents, &listing)?,
                    Entry::Prefix(name) => {
                        let element = writer.create_element("BlobPrefix");
                        element.write_inner_content(|writer| write_name(writer, name))?;
                    }
                }
            }
            Ok(())
        },
    )
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
            let lease = contents.leases.get(name);
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
                metadata::write(writer, &blob.metadata)?;
            }
            if listing.with_tags && !blob.tags.is_empty() {
                tags::write(writer, "Tags", &blob.tags)?;
            }
            writer.create_element("OrMetadata").write_empty()?;
            Ok(())
        })?;
    Ok(())
}

fn write_properties(writer: &mut Xml, blob: &Blob, lease: Option<&Lease>) -> io::Result<()> {
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
    if let Some(status) = blob.archive_status() {
        write_text(writer, "ArchiveStatus", &status)?;
        write_text(writer, "RehydratePriority", blob.rehydrate_priority)?;
    }
    if let Some(changed) = blob.tier_changed {
        write_text(writer, "AccessTierChangeTime", &changed.to_http())?;
    }
    let state = lease.map_or(LeaseState::Available, Lease::state);
    write_text(writer, "LeaseStatus", state.status())?;
    write_text(writer, "LeaseState", state.as_str())?;
    if let Some(lease) = lease.filter(|_| state == LeaseState::Leased) {
        write_text(writer, "LeaseDuration", lease.duration_kind())?;
    }
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

#[cfg(test)]
mod tests {
    use quick_xml::Writer;

    use super::*;

    #[test]
    fn successors() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(successor("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(successor("\u{10FFFF}"), None);
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
