//! Find Blobs by Tags, over the account or a container:
//! <https://learn.microsoft.com/rest/api/storageservices/find-blobs-by-tags>,
//! <https://learn.microsoft.com/rest/api/storageservices/find-blobs-by-tags-container>

use super::{
    attempts::Attempts,
    list_entry::ListEntry,
    list_page::{Page, parse},
    markers::Markers,
    pages::Pages,
    session::{Operation, Session},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Request,
};

/// The pages of a search, one after another.
#[derive(Debug)]
pub(crate) struct FindBlobs {
    /// What holds of the tags: `"state" = 'done' AND "owner" > 'm'`.
    tags: String,
    /// Where; in the whole account otherwise.
    container: Option<String>,
    marker: Option<String>,
    ended: bool,
    markers: Markers,
    /// At the next page.
    attempts: Attempts,
}

struct Call<'a> {
    path: String,
    find: &'a FindBlobs,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn is_answered_by_body(&self) -> bool {
        true
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let mut request = Request::new("GET", &*self.path);
        if self.find.container.is_some() {
            request = request.query("restype", "container");
        }
        request = request
            .query("comp", "blobs")
            .query("where", self.find.tags.as_str());
        match &self.find.marker {
            Some(marker) => request.query("marker", marker.as_str()),
            None => request,
        }
    }
}

impl FindBlobs {
    pub(crate) fn new(tags: String, container: Option<String>) -> Self {
        Self {
            tags,
            container,
            marker: None,
            ended: false,
            markers: Markers::default(),
            attempts: Attempts::default(),
        }
    }

    fn page(&mut self, session: &mut Session) -> Result<Option<Vec<ListEntry>>> {
        if self.ended {
            return Ok(None);
        }
        // Kept where a token is needed first: a second refusal is final.
        let mut attempts = std::mem::take(&mut self.attempts);
        let base = session.account.endpoint.base_path();
        let mut call = Call {
            path: format!("{base}/{}", self.container.as_deref().unwrap_or_default()),
            find: self,
        };
        let sent = session.call(&mut attempts, &mut call);
        self.attempts = attempts;
        let (_, body) = sent?;
        self.attempts = Attempts::default();
        let page = self.read(&body)?;
        self.ended = page.next_marker.is_none();
        self.marker = page.next_marker;
        Ok(Some(page.entries))
    }

    /// A page, if it is one that can follow those before.
    fn read(&mut self, body: &[u8]) -> Result<Page> {
        let malformed = |reason: &str| Error::new(ErrorKind::Service, reason);
        let page = parse(body)
            .ok_or_else(|| malformed("what was found is not the XML that the protocol says"))?;
        // Whoever deletes what is found relies on it.
        let is_asked_for = |entry: &ListEntry| match (&entry.container, &self.container) {
            (Some(found), Some(asked)) => found == asked,
            (found, None) => found.is_some(),
            (None, Some(_)) => false,
        };
        if !page.entries.iter().all(is_asked_for) {
            return Err(malformed(
                "what was found is not in the container that was asked for",
            ));
        }
        self.markers
            .note(page.next_marker.as_deref(), page.entries.is_empty())?;
        Ok(page)
    }
}

impl Pages for FindBlobs {
    type Entry = ListEntry;

    fn next_page(&mut self, session: &mut Session) -> Result<Option<Vec<ListEntry>>> {
        self.page(session).map_err(|error| match &self.container {
            Some(container) => error.with_blob(container),
            None => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(blobs: &str, marker: &str) -> String {
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults \
             ServiceEndpoint=\"https://a.example/\"><Where>\"k\"='v'</Where><Blobs>{blobs}</Blobs>\
             <NextMarker>{marker}</NextMarker></EnumerationResults>"
        )
    }

    fn blob(container: &str) -> String {
        format!(
            "<Blob><Name>a/b</Name><ContainerName>{container}</ContainerName><Tags><TagSet><Tag><Key>k</Key>\
             <Value>v</Value></Tag></TagSet></Tags></Blob>"
        )
    }

    #[test]
    fn what_is_found_comes_with_its_container_and_the_tags_that_matched() {
        let mut find = FindBlobs::new("\"k\"='v'".to_owned(), None);
        let found = find.read(body(&blob("one"), "next").as_bytes()).unwrap();
        let entry = &found.entries[0];
        assert_eq!(entry.container.as_deref(), Some("one"));
        assert_eq!(entry.name, "a/b");
        assert_eq!(entry.tags, Some(vec![("k".to_owned(), "v".to_owned())]));
        assert_eq!(found.next_marker.as_deref(), Some("next"));
    }

    #[test]
    fn what_is_elsewhere_was_not_asked_for() {
        let mut find = FindBlobs::new(String::new(), Some("one".to_owned()));
        assert!(find.read(body(&blob("one"), "").as_bytes()).is_ok());
        assert!(find.read(body(&blob("two"), "").as_bytes()).is_err());
        let nowhere = body("<Blob><Name>a</Name></Blob>", "");
        assert!(find.read(nowhere.as_bytes()).is_err());
    }

    #[test]
    fn pages_that_repeat_end_the_search() {
        let mut find = FindBlobs::new(String::new(), None);
        assert!(find.read(body("", "again").as_bytes()).is_ok());
        assert!(find.read(body("", "again").as_bytes()).is_err());
    }
}
