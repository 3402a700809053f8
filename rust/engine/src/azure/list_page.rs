//! A page of a list: its entries, and which page comes next.
//!
//! An element means something at its place alone: metadata may be called `Name`, `Blob` or `ResourceType`.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::list_entry::{ListEntry, non_empty};

/// Most entries of a page: 5,000 are asked for at most, snapshots and versions included.
pub(super) const MAX_PAGE_ENTRIES: usize = 20_000;

/// Most values of metadata and tags in a page: 200 of each blob. A page could hold millions of empty ones,
/// each of which takes many times its text in memory.
pub(super) const MAX_PAGE_VALUES: usize = 1_000_000;

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
    State,
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
            (Self::Blob, "VersionId" | "IsCurrentVersion" | "Snapshot" | "Deleted") => Self::State,
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
                    Element::State => entry.set_state(name.as_ref(), &text),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::list_entry::Details, *};
    use crate::limits::MAX_BLOB_SIZE;

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
    fn states_of_a_blob() {
        let page = page(
            "<Blob><Name>a</Name><VersionId>v1</VersionId><Properties/></Blob>\
             <Blob><Name>a</Name><Snapshot>s</Snapshot><Properties/></Blob>\
             <Blob><Name>a</Name><VersionId>v2</VersionId><IsCurrentVersion>true</IsCurrentVersion>\
             <Properties><BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier>\
             <AccessTierInferred>true</AccessTierInferred><LeaseStatus>unlocked</LeaseStatus>\
             <LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties></Blob>\
             <Blob><Name>b</Name><Deleted>true</Deleted><Properties>\
             <DeletedTime>Mon, 02 Nov 2026 10:00:00 GMT</DeletedTime>\
             <RemainingRetentionDays>0</RemainingRetentionDays></Properties></Blob>\
             <Blob><Name>c</Name><Properties><Snapshot>x</Snapshot><Deleted>true</Deleted></Properties>\
             <Metadata><VersionId>x</VersionId></Metadata></Blob>",
            "",
        );
        let [old, snapshot, current, deleted, plain] = &page.entries[..] else {
            panic!("{page:?}");
        };
        let state = |entry: &ListEntry| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let flags = (entry.is_current_version, entry.is_deleted);
            (text(&entry.version_id), text(&entry.snapshot), flags)
        };
        let owned = |version: &str, snapshot: &str, flags| (version.into(), snapshot.into(), flags);
        assert_eq!(state(old), owned("v1", "", (Some(false), false)));
        assert_eq!(state(snapshot), owned("", "s", (None, false)));
        assert_eq!(state(current), owned("v2", "", (Some(true), false)));
        assert_eq!(state(deleted), owned("", "", (None, true)));
        assert_eq!(state(plain), owned("", "", (None, false)));
        assert_eq!(current.lease_state.as_deref(), Some("available"));
        assert_eq!(current.blob_type.as_deref(), Some("BlockBlob"));
        assert_eq!(current.server_encrypted, Some(true));
        assert!(current.tier_inferred && !old.tier_inferred);
        assert_eq!(current.details, None);
        let details = deleted.details.as_ref().unwrap();
        assert!(details.deleted_time.is_some());
        assert_eq!(details.remaining_retention_days, Some(0));
    }

    #[test]
    fn copies_and_what_is_archived() {
        let page = page(
            "<Blob><Name>a</Name><Properties><AccessTier>Archive</AccessTier>\
             <ArchiveStatus>rehydrate-pending-to-hot</ArchiveStatus>\
             <RehydratePriority>High</RehydratePriority><CopyId>i</CopyId>\
             <CopySource>https://a.example/c/b?sv=1&amp;sig=s3cret</CopySource><CopyStatus>failed</CopyStatus>\
             <CopyStatusDescription>d</CopyStatusDescription><CopyProgress>1/2</CopyProgress>\
             <CopyCompletionTime>Mon, 02 Nov 2026 10:00:00 GMT</CopyCompletionTime></Properties></Blob>",
            "",
        );
        let text = |text: &str| Some(text.to_owned());
        let details = page.entries[0].details.clone().unwrap();
        assert!(details.copy_completion_time.is_some());
        let expected = Details {
            archive_status: text("rehydrate-pending-to-hot"),
            rehydrate_priority: text("High"),
            copy_id: text("i"),
            copy_status: text("failed"),
            copy_status_description: text("d"),
            copy_source: text("https://a.example/c/b"),
            copy_progress: text("1/2"),
            copy_completion_time: details.copy_completion_time,
            ..Details::default()
        };
        assert_eq!(*details, expected);
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
