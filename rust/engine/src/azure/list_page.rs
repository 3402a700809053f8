//! A page of a list: its entries, and which page comes next.
//!
//! An element means something at its place alone: metadata may be called `Name`, `Blob` or `ResourceType`.

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::content_headers::ContentHeaders;
use crate::{http::number, limits::MAX_BLOB_SIZE};

/// Most entries of a page: 5,000 blobs are asked for at most, each with a prefix or a snapshot beside it.
const MAX_PAGE_ENTRIES: usize = 20_000;

/// Most values of metadata and tags in a page: 200 of each blob. A page could hold millions of empty ones,
/// each of which takes many times its text in memory.
const MAX_PAGE_VALUES: usize = 1_000_000;

/// A blob in a list, or a prefix that stands for several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListEntry {
    /// Name in the container; of a prefix without the slash at its end. What is below a prefix is listed
    /// with this name; below one that is called `/`, whose name is empty here like the container's own,
    /// with the container and [`name_prefix`](crate::ListOptions::name_prefix) `/`.
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
    /// `BlockBlob`, `AppendBlob` or `PageBlob`.
    pub blob_type: Option<String>,
    /// Access tier.
    pub tier: Option<String>,
    /// It is the account's default, and not the blob's own.
    pub tier_inferred: bool,
    /// Where a blob is on its way out of the archive: `rehydrate-pending-to-hot`, for instance.
    pub archive_status: Option<String>,
    /// How soon it is to be out of it: `Standard` or `High`.
    pub rehydrate_priority: Option<String>,
    /// Metadata, where it was asked for.
    pub metadata: Option<Vec<(String, String)>>,
    /// Index tags, where they were asked for; of a search by tags those that matched.
    pub tags: Option<Vec<(String, String)>>,
    /// Where it is, of a search by tags, which goes over all containers.
    pub container: Option<String>,
    is_directory: bool,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) entries: Vec<ListEntry>,
    pub(super) next_marker: Option<String>,
}

/// An element by where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Document,
    Results,
    NextMarker,
    Blobs,
    Blob,
    Prefix,
    Name,
    ContainerName,
    Properties,
    Property,
    Metadata,
    MetadataValue,
    Tags,
    TagSet,
    Tag,
    TagKey,
    TagValue,
    Unknown,
}

impl Element {
    fn child(self, name: &str) -> Self {
        match (self, name) {
            (Self::Document, "EnumerationResults") => Self::Results,
            (Self::Results, "NextMarker") => Self::NextMarker,
            (Self::Results, "Blobs") => Self::Blobs,
            (Self::Blobs, "Blob") => Self::Blob,
            (Self::Blobs, "BlobPrefix") => Self::Prefix,
            (Self::Blob | Self::Prefix, "Name") => Self::Name,
            (Self::Blob, "ContainerName") => Self::ContainerName,
            (Self::Blob, "Properties") => Self::Properties,
            (Self::Properties, _) => Self::Property,
            (Self::Blob, "Metadata") => Self::Metadata,
            (Self::Metadata, _) => Self::MetadataValue,
            (Self::Blob, "Tags") => Self::Tags,
            (Self::Tags, "TagSet") => Self::TagSet,
            (Self::TagSet, "Tag") => Self::Tag,
            (Self::Tag, "Key") => Self::TagKey,
            (Self::Tag, "Value") => Self::TagValue,
            _ => Self::Unknown,
        }
    }
}

/// The page, unless it is not one from its beginning to its end.
pub(super) fn parse(body: &[u8]) -> Option<Page> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    reader.config_mut().expand_empty_elements = true;
    let mut page = Page::default();
    let mut open = vec![Element::Document];
    let mut entry = ListEntry::default();
    let mut text = String::new();
    let mut encoded = false;
    let mut complete = false;
    let mut key = String::new();
    let mut values = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                text.clear();
                let element = open.last()?.child(start.name().as_ref());
                match element {
                    Element::Blob | Element::Prefix => {
                        entry = ListEntry {
                            is_prefix: element == Element::Prefix,
                            ..ListEntry::default()
                        };
                    }
                    Element::Name => encoded = is_encoded(&start),
                    Element::Metadata => entry.metadata = Some(Vec::new()),
                    Element::Tags => entry.tags = Some(Vec::new()),
                    _ => {}
                }
                if matches!(element, Element::MetadataValue | Element::TagValue) {
                    values += 1;
                    if values > MAX_PAGE_VALUES {
                        return None;
                    }
                }
                open.push(element);
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => text.push_str(&resolve(&reference)?),
            Event::End(end) => {
                let name = end.name();
                match open.pop()? {
                    Element::Blob | Element::Prefix => {
                        if entry.name.is_empty() && !entry.is_prefix {
                            return None;
                        }
                        // Accounts with a hierarchical namespace list directories as blobs.
                        if !entry.is_directory {
                            page.entries.push(std::mem::take(&mut entry));
                        }
                        if page.entries.len() > MAX_PAGE_ENTRIES {
                            return None;
                        }
                    }
                    Element::Name => entry.set_name(&text, encoded),
                    Element::ContainerName => entry.container = non_empty(&text),
                    Element::Property => entry.set_property(name.as_ref(), &text)?,
                    Element::MetadataValue => {
                        let value = (name.as_ref().to_owned(), text.clone());
                        entry.metadata.as_mut()?.push(value);
                    }
                    Element::TagKey => key.clone_from(&text),
                    Element::TagValue => {
                        let tag = (std::mem::take(&mut key), text.clone());
                        entry.tags.as_mut()?.push(tag);
                    }
                    Element::NextMarker => page.next_marker = non_empty(&text),
                    Element::Results => complete = true,
                    _ => {}
                }
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    complete.then_some(page)
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
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
    fn set_name(&mut self, text: &str, encoded: bool) {
        self.name = if encoded {
            percent_decode_str(text).decode_utf8_lossy().into_owned()
        } else {
            text.to_owned()
        };
        if self.is_prefix && self.name.ends_with('/') {
            self.name.pop();
        }
    }

    /// None where it cannot be the property of a blob.
    fn set_property(&mut self, name: &str, text: &str) -> Option<()> {
        let date = |text: &str| httpdate::parse_http_date(text).ok();
        match name {
            "Content-Length" => {
                let size = number(text).filter(|size| *size <= MAX_BLOB_SIZE)?;
                self.size = Some(size);
            }
            "Etag" => {
                let quote = if text.starts_with('"') { "" } else { "\"" };
                self.etag = (!text.is_empty()).then(|| [quote, text, quote].concat());
            }
            "Last-Modified" => self.last_modified = date(text),
            "Creation-Time" => self.creation_time = date(text),
            "Content-Type" => self.content.content_type = non_empty(text),
            "Content-Encoding" => self.content.content_encoding = non_empty(text),
            "Content-Language" => self.content.content_language = non_empty(text),
            "Content-Disposition" => self.content.content_disposition = non_empty(text),
            "Cache-Control" => self.content.cache_control = non_empty(text),
            "Content-MD5" => {
                self.content_md5 = STANDARD.decode(text).ok().filter(|md5| !md5.is_empty());
            }
            "BlobType" => self.blob_type = non_empty(text),
            "AccessTier" => self.tier = non_empty(text),
            "AccessTierInferred" => self.tier_inferred = text == "true",
            "ArchiveStatus" => self.archive_status = non_empty(text),
            "RehydratePriority" => self.rehydrate_priority = non_empty(text),
            "ResourceType" => self.is_directory = text == "directory",
            _ => {}
        }
        Some(())
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
    fn tiers() {
        let page = page(
            "<Blob><Name>a</Name><Properties><BlobType>BlockBlob</BlobType><AccessTier>Archive</AccessTier>\
             <ArchiveStatus>rehydrate-pending-to-cool</ArchiveStatus>\
             <RehydratePriority>High</RehydratePriority></Properties></Blob>\
             <Blob><Name>b</Name><Properties><BlobType>AppendBlob</BlobType><AccessTier>Hot</AccessTier>\
             <AccessTierInferred>true</AccessTierInferred></Properties></Blob>",
            "",
        );
        let [archived, inferred] = &page.entries[..] else {
            panic!("{page:?}");
        };
        assert_eq!(archived.blob_type.as_deref(), Some("BlockBlob"));
        assert_eq!(
            archived.archive_status.as_deref(),
            Some("rehydrate-pending-to-cool")
        );
        assert_eq!(archived.rehydrate_priority.as_deref(), Some("High"));
        assert!(!archived.tier_inferred && inferred.tier_inferred);
        assert_eq!(inferred.blob_type.as_deref(), Some("AppendBlob"));
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
    fn metadata_of_any_name_is_nothing_else() {
        let names = [
            "Name",
            "Etag",
            "ResourceType",
            "Blob",
            "BlobPrefix",
            "Metadata",
            "Properties",
            "Tags",
            "TagSet",
            "Key",
            "Value",
            "NextMarker",
            "EnumerationResults",
            "Content-Length",
        ];
        let metadata = names
            .map(|name| format!("<{name}>directory</{name}>"))
            .concat();
        let page = page(
            &format!(
                "<Blob><Name>a</Name><Properties><Etag>0x1</Etag><Content-Length>5</Content-Length>\
                 </Properties><Metadata>{metadata}<Deep><Name>b</Name></Deep></Metadata>\
                 <Tags><TagSet><Tag><Key>Name</Key><Value>c</Value></Tag></TagSet></Tags></Blob>"
            ),
            "next",
        );
        let [entry] = &page.entries[..] else {
            panic!("{page:?}");
        };
        assert_eq!((entry.name.as_str(), entry.size), ("a", Some(5)));
        assert_eq!(entry.etag.as_deref(), Some("\"0x1\""));
        let metadata = entry.metadata.as_ref().unwrap();
        assert!(
            metadata
                .iter()
                .map(|(name, _)| name.as_str())
                .eq(names.into_iter().chain(["Deep"]))
        );
        assert_eq!(entry.tags, Some(vec![("Name".to_owned(), "c".to_owned())]));
        assert_eq!(page.next_marker.as_deref(), Some("next"));
    }

    #[test]
    fn what_is_empty_is_there() {
        let page = page(
            "<Blob><Name>a</Name><Metadata><b /><c></c></Metadata>\
             <Tags><TagSet><Tag><Key>d</Key><Value /></Tag></TagSet></Tags></Blob>\
             <Blob><Name>e</Name><Metadata /></Blob>",
            "",
        );
        let empty = |name: &str| (name.to_owned(), String::new());
        assert_eq!(page.entries[0].metadata, Some(vec![empty("b"), empty("c")]));
        assert_eq!(page.entries[0].tags, Some(vec![empty("d")]));
        assert_eq!(page.entries[1].metadata, Some(Vec::new()));
    }

    #[test]
    fn what_stands_elsewhere_says_nothing() {
        let page = page(
            "<Blob><Name>a</Name><Etag>0x1</Etag><Size><Name>b</Name></Size></Blob>\
             <BlobPrefix><Name>p/</Name><Properties><ResourceType>directory</ResourceType></Properties>\
             </BlobPrefix>",
            "",
        );
        assert_eq!(
            (page.entries[0].name.as_str(), &page.entries[0].etag),
            ("a", &None)
        );
        assert!(page.entries[1].is_prefix);
        assert!(parse(b"<Name>a</Name>").is_none());
        assert!(parse(b"<A><EnumerationResults></EnumerationResults></A>").is_none());
    }

    #[test]
    fn no_size_but_a_blobs_is_believed() {
        let size = |text: &str| {
            let text = format!(
                "<EnumerationResults><Blobs><Blob><Name>a</Name><Properties>\
                 <Content-Length>{text}</Content-Length></Properties></Blob></Blobs>\
                 </EnumerationResults>"
            );
            parse(text.as_bytes()).map(|page| page.entries[0].size)
        };
        assert_eq!(size("209715200000000"), Some(Some(MAX_BLOB_SIZE)));
        for odd in [
            "",
            "-3",
            "+3",
            " 3",
            "3.0",
            "209715200000001",
            "18446744073709551616",
        ] {
            assert_eq!(size(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_page_of_nothing_but_metadata_is_none() {
        let page = |count: usize| {
            let (metadata, blob) = ("<a/>".repeat(count), "<Blob><Name>a</Name><Metadata>");
            let text = format!(
                "<EnumerationResults><Blobs>{blob}{metadata}</Metadata></Blob></Blobs>\
                 </EnumerationResults>"
            );
            parse(text.as_bytes())
        };
        assert!(page(MAX_PAGE_VALUES).is_some());
        assert!(page(MAX_PAGE_VALUES + 1).is_none());
    }

    #[test]
    fn what_is_cut_off_is_no_page() {
        assert!(parse(b"<?xml version=\"1.0\"?><EnumerationResults><Blobs>").is_none());
        assert!(parse(b"<html></html>").is_none());
        let nameless =
            "<EnumerationResults><Blobs><Blob><Properties/></Blob></Blobs></EnumerationResults>";
        assert!(parse(nameless.as_bytes()).is_none());
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
