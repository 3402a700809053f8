//! An entry of a list.

use std::{borrow::Cow, hash::Hash, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{content_headers::ContentHeaders, redaction::shown_path};
use crate::{http::number, limits::MAX_BLOB_SIZE};

/// The words that nearly all blobs have, which take no memory then.
const USUAL_WORDS: [&str; 3] = ["BlockBlob", "available", "unlocked"];

/// A blob in a list, or a prefix that stands for several.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an element of its own"
)]
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
    /// Access tier.
    pub tier: Option<String>,
    /// It is the account's default, and not the blob's own.
    pub tier_inferred: bool,
    /// Metadata, where it was asked for.
    pub metadata: Option<Vec<(String, String)>>,
    /// Index tags, where they were asked for; of a search by tags those that matched.
    pub tags: Option<Vec<(String, String)>>,
    /// Where the account keeps versions: which one this is.
    pub version_id: Option<String>,
    /// Whether that is the blob itself.
    pub is_current_version: Option<bool>,
    /// Of a snapshot: when it was taken, as the service writes it.
    pub snapshot: Option<String>,
    /// Whether it is deleted, and can still be undeleted.
    pub is_deleted: bool,
    /// `BlockBlob`, `AppendBlob` or `PageBlob`.
    pub blob_type: Option<Cow<'static, str>>,
    /// `available`, `leased`, `expired`, `breaking` or `broken`.
    pub lease_state: Option<Cow<'static, str>>,
    /// `locked` or `unlocked`.
    pub lease_status: Option<Cow<'static, str>>,
    /// Whether it is stored encrypted.
    pub server_encrypted: Option<bool>,
    /// What few blobs have.
    pub details: Option<Box<Details>>,
    /// Where it is, of a search by tags, which goes over all containers.
    pub container: Option<String>,
    pub(super) is_directory: bool,
}

/// Properties that few blobs of a list have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// When it was deleted.
    pub deleted_time: Option<SystemTime>,
    /// Days until it is gone for good; 0 on the last one.
    pub remaining_retention_days: Option<u64>,
    /// Where a blob is on its way out of the archive: `rehydrate-pending-to-hot`, for instance.
    pub archive_status: Option<String>,
    /// How soon it is to be out of it: `Standard` or `High`.
    pub rehydrate_priority: Option<String>,
    /// Of the last copy onto the blob, where it has not been written since.
    pub copy_id: Option<String>,
    /// `pending`, `success`, `aborted` or `failed`.
    pub copy_status: Option<String>,
    /// Why the copy failed.
    pub copy_status_description: Option<String>,
    /// URL of the source, without what may be a SAS.
    pub copy_source: Option<String>,
    /// Bytes that were copied, and bytes of the source: `1/2`.
    pub copy_progress: Option<String>,
    /// When the copy ended.
    pub copy_completion_time: Option<SystemTime>,
}

impl ListEntry {
    /// What tells this entry from all others.
    pub(super) fn identity(&self) -> impl Hash {
        (
            &self.container,
            &self.name,
            &self.version_id,
            &self.snapshot,
            self.is_deleted,
        )
    }

    pub(super) fn set_name(&mut self, text: &str, encoded: bool) {
        self.name = if encoded {
            percent_decode_str(text).decode_utf8_lossy().into_owned()
        } else {
            text.to_owned()
        };
        if self.is_prefix && self.name.ends_with('/') {
            self.name.pop();
        }
    }

    /// What an element beside the name says.
    pub(super) fn set_state(&mut self, name: &str, text: &str) {
        match name {
            "VersionId" => {
                self.version_id = non_empty(text);
                self.is_current_version.get_or_insert(false);
            }
            "IsCurrentVersion" => self.is_current_version = Some(text == "true"),
            "Snapshot" => self.snapshot = non_empty(text),
            "Deleted" => self.is_deleted = text == "true",
            _ => {}
        }
    }

    /// None where it cannot be the property of a blob.
    pub(super) fn set_property(&mut self, name: &str, text: &str) -> Option<()> {
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
            "AccessTier" => self.tier = non_empty(text),
            "AccessTierInferred" => self.tier_inferred = text == "true",
            "ResourceType" => self.is_directory = text == "directory",
            "BlobType" => self.blob_type = word(text),
            "LeaseState" => self.lease_state = word(text),
            "LeaseStatus" => self.lease_status = word(text),
            "ServerEncrypted" => self.server_encrypted = Some(text == "true"),
            _ => self.set_detail(name, text),
        }
        Some(())
    }

    fn set_detail(&mut self, name: &str, text: &str) {
        let set: fn(&mut Details, &str) = match name {
            "DeletedTime" => |details, text| details.deleted_time = date(text),
            "RemainingRetentionDays" => {
                |details, text| details.remaining_retention_days = number(text)
            }
            "ArchiveStatus" => |details, text| details.archive_status = non_empty(text),
            "RehydratePriority" => |details, text| details.rehydrate_priority = non_empty(text),
            "CopyId" => |details, text| details.copy_id = non_empty(text),
            "CopyStatus" => |details, text| details.copy_status = non_empty(text),
            "CopyStatusDescription" => {
                |details, text| details.copy_status_description = non_empty(text)
            }
            "CopySource" => |details, text| details.copy_source = non_empty(shown_path(text)),
            "CopyProgress" => |details, text| details.copy_progress = non_empty(text),
            "CopyCompletionTime" => |details, text| details.copy_completion_time = date(text),
            _ => return,
        };
        set(self.details.get_or_insert_default(), text);
    }
}

fn word(text: &str) -> Option<Cow<'static, str>> {
    let usual = USUAL_WORDS.into_iter().find(|usual| *usual == text);
    usual
        .map(Cow::from)
        .or_else(|| non_empty(text).map(Cow::from))
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

pub(super) fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
