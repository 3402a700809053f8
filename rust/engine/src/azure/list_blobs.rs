//! Listing blobs, page by page.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/list-blobs>

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    list_page::{ListEntry, parse},
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Request,
};

/// Pages in a row without an entry, each of which names another one, after which a list is given up.
pub(super) const MAX_EMPTY_PAGES: u32 = 10_000;

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

/// The pages of a list, one after another.
#[derive(Debug, Default)]
pub(crate) struct ListBlobs {
    pub(crate) options: ListOptions,
    marker: Option<String>,
    ended: bool,
    /// Hashes of all markers so far: one that comes again would make the list endless.
    markers: HashSet<u64>,
    /// Hashes of the blobs that pages began and ended with: with one of these none begins that goes on.
    edges: HashSet<u64>,
    last_prefix: Option<String>,
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
        self.empty_pages = if page.entries.is_empty() {
            self.empty_pages + 1
        } else {
            0
        };
        self.drop_repeated_prefix(&mut page.entries);
        let mut blobs = page.entries.iter().filter(|entry| !entry.is_prefix);
        if let Some(first) = blobs.next() {
            let last = blobs.next_back().unwrap_or(first);
            let [first, last] = [first, last].map(|blob| hash_of(&blob.name));
            if self.edges.contains(&first) {
                return Err(malformed(
                    "the list does not go on: a page begins with what was there before",
                ));
            }
            self.edges.extend([first, last]);
        }
        if let Some(marker) = &page.next_marker {
            if !self.markers.insert(hash_of(marker)) {
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
        // The service leaves out what a blob has none of.
        for entry in page.entries.iter_mut().filter(|entry| !entry.is_prefix) {
            for include in &self.options.include {
                match include {
                    Include::Metadata => entry.metadata.get_or_insert_default(),
                    Include::Tags => entry.tags.get_or_insert_default(),
                };
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

pub(super) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
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
