//! Lists, page by page.

use std::fmt;

use super::{blob_ref::BlobRef, list_blobs::ListBlobs, list_entry::ListEntry, session::Session};
use crate::error::Result;

/// The pages of a list, one after another.
pub(crate) trait Pages: Send + fmt::Debug {
    /// What is listed.
    type Entry;

    /// The next page, in the order of names; None after the last. A page may be empty.
    fn next_page(&mut self, session: &mut Session) -> Result<Option<Vec<Self::Entry>>>;
}

/// What is below a prefix.
#[derive(Debug)]
pub(crate) struct BlobsBelow {
    pub(crate) prefix: BlobRef,
    pub(crate) pages: ListBlobs,
}

impl Pages for BlobsBelow {
    type Entry = ListEntry;

    fn next_page(&mut self, session: &mut Session) -> Result<Option<Vec<ListEntry>>> {
        let page = self.pages.next_page(session, &self.prefix);
        page.map_err(|error| error.with_blob(&self.prefix))
    }
}
