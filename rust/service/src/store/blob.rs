//! A committed blob: content, properties, metadata.

use std::sync::Arc;

use super::content::Content;
use crate::clock::Timestamp;

/// Properties that the client sets and reads as HTTP headers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContentHeaders {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// In base64, as stored by whoever wrote the blob; nobody keeps it true.
    pub(crate) content_md5: Option<String>,
}

/// Where a blob's bytes are kept, by price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Hot,
    Cool,
    Cold,
    /// Cannot be read.
    Archive,
}

impl Tier {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Hot, Self::Cool, Self::Cold, Self::Archive]
            .into_iter()
            .find(|tier| tier.as_str().eq_ignore_ascii_case(text))
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "Hot",
            Self::Cool => "Cool",
            Self::Cold => "Cold",
            Self::Archive => "Archive",
        }
    }
}

/// The copy that made a blob.
#[derive(Clone, Debug)]
pub(crate) struct CopyRecord {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) completed: Timestamp,
}

/// A committed blob. Never changed, only replaced, so that readers need no lock.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) content: Arc<Content>,
    pub(crate) etag: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) headers: ContentHeaders,
    /// Names as sent, without `x-ms-meta-`.
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) tags: Vec<(String, String)>,
    /// None: the account's default.
    pub(crate) tier: Option<Tier>,
    pub(crate) tier_changed: Option<Timestamp>,
    /// Where it is on its way to, out of the archive: it never arrives.
    pub(crate) rehydrates_to: Option<Tier>,
    /// With which priority: `Standard` or `High`.
    pub(crate) rehydrate_priority: &'static str,
    pub(crate) copy: Option<CopyRecord>,
}

impl Blob {
    /// What becomes of an archived blob, as its properties have it.
    pub(crate) fn archive_status(&self) -> Option<String> {
        let tier = self.rehydrates_to?.as_str().to_ascii_lowercase();
        Some(format!("rehydrate-pending-to-{tier}"))
    }

    /// The tier that applies.
    pub(crate) fn tier(&self) -> Tier {
        self.tier.unwrap_or(Tier::Hot)
    }
}
