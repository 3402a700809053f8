//! Listing blobs, page by page.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/list-blobs>

use std::{sync::Arc, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::{
    account::Account,
    cancel::SignalPoll,
    error::{Error, ErrorKind, Result},
    http::Request,
    path::BlobPath,
    session::Session,
};

/// A blob in a list, or a prefix that stands for several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListEntry {
    /// Name in the container; of a prefix without the slash at its end.
    pub name: String,
    /// Whether this is a prefix; it has a name and nothing else.
    pub is_prefix: bool,
    /// Bytes.
    pub size: Option<u64>,
    /// ETag, in quotes as everywhere else (lists come without).
    pub etag: Option<String>,
    /// When the blob or its metadata last changed.
    pub last_modified: Option<SystemTime>,
    /// When the blob was created.
    pub creation_time: Option<SystemTime>,
    /// Content type.
    pub content_type: Option<String>,
    /// MD5 of the content, where one is stored.
    pub content_md5: Option<Vec<u8>>,
    /// Access tier.
    pub tier: Option<String>,
    is_directory: bool,
}

/// The pages of a list; each is asked for when it is needed.
#[derive(Debug)]
pub struct Listing {
    account: Arc<Account>,
    prefix: BlobPath,
    one_level: bool,
    marker: Option<String>,
    ended: bool,
}

impl Listing {
    pub(crate) fn new(account: Arc<Account>, prefix: BlobPath, one_level: bool) -> Self {
        Self {
            account,
            prefix,
            one_level,
            marker: None,
            ended: false,
        }
    }

    /// The next page, in the order of names; None after the last. A page may be empty.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the container does not exist.
    pub fn next_page(&mut self, signals: SignalPoll<'_>) -> Result<Option<Vec<ListEntry>>> {
        if self.ended {
            return Ok(None);
        }
        let page = Session::run(&self.account, signals, |session| {
            page(
                session,
                &self.prefix,
                self.one_level,
                self.marker.as_deref(),
            )
        })
        .map_err(|error| error.with_blob(&self.prefix))?;
        self.ended = page.next_marker.is_none();
        self.marker = page.next_marker;
        Ok(Some(page.entries))
    }
}

/// All that is below a prefix, or directly below it.
pub(crate) fn complete(
    session: &mut Session,
    prefix: &BlobPath,
    one_level: bool,
) -> Result<Vec<ListEntry>> {
    let mut entries = Vec::new();
    let mut marker = None;
    loop {
        let page = page(session, prefix, one_level, marker.as_deref())?;
        entries.extend(page.entries);
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(entries);
        }
    }
}

fn page(
    session: &mut Session,
    prefix: &BlobPath,
    one_level: bool,
    marker: Option<&str>,
) -> Result<Page> {
    let path = format!(
        "{}/{}",
        session.account.endpoint.base_path(),
        prefix.container()
    );
    let prefix = match prefix.name() {
        "" => String::new(),
        name => format!("{name}/"),
    };
    let request = || {
        let mut request = Request::new("GET", path.clone())
            .query("restype", "container")
            .query("comp", "list");
        if !prefix.is_empty() {
            request = request.query("prefix", prefix.clone());
        }
        if one_level {
            request = request.query("delimiter", "/");
        }
        if let Some(marker) = marker {
            request = request.query("marker", marker.to_owned());
        }
        request
    };
    let (_, body) = session.call(request)?;
    parse(&body).ok_or_else(|| {
        Error::new(
            ErrorKind::Service,
            "the list is not the XML that the protocol says",
        )
    })
}

#[derive(Debug, Default)]
struct Page {
    entries: Vec<ListEntry>,
    next_marker: Option<String>,
}

fn parse(body: &[u8]) -> Option<Page> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut page = Page::default();
    let mut entry: Option<ListEntry> = None;
    let mut text = String::new();
    let mut encoded = false;
    let mut complete = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                text.clear();
                match start.name().as_ref() {
                    "Blob" => entry = Some(ListEntry::default()),
                    "BlobPrefix" => {
                        entry = Some(ListEntry {
                            is_prefix: true,
                            ..ListEntry::default()
                        });
                    }
                    "Name" => encoded = is_encoded(&start),
                    _ => {}
                }
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => text.push_str(&resolve(&reference)?),
            Event::End(end) => match end.name().as_ref() {
                "Blob" | "BlobPrefix" => {
                    // Accounts with a hierarchical namespace list directories as blobs.
                    let entry = entry.take()?;
                    if !entry.is_directory {
                        page.entries.push(entry);
                    }
                }
                "NextMarker" => {
                    page.next_marker = Some(text.clone()).filter(|text| !text.is_empty());
                }
                "EnumerationResults" => complete = true,
                name => {
                    if let Some(entry) = &mut entry {
                        entry.set(name, &text, encoded);
                    }
                }
            },
            Event::Eof => break,
            _ => {}
        }
    }
    complete.then_some(page)
}

/// What an entity or character reference stands for.
fn resolve(reference: &quick_xml::events::BytesRef) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned)
}

/// Names that XML cannot hold come percent-encoded, and marked so.
fn is_encoded(start: &BytesStart) -> bool {
    start
        .try_get_attribute("Encoded")
        .ok()
        .flatten()
        .is_some_and(|attribute| attribute.value.eq_ignore_ascii_case("true"))
}

impl ListEntry {
    fn set(&mut self, element: &str, text: &str, encoded: bool) {
        let date = || httpdate::parse_http_date(text).ok();
        let value = || Some(text.to_owned()).filter(|text| !text.is_empty());
        match element {
            "Name" => {
                self.name = if encoded {
                    percent_decode_str(text).decode_utf8_lossy().into_owned()
                } else {
                    text.to_owned()
                };
                if self.is_prefix && self.name.ends_with('/') {
                    self.name.pop();
                }
            }
            "Content-Length" if !self.is_prefix => self.size = text.parse().ok(),
            "Etag" if !self.is_prefix => {
                self.etag = value().map(|etag| {
                    if etag.starts_with('"') {
                        etag
                    } else {
                        format!("\"{etag}\"")
                    }
                });
            }
            "Last-Modified" if !self.is_prefix => self.last_modified = date(),
            "Creation-Time" if !self.is_prefix => self.creation_time = date(),
            "Content-Type" if !self.is_prefix => self.content_type = value(),
            "Content-MD5" => {
                self.content_md5 = STANDARD.decode(text).ok().filter(|md5| !md5.is_empty());
            }
            "AccessTier" => self.tier = value(),
            "ResourceType" => self.is_directory = text == "directory" && !self.is_prefix,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(blobs: &str, marker: &str) -> Page {
        let text = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>{blobs}</Blobs>\
             <NextMarker>{marker}</NextMarker></EnumerationResults>"
        );
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_blob() {
        let page = page(
            "<Blob><Name>a &amp; b&#x20AC;</Name><Properties><Content-Length>5</Content-Length>\
             <Etag>0x1</Etag><Last-Modified>Mon, 02 Nov 2026 10:00:00 GMT</Last-Modified>\
             <Content-MD5 /><AccessTier>Hot</AccessTier></Properties></Blob>",
            "",
        );
        let entry = &page.entries[0];
        assert_eq!(entry.name, "a & b€");
        assert_eq!(entry.size, Some(5));
        assert_eq!(entry.etag.as_deref(), Some("\"0x1\""));
        assert_eq!(entry.tier.as_deref(), Some("Hot"));
        assert!(entry.last_modified.is_some());
        assert_eq!(entry.content_md5, None);
        assert_eq!(page.next_marker, None);
    }

    #[test]
    fn prefixes_encoded_names_directories_and_markers() {
        let page = page(
            "<BlobPrefix><Name>p/q/</Name></BlobPrefix>\
             <Blob><Name Encoded=\"true\">x%EF%BF%BE%25</Name><Properties/></Blob>\
             <Blob><Name>d</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>",
            "next!",
        );
        let names: Vec<_> = page
            .entries
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        assert_eq!(names, ["p/q", "x\u{fffe}%"]);
        assert!(page.entries[0].is_prefix && !page.entries[1].is_prefix);
        assert_eq!(page.next_marker.as_deref(), Some("next!"));
    }

    #[test]
    fn what_is_cut_off_is_no_page() {
        assert!(parse(b"<?xml version=\"1.0\"?><EnumerationResults><Blobs>").is_none());
        assert!(parse(b"<html></html>").is_none());
    }

    proptest! {
        #[test]
        fn names_survive_escaping(name in "[^\\x00-\\x1f\\u{fffe}\\u{ffff}]{1,40}") {
            let escaped = quick_xml::escape::escape(name.as_str());
            let page = page(&format!("<Blob><Name>{escaped}</Name></Blob>"), "");
            prop_assert_eq!(&page.entries[0].name, &name);
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
