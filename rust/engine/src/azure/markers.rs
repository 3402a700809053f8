//! What shows that a list goes on, page after page, and will end.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::error::{Error, ErrorKind, Result};

/// Pages in a row without an entry, each of which names another one, after which a list is given up.
const MAX_EMPTY_PAGES: u32 = 10_000;

/// The markers that the pages of a list have named so far.
#[derive(Debug, Default)]
pub(super) struct Markers {
    /// Hashes: one that comes again would make the list endless.
    seen: HashSet<u64>,
    empty_pages: u32,
}

impl Markers {
    /// Takes note of the marker that a page names for the next one.
    pub(super) fn note(&mut self, marker: Option<&str>, page_is_empty: bool) -> Result<()> {
        let endless = |reason: &str| Err(Error::new(ErrorKind::Service, reason));
        self.empty_pages = if page_is_empty {
            self.empty_pages + 1
        } else {
            0
        };
        let Some(marker) = marker else {
            return Ok(());
        };
        if !self.seen.insert(hash_of(marker)) {
            return endless(
                "the list does not end: it names a page as the next one that was there before",
            );
        }
        if self.empty_pages > MAX_EMPTY_PAGES {
            return endless("the list does not end: it has nothing but empty pages");
        }
        Ok(())
    }
}

pub(super) fn hash_of(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_list() {
        let mut markers = Markers::default();
        assert!(markers.note(Some("a"), false).is_ok());
        assert!(markers.note(Some("b"), true).is_ok());
        assert!(markers.note(Some("a"), false).is_err());
        assert!(markers.note(None, true).is_ok());
    }

    #[test]
    fn many_empty_pages() {
        let mut markers = Markers::default();
        let mut note = |page: u32, empty| markers.note(Some(&page.to_string()), empty);
        for page in 0..MAX_EMPTY_PAGES {
            assert!(note(page, true).is_ok());
        }
        assert!(note(MAX_EMPTY_PAGES, true).is_err());
        assert!(note(MAX_EMPTY_PAGES + 1, false).is_ok());
        assert!(note(MAX_EMPTY_PAGES + 2, true).is_ok());
    }
}
