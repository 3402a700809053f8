//! Listing blobs, page by page.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/list-blobs>

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    blob_ref::BlobRef,
    content_headers::ContentHeaders,
    session::{Attempts, Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Request,
};

/// Pages in a row without an entry, each of which names another one, after which a list is given up.
const MAX_EMPTY_PAGES: u32 = 10_000;
/// Most entries of a page: 5,000 blobs are asked for at most, each with a prefix or a snapshot beside it.
const MAX_PAGE_ENTRIES: usize = 20_000;

/// What a list gives of each blob besides its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Metadata.
    Metadata,
    /// Index tags.
    Tags,
}

/// Which blobs a list has, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Directly below the prefix; what is further below is summed up in prefixes.
    pub one_level: bool,
    /// What the names begin with, below the prefix; need not be a whole segment.
    pub name_prefix: String,
    /// What is given besides properties.
    pub include: Vec<Include>,
}

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
    /// Headers of content.
    pub content: ContentHeaders,
    /// MD5 of the content, where one is stored.
    pub content_md5: Option<Vec<u8>>,
    /// Access tier.
    pub tier: Option<String>,
    /// Metadata, where it was asked for.
    pub metadata: Option<Vec<(String, String)>>,
    /// Index tags, where they were asked for.
    pub tags: Option<Vec<(String, String)>>,
    is_directory: bool,
}

/// The pages of a list, one after another.
#[derive(Debug, Default)]
pub(crate) struct ListBlobs {
    pub(crate) options: ListOptions,
    marker: Option<String>,
    ended: bool,
    /// Hashes of all markers so far: one that comes again would make the list endless.
    markers: HashSet<u64>,
    empty_pages: u32,
    /// At the next page.
    attempts: Attempts,
}

struct Call<'a> {
    path: String,
    prefix: String,
    list: &'a ListBlobs,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let mut request = Request::new("GET", self.path.clone())
            .query("restype", "container")
            .query("comp", "list");
        if !self.prefix.is_empty() {
            request = request.query("prefix", self.prefix.as_str());
        }
        let options = &self.list.options;
        if options.one_level {
            request = request.query("delimiter", "/");
        }
        if !options.include.is_empty() {
            let include: Vec<_> = options
                .include
                .iter()
                .map(|include| match include {
                    Include::Metadata => "metadata",
                    Include::Tags => "tags",
                })
                .collect();
            request = request.query("include", include.join(","));
        }
        if let Some(marker) = &self.list.marker {
            request = request.query("marker", marker.as_str());
        }
        request
    }
}

impl ListBlobs {
    pub(crate) fn new(options: ListOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// The next page, in the order of names; None after the last. A page may be empty.
    pub(crate) fn next_page(
        &mut self,
        session: &mut Session,
        prefix: &BlobRef,
    ) -> Result<Option<Vec<ListEntry>>> {
        if self.ended {
            return Ok(None);
        }
        // Kept where a token is needed first: a second refusal is final.
        let mut attempts = std::mem::take(&mut self.attempts);
        let endpoint = &session.account.endpoint;
        let folder = match prefix.name() {
            "" => String::new(),
            name => format!("{name}/"),
        };
        let mut call = Call {
            path: format!("{}/{}", endpoint.base_path(), prefix.container()),
            prefix: format!("{folder}{}", self.options.name_prefix),
            list: self,
        };
        let sent = session.call(&mut attempts, &mut call);
        self.attempts = attempts;
        let (_, body) = sent?;
        self.attempts = Attempts::default();
        let malformed = |reason: &str| Error::new(ErrorKind::Service, reason);
        let page = parse(&body)
            .ok_or_else(|| malformed("the list is not the XML that the protocol says"))?;
        self.empty_pages = if page.entries.is_empty() {
            self.empty_pages + 1
        } else {
            0
        };
        if let Some(marker) = &page.next_marker {
            let mut hasher = DefaultHasher::new();
            marker.hash(&mut hasher);
            if !self.markers.insert(hasher.finish()) {
                return Err(malformed(
                    "the list does not end: it names a page as the next one that was there before",
                ));
            }
            if self.empty_pages > MAX_EMPTY_PAGES {
                return Err(malformed(
                    "the list does not end: it has nothing but empty pages",
                ));
            }
        }
        self.ended = page.next_marker.is_none();
        self.marker = page.next_marker;
        Ok(Some(page.entries))
    }
}

/// All that is below a prefix.
#[derive(Debug)]
pub(crate) struct ListAll {
    pages: ListBlobs,
    entries: Vec<ListEntry>,
}

impl ListAll {
    /// All that the options say.
    pub(crate) fn new(options: ListOptions) -> Self {
        Self {
            pages: ListBlobs::new(options),
            entries: Vec::new(),
        }
    }
}

impl SmallOperation for ListAll {
    fn run(
        &mut self,
        session: &mut Session,
        _attempts: &mut Attempts,
        prefix: &BlobRef,
    ) -> Result<Answer> {
        while let Some(page) = self.pages.next_page(session, prefix)? {
            self.entries.extend(page);
        }
        Ok(Answer::Entries(std::mem::take(&mut self.entries)))
    }

    fn needs_a_name(&self) -> bool {
        false
    }

    fn changes(&self) -> bool {
        false
    }
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
    let mut key = String::new();
    let mut in_metadata = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                text.clear();
                match start.name().as_ref() {
                    "Metadata" => {
                        in_metadata = true;
                        entry.as_mut()?.metadata = Some(Vec::new());
                    }
                    "TagSet" => entry.as_mut()?.tags = Some(Vec::new()),
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
                    if page.entries.len() > MAX_PAGE_ENTRIES {
                        return None;
                    }
                }
                "Metadata" => in_metadata = false,
                name if in_metadata => {
                    let metadata = entry.as_mut()?.metadata.as_mut()?;
                    metadata.push((name.to_owned(), text.clone()));
                }
                "Key" => key.clone_from(&text),
                "Value" => {
                    if let Some(tags) = entry.as_mut().and_then(|entry| entry.tags.as_mut()) {
                        tags.push((std::mem::take(&mut key), text.clone()));
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
pub(super) fn resolve(reference: &quick_xml::events::BytesRef) -> Option<String> {
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
            "Content-Type" if !self.is_prefix => self.content.content_type = value(),
            "Content-Encoding" => self.content.content_encoding = value(),
            "Content-Language" => self.content.content_language = value(),
            "Content-Disposition" => self.content.content_disposition = value(),
            "Cache-Control" => self.content.cache_control = value(),
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
