//! A page of a list of containers. An element means something at its place alone: metadata may be called
//! `Name` or `Etag`.

use quick_xml::{Reader, events::Event};

use super::{
    get_container_properties::ContainerProperties,
    list_page::{MAX_PAGE_ENTRIES, MAX_PAGE_VALUES, resolve},
};
use crate::http::number;

#[derive(Debug, Default)]
pub(super) struct ContainerPage {
    pub(super) containers: Vec<ContainerProperties>,
    pub(super) next_marker: Option<String>,
}

/// The page, unless it is not one from its beginning to its end.
pub(super) fn parse(body: &[u8]) -> Option<ContainerPage> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    reader.config_mut().expand_empty_elements = true;
    let mut page = ContainerPage::default();
    let mut open: Vec<String> = Vec::new();
    let mut container = ContainerProperties::default();
    let mut text = String::new();
    let mut complete = false;
    let mut values = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                text.clear();
                open.push(start.name().as_ref().to_owned());
                match place(&open)[..] {
                    [_, "Containers", "Container"] => container = ContainerProperties::default(),
                    [_, "Containers", "Container", "Metadata"] => {
                        container.metadata = Some(Vec::new());
                    }
                    _ => {}
                }
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => text.push_str(&resolve(&reference)?),
            Event::End(_) => {
                match place(&open)[..] {
                    ["EnumerationResults"] => complete = true,
                    ["EnumerationResults", "NextMarker"] => page.next_marker = non_empty(&text),
                    [_, "Containers", "Container"] => {
                        if container.name.is_empty() || page.containers.len() == MAX_PAGE_ENTRIES {
                            return None;
                        }
                        page.containers.push(std::mem::take(&mut container));
                    }
                    [_, "Containers", "Container", "Metadata", name] => {
                        values += 1;
                        if values > MAX_PAGE_VALUES {
                            return None;
                        }
                        let value = (name.to_owned(), text.clone());
                        container.metadata.get_or_insert_default().push(value);
                    }
                    [_, "Containers", "Container", name]
                    | [_, "Containers", "Container", "Properties", name] => {
                        container.set(open.len() == 5, name, &text);
                    }
                    _ => {}
                }
                text.clear();
                open.pop();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    complete.then_some(page)
}

fn place(open: &[String]) -> Vec<&str> {
    open.iter().map(String::as_str).collect()
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl ContainerProperties {
    fn set(&mut self, is_property: bool, name: &str, text: &str) {
        let date = |text: &str| httpdate::parse_http_date(text).ok();
        match (is_property, name) {
            (false, "Name") => text.clone_into(&mut self.name),
            (false, "Version") => self.version = non_empty(text),
            (false, "Deleted") => self.is_deleted = text == "true",
            (true, "Last-Modified") => self.last_modified = date(text),
            (true, "Etag") => self.etag = non_empty(text),
            (true, "LeaseState") => self.lease_state = non_empty(text),
            (true, "PublicAccess") => self.public_access = non_empty(text),
            (true, "HasImmutabilityPolicy") => self.has_immutability_policy = text == "true",
            (true, "HasLegalHold") => self.has_legal_hold = text == "true",
            (true, "DeletedTime") => self.deleted_time = date(text),
            (true, "RemainingRetentionDays") => self.remaining_retention_days = number(text),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(containers: &str) -> Option<ContainerPage> {
        let text = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <EnumerationResults ServiceEndpoint=\"https://a.blob.core.windows.net/\">\
             <Prefix>d</Prefix><MaxResults>2</MaxResults><Containers>{containers}</Containers>\
             <NextMarker>/a/e</NextMarker></EnumerationResults>"
        );
        parse(text.as_bytes())
    }

    #[test]
    fn containers() {
        let page = page(
            "<Container><Name>data</Name><Properties>\
             <Last-Modified>Wed, 30 Nov 2022 22:40:43 GMT</Last-Modified>\
             <Etag>\"0x8DAD326C82E7A7C\"</Etag><LeaseStatus>unlocked</LeaseStatus>\
             <LeaseState>available</LeaseState><PublicAccess>container</PublicAccess>\
             <DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope>\
             <HasImmutabilityPolicy>true</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>\
             </Properties><Metadata><Name>a &amp; b</Name><Etag>c</Etag><empty /></Metadata></Container>\
             <Container><Name>dropped</Name><Deleted>true</Deleted><Version>01D8FF4</Version><Properties>\
             <DeletedTime>Wed, 30 Nov 2022 22:40:44 GMT</DeletedTime>\
             <RemainingRetentionDays>7</RemainingRetentionDays></Properties></Container>",
        )
        .unwrap();
        assert_eq!(page.next_marker.as_deref(), Some("/a/e"));
        let [data, dropped] = &page.containers[..] else {
            panic!("{page:?}");
        };
        assert_eq!(
            (data.name.as_str(), data.etag.as_deref()),
            ("data", Some("\"0x8DAD326C82E7A7C\""))
        );
        assert!(data.last_modified.is_some() && data.has_immutability_policy && !data.is_deleted);
        assert_eq!(data.public_access.as_deref(), Some("container"));
        assert_eq!(data.lease_state.as_deref(), Some("available"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            data.metadata,
            Some(vec![
                pair("Name", "a & b"),
                pair("Etag", "c"),
                pair("empty", "")
            ])
        );
        assert!(dropped.is_deleted && dropped.deleted_time.is_some());
        assert_eq!(dropped.version.as_deref(), Some("01D8FF4"));
        assert_eq!(dropped.remaining_retention_days, Some(7));
        assert_eq!(dropped.metadata, None);
    }

    #[test]
    fn what_is_no_page() {
        assert!(page("").unwrap().containers.is_empty());
        assert!(page("<Container><Properties/></Container>").is_none());
        assert!(parse(b"<EnumerationResults><Containers>").is_none());
        assert!(parse(b"<html></html>").is_none());
        let many = "<Container><Name>a</Name></Container>".repeat(MAX_PAGE_ENTRIES + 1);
        assert!(page(&many).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
