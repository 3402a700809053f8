//! Get Blob Properties: <https://learn.microsoft.com/rest/api/storageservices/get-blob-properties>

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    content_headers::ContentHeaders,
    encryption::Encrypts,
    error_response,
    known_versions::check_version,
    redaction::Secrets,
    revision::Address,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation, date},
};
use crate::{
    error::{ErrorKind, Result},
    http::{Request, ResponseHead, TransportError, number},
    limits::MAX_BLOB_SIZE,
};

/// Properties of a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobProperties {
    /// Bytes.
    pub size: u64,
    /// ETag, in quotes as the service sends it.
    pub etag: Option<String>,
    /// When the blob or its metadata last changed.
    pub last_modified: Option<SystemTime>,
    /// When the blob was created.
    pub creation_time: Option<SystemTime>,
    /// Headers of content.
    pub content: ContentHeaders,
    /// MD5 of the content, where one is stored.
    pub content_md5: Option<Vec<u8>>,
    /// Metadata.
    pub metadata: Vec<(String, String)>,
    /// `BlockBlob`, `AppendBlob` or `PageBlob`.
    pub blob_type: Option<String>,
    /// Access tier.
    pub tier: Option<String>,
    /// It is the account's default, and not the blob's own.
    pub tier_inferred: bool,
    /// Where a blob is on its way out of the archive: `rehydrate-pending-to-hot`, for instance.
    pub archive_status: Option<String>,
    /// How soon it is to be out of it: `Standard` or `High`.
    pub rehydrate_priority: Option<String>,
    /// Until when an immutability policy protects the blob.
    pub immutability_policy_until: Option<SystemTime>,
    /// `unlocked` or `locked`: whether that can still be shortened.
    pub immutability_policy_mode: Option<String>,
    /// A legal hold protects it.
    pub legal_hold: bool,
    /// The encryption scope that it was written with.
    pub encryption_scope: Option<String>,
    /// `available`, `leased`, `expired`, `breaking` or `broken`.
    pub lease_state: Option<String>,
    /// Number of index tags.
    pub tag_count: u64,
    /// Where the account keeps versions: which one this is.
    pub version_id: Option<String>,
    /// Whether that is the blob itself.
    pub is_current_version: Option<bool>,
    /// Of the last copy onto the blob, where it has not been written since.
    pub copy_id: Option<String>,
    /// `pending`, `success`, `aborted` or `failed`.
    pub copy_status: Option<String>,
    /// Why the copy failed.
    pub copy_status_description: Option<String>,
}

impl BlobProperties {
    /// Reads an answer, which must tell the blob's size.
    pub(super) fn read(head: &ResponseHead) -> Result<Self, TransportError> {
        let text = |name: &str| head.get(name).map(str::to_owned);
        let number = |name: &str| head.get(name).and_then(number);
        let size = number("content-length").filter(|size| *size <= MAX_BLOB_SIZE);
        Ok(Self {
            size: size.ok_or(TransportError::Protocol(
                "the answer tells no size that a blob can have",
            ))?,
            etag: text("etag"),
            last_modified: date(head, "last-modified"),
            creation_time: date(head, "x-ms-creation-time"),
            content: ContentHeaders::read(head),
            content_md5: head
                .get("content-md5")
                .and_then(|text| STANDARD.decode(text).ok()),
            metadata: head.metadata(),
            blob_type: text("x-ms-blob-type"),
            tier: text("x-ms-access-tier"),
            tier_inferred: head.get("x-ms-access-tier-inferred") == Some("true"),
            archive_status: text("x-ms-archive-status"),
            rehydrate_priority: text("x-ms-rehydrate-priority"),
            immutability_policy_until: date(head, "x-ms-immutability-policy-until-date"),
            immutability_policy_mode: text("x-ms-immutability-policy-mode"),
            legal_hold: head.get("x-ms-legal-hold") == Some("true"),
            encryption_scope: text("x-ms-encryption-scope"),
            lease_state: text("x-ms-lease-state"),
            tag_count: number("x-ms-tag-count").unwrap_or_default(),
            version_id: text("x-ms-version-id"),
            is_current_version: head
                .get("x-ms-version-id")
                .map(|_| head.get("x-ms-is-current-version") == Some("true")),
            copy_id: text("x-ms-copy-id"),
            copy_status: text("x-ms-copy-status"),
            copy_status_description: text("x-ms-copy-status-description"),
        })
    }
}

/// Asks for a blob's properties and metadata.
#[derive(Clone, Debug, Default)]
pub(crate) struct GetProperties {
    /// What must hold of it.
    pub(crate) conditions: Conditions,
}

struct Call<'a> {
    address: Address,
    conditions: &'a Conditions,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn encrypts(&self) -> Encrypts {
        Encrypts::Reading
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        self.conditions.apply(self.address.request("HEAD"))
    }
}

/// Refuses a directory of an account with hierarchical namespace, which looks like a blob to those who ask for
/// it by name: one without content, with this metadata.
pub(crate) fn require_no_directory(
    properties: &BlobProperties,
    head: &ResponseHead,
    session: &Session,
) -> Result<()> {
    let is_directory = properties.size == 0
        && properties.metadata.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("hdi_isfolder") && value.eq_ignore_ascii_case("true")
        });
    if !is_directory {
        return Ok(());
    }
    let secrets = Secrets::new(&session.account.credential(), None);
    let message = "there is no blob of this name but a directory";
    Err(error_response::about(
        head,
        &secrets,
        ErrorKind::NotFound,
        message,
    ))
}

/// The properties of a blob, and the answer that they came in.
pub(crate) fn get_properties(
    session: &mut Session,
    attempts: &mut Attempts,
    blob: &BlobRef,
    conditions: &Conditions,
) -> Result<(BlobProperties, ResponseHead)> {
    let address = session.account.endpoint.address_of(blob);
    let mut call = Call {
        address,
        conditions,
    };
    loop {
        let (head, _) = session.call(attempts, &mut call)?;
        check_version(&head, blob, session)?;
        match BlobProperties::read(&head) {
            Ok(properties) => return Ok((properties, head)),
            Err(error) => session.broken(attempts, error)?,
        }
    }
}

impl SmallOperation for GetProperties {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        let (properties, head) = get_properties(session, attempts, blob, &self.conditions)?;
        require_no_directory(&properties, &head, session)?;
        Ok(Answer::Properties(Box::new(properties)))
    }

    fn changes(&self) -> bool {
        false
    }

    fn takes_revisions(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Option<BlobProperties> {
        let head = format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n");
        let (head, _) = ResponseHead::parse(head.as_bytes(), true).unwrap().unwrap();
        BlobProperties::read(&head).ok()
    }

    fn size(length: &str) -> Option<u64> {
        read(length).map(|found| found.size)
    }

    #[test]
    fn a_blob_on_its_way_out_of_the_archive() {
        let found = read(
            "content-length: 0\r\nx-ms-blob-type: BlockBlob\r\nx-ms-access-tier: Archive\r\n\
             x-ms-archive-status: rehydrate-pending-to-hot\r\nx-ms-rehydrate-priority: High",
        )
        .unwrap();
        assert_eq!(found.blob_type.as_deref(), Some("BlockBlob"));
        assert_eq!(found.tier.as_deref(), Some("Archive"));
        assert!(!found.tier_inferred);
        assert_eq!(
            found.archive_status.as_deref(),
            Some("rehydrate-pending-to-hot")
        );
        assert_eq!(found.rehydrate_priority.as_deref(), Some("High"));
    }

    #[test]
    fn a_blob_that_nobody_may_change() {
        let found = read(
            "content-length: 0\r\nx-ms-access-tier: Hot\r\nx-ms-access-tier-inferred: true\r\n\
             x-ms-immutability-policy-until-date: Mon, 02 Nov 2026 10:00:00 GMT\r\n\
             x-ms-immutability-policy-mode: unlocked\r\nx-ms-legal-hold: true",
        )
        .unwrap();
        assert!(found.tier_inferred && found.legal_hold);
        assert!(found.immutability_policy_until.is_some());
        assert_eq!(found.immutability_policy_mode.as_deref(), Some("unlocked"));
        assert!(!read("content-length: 0").unwrap().legal_hold);
    }

    #[test]
    fn no_size_but_a_blobs_is_believed() {
        assert_eq!(size("content-length: 7"), Some(7));
        assert_eq!(size("content-length: 209715200000000"), Some(MAX_BLOB_SIZE));
        for odd in [
            "-1",
            "+7",
            "",
            "seven",
            "209715200000001",
            "18446744073709551616",
        ] {
            assert_eq!(size(&format!("content-length: {odd}")), None, "{odd}");
        }
        assert_eq!(size("etag: \"e\""), None);
    }
}
