//! Operations on one blob, or on one prefix, that move no content: each is complete in its own file.

use std::{fmt, time::SystemTime};

use super::{
    attempts::Attempts, blob_ref::BlobRef, get_account_information::AccountInformation,
    get_container_properties::ContainerProperties, get_properties::BlobProperties,
    list_entry::ListEntry, session::Session,
};
use crate::{error::Result, http::ResponseHead};

/// An operation on one blob that moves no content.
pub(crate) trait SmallOperation: Send + fmt::Debug {
    /// Carries it out. May be called again, with the same `attempts`, where a token was needed first.
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer>;

    /// Whether it is about one blob, and not about a prefix or a container.
    fn needs_a_name(&self) -> bool {
        true
    }

    /// Whether it changes the blob: two of one call must not name the same then.
    fn changes(&self) -> bool {
        true
    }

    /// Whether it can be done with a version or a snapshot as well, which its requests have to name then.
    fn takes_revisions(&self) -> bool {
        false
    }
}

/// What such an operation gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing but success.
    Done,
    /// There was no such blob, and that is fine.
    Missing,
    /// The blob's new version.
    Updated(Updated),
    /// Properties of the blob.
    Properties(Box<BlobProperties>),
    /// The snapshot that was taken.
    Snapshot(BlobRef),
    /// Properties of the container.
    Container(Box<ContainerProperties>),
    /// What kind of account it is.
    Account(AccountInformation),
    /// Index tags.
    Tags(Vec<(String, String)>),
    /// A lease is held, with this id.
    Leased(String),
    /// A lease ends in so many seconds.
    LeaseEndsIn(u64),
    /// What is below the prefix.
    Entries(Vec<ListEntry>),
}

/// The version that a blob has after its metadata or headers were set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// ETag, in quotes as the service sends it.
    pub etag: Option<String>,
    /// When the blob or its metadata last changed.
    pub last_modified: Option<SystemTime>,
    /// Where the account keeps versions: which one it is.
    pub version_id: Option<String>,
}

impl Updated {
    pub(crate) fn read(head: &ResponseHead) -> Self {
        Self {
            etag: head.get("etag").map(str::to_owned),
            last_modified: date(head, "last-modified"),
            version_id: head.get("x-ms-version-id").map(str::to_owned),
        }
    }
}

/// A header that holds a date.
pub(crate) fn date(head: &ResponseHead, name: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(head.get(name)?).ok()
}
