//! Listing blobs, page by page.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/list-blobs>

use std::collections::HashSet;

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    list_entry::ListEntry,
    list_page::parse,
    markers::{Markers, hash_of},
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Request,
};

/// What a list gives besides blobs and their properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Metadata.
    Metadata,
    /// Index tags.
    Tags,
    /// The last copy onto it.
    Copy,
    /// And all snapshots, each an entry of its own.
    Snapshots,
    /// And all versions, each an entry of its own.
    Versions,
    /// And what is deleted and can still be undeleted.
    Deleted,
    /// And blobs that have uncommitted blocks alone.
    Uncommitted,
}

impl Include {
    fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Tags => "tags",
            Self::Copy => "copy",
            Self::Snapshots => "snapshots",
            Self::Versions => "versions",
            Self::Deleted => "deleted",
            Self::Uncommitted => "uncommittedblobs",
        }
    }
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

/// The pages of a list, one after another.
#[derive(Debug, Default)]
pub(crate) struct ListBlobs {
    pub(crate) options: ListOptions,
    marker: Option<String>,
    ended: bool,
    markers: Markers,
    /// Hashes of the blobs that pages began and ended with: with one of these none begins that goes on.
    edges: HashSet<u64>,
    last_prefix: Option<String>,
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

    fn is_answered_by_body(&self) -> bool {
        true
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let mut request = Request::new("GET", &*self.path)
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
                .map(|include| include.as_str())
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
        let asked = call.prefix;
        self.attempts = attempts;
        let (_, body) = sent?;
        self.attempts = Attempts::default();
        let malformed = |reason: &str| Error::new(ErrorKind::Service, reason);
        let mut page = parse(&body)
            .ok_or_else(|| malformed("the list is not the XML that the protocol says"))?;
        // Whoever deletes what is listed relies on it.
        if !page
            .entries
            .iter()
            .all(|entry| entry.name.starts_with(&asked))
        {
            return Err(malformed(
                "the list has blobs that are not below the prefix that was asked for",
            ));
        }
        let is_empty = page.entries.is_empty();
        self.drop_repeated_prefix(&mut page.entries);
        let mut blobs = page.entries.iter().filter(|entry| !entry.is_prefix);
        if let Some(first) = blobs.next() {
            let last = blobs.next_back().unwrap_or(first);
            let [first, last] = [first, last].map(|blob| hash_of(&blob.identity()));
            if self.edges.contains(&first) {
                return Err(malformed(
                    "the list does not go on: a page begins with what was there before",
                ));
            }
            self.edges.extend([first, last]);
        }
        self.markers.note(page.next_marker.as_deref(), is_empty)?;
        // The service leaves out what a blob has none of.
        for entry in page.entries.iter_mut().filter(|entry| !entry.is_prefix) {
            for include in &self.options.include {
                match include {
                    Include::Metadata => _ = entry.metadata.get_or_insert_default(),
                    Include::Tags => _ = entry.tags.get_or_insert_default(),
                    _ => {}
                }
            }
        }
        self.ended = page.next_marker.is_none();
        self.marker = page.next_marker;
        Ok(Some(page.entries))
    }

    /// Where what is below a prefix goes on behind the end of a page, the service may name the prefix again:
    /// <https://github.com/Azure/azure-storage-net/issues/396>.
    fn drop_repeated_prefix(&mut self, entries: &mut Vec<ListEntry>) {
        let is_prefix = |entry: &ListEntry| entry.is_prefix;
        if let Some(first) = entries.iter().position(is_prefix)
            && self.last_prefix.as_ref() == Some(&entries[first].name)
        {
            entries.remove(first);
        }
        if let Some(last) = entries.iter().rev().find(|entry| entry.is_prefix) {
            self.last_prefix = Some(last.name.clone());
        }
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
