//! Get Container Properties:
//! <https://learn.microsoft.com/rest/api/storageservices/get-container-properties>

use std::time::SystemTime;

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation, date},
};
use crate::{
    error::Result,
    http::{Request, ResponseHead},
};

/// Properties of a container, asked for or listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerProperties {
    /// Its name.
    pub name: String,
    /// ETag, in quotes as the service sends it.
    pub etag: Option<String>,
    /// When the container, its metadata or its permissions last changed; blobs do not count.
    pub last_modified: Option<SystemTime>,
    /// Metadata, where it was asked for.
    pub metadata: Option<Vec<(String, String)>>,
    /// What anybody may read: `blob` or `container`.
    pub public_access: Option<String>,
    /// `available`, `leased`, `expired`, `breaking` or `broken`.
    pub lease_state: Option<String>,
    /// Whether it has a policy of immutability.
    pub has_immutability_policy: bool,
    /// Whether a legal hold protects it.
    pub has_legal_hold: bool,
    /// Whether it was deleted, and can be restored.
    pub is_deleted: bool,
    /// Which of the deleted containers of this name it is.
    pub version: Option<String>,
    /// When it was deleted.
    pub deleted_time: Option<SystemTime>,
    /// Until it can be restored no more.
    pub remaining_retention_days: Option<u64>,
}

impl ContainerProperties {
    fn read(container: &BlobRef, head: &ResponseHead) -> Self {
        let text = |name: &str| head.get(name).map(str::to_owned);
        let is_true = |name: &str| head.get(name) == Some("true");
        Self {
            name: container.container().to_owned(),
            etag: text("etag"),
            last_modified: date(head, "last-modified"),
            metadata: Some(head.metadata()),
            public_access: text("x-ms-blob-public-access"),
            lease_state: text("x-ms-lease-state"),
            has_immutability_policy: is_true("x-ms-has-immutability-policy"),
            has_legal_hold: is_true("x-ms-has-legal-hold"),
            ..Self::default()
        }
    }
}

/// Asks for a container's properties and metadata.
#[derive(Clone, Debug, Default)]
pub struct GetContainerProperties {
    /// Of these the lease alone is sent.
    pub conditions: Conditions,
}

struct Call<'a> {
    path: String,
    conditions: &'a Conditions,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        // Not HEAD, whose errors have no words.
        let request = Request::new("GET", &*self.path).query("restype", "container");
        self.conditions.apply_lease(request)
    }
}

impl SmallOperation for GetContainerProperties {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        container: &BlobRef,
    ) -> Result<Answer> {
        let path = session.account.endpoint.path_of(container);
        let conditions = &self.conditions;
        let (head, _) = session.call(attempts, &mut Call { path, conditions })?;
        let properties = ContainerProperties::read(container, &head);
        Ok(Answer::Container(Box::new(properties)))
    }

    fn needs_a_name(&self) -> bool {
        false
    }

    fn changes(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"0x8DAD326C82E7A7C\"\r\n\
                    Last-Modified: Wed, 30 Nov 2022 22:40:43 GMT\r\nx-ms-meta-Team: a\r\n\
                    x-ms-blob-public-access: blob\r\nx-ms-lease-status: locked\r\n\
                    x-ms-lease-state: leased\r\nx-ms-lease-duration: infinite\r\n\
                    x-ms-default-encryption-scope: $account-encryption-key\r\n\
                    x-ms-deny-encryption-scope-override: false\r\n\
                    x-ms-has-immutability-policy: false\r\nx-ms-has-legal-hold: true\r\n\
                    x-ms-immutable-storage-with-versioning-enabled: false\r\n\r\n";
        let (head, _) = ResponseHead::parse(head.as_bytes(), false)
            .unwrap()
            .unwrap();
        let container = BlobRef::parse("data").unwrap();
        let read = ContainerProperties::read(&container, &head);
        assert!(read.last_modified.is_some());
        assert_eq!(
            read,
            ContainerProperties {
                name: "data".to_owned(),
                etag: Some("\"0x8DAD326C82E7A7C\"".to_owned()),
                last_modified: read.last_modified,
                metadata: Some(vec![("Team".to_owned(), "a".to_owned())]),
                public_access: Some("blob".to_owned()),
                lease_state: Some("leased".to_owned()),
                has_legal_hold: true,
                ..ContainerProperties::default()
            }
        );
    }
}
