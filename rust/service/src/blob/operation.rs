//! The operations, how requests ask for them, and what permission each needs.

use super::target::Target;
use crate::http::Request;
use crate::store::{Container, PublicAccess};

/// An operation, by its name in Azure's documentation and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    ListContainers,
    CreateContainer,
    DeleteContainer,
    GetContainerProperties,
    ListBlobs,
    BlobBatch,
    PutBlob,
    PutBlobFromUrl,
    CopyBlob,
    AbortCopyBlob,
    PutBlock,
    PutBlockList,
    GetBlockList,
    GetBlob,
    GetBlobProperties,
    GetBlobMetadata,
    SetBlobMetadata,
    SetBlobProperties,
    GetBlobTags,
    SetBlobTags,
    SetBlobTier,
    LeaseBlob,
    DeleteBlob,
    /// Anything else.
    Unknown,
}

/// What a caller must hold to carry an operation out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Any one of these letters in the `sp` of a service's signature; empty: no such signature will
    /// do.
    pub(crate) service_permissions: &'static str,
    /// The same for an account's signature.
    pub(crate) account_permissions: &'static str,
    /// Letter in the `srt` of an account's signature.
    pub(crate) resource: &'static str,
    /// The least public access of a container that lets anybody do it.
    public: Option<PublicAccess>,
}

impl Need {
    /// To read a blob.
    pub(crate) const READ: Self = Self::of("r", "o", Some(PublicAccess::Blob));

    const fn of(
        permissions: &'static str,
        resource: &'static str,
        public: Option<PublicAccess>,
    ) -> Self {
        Self {
            service_permissions: permissions,
            account_permissions: permissions,
            resource,
            public,
        }
    }

    const fn account_only(permissions: &'static str, resource: &'static str) -> Self {
        Self {
            service_permissions: "",
            ..Self::of(permissions, resource, None)
        }
    }

    /// Whether anybody may do it in that container.
    pub(crate) fn is_public(self, container: &Container) -> bool {
        match self.public {
            None => false,
            Some(PublicAccess::Blob) => container.access.is_some(),
            Some(PublicAccess::Container) => container.access == Some(PublicAccess::Container),
        }
    }
}

impl Operation {
    /// What a request asks for.
    pub(crate) fn of(request: &Request<'_>, target: &Target<'_>) -> Self {
        let method = request.method;
        let comp = request.parameter("comp").unwrap_or_default();
        let is_container = request.parameter("restype") == Some("container");
        match (&target.container, &target.blob) {
            (None, _) => match (method, comp) {
                ("GET", "list") => Self::ListContainers,
                ("POST", "batch") => Self::BlobBatch,
                _ => Self::Unknown,
            },
            (Some(_), None) => match (method, comp) {
                ("GET", "list") if is_container => Self::ListBlobs,
                ("POST", "batch") if is_container => Self::BlobBatch,
                ("PUT", "") if is_container => Self::CreateContainer,
                ("DELETE", "") if is_container => Self::DeleteContainer,
                ("GET" | "HEAD", "" | "metadata") if is_container => Self::GetContainerProperties,
                _ => Self::Unknown,
            },
            (Some(_), Some(_)) => Self::of_blob(request, comp),
        }
    }

    fn of_blob(request: &Request<'_>, comp: &str) -> Self {
        let copies = request.header("x-ms-copy-source").is_some();
        match (request.method, comp) {
            ("PUT", "") if copies && request.header("x-ms-blob-type").is_some() => {
                Self::PutBlobFromUrl
            }
            ("PUT", "") if copies => Self::CopyBlob,
            ("PUT", "") => Self::PutBlob,
            ("PUT", "copy") => Self::AbortCopyBlob,
            ("PUT", "block") if !copies => Self::PutBlock,
            ("PUT", "blocklist") => Self::PutBlockList,
            ("GET", "blocklist") => Self::GetBlockList,
            ("GET", "") => Self::GetBlob,
            ("HEAD", "") => Self::GetBlobProperties,
            ("GET" | "HEAD", "metadata") => Self::GetBlobMetadata,
            ("PUT", "metadata") => Self::SetBlobMetadata,
            ("PUT", "properties") => Self::SetBlobProperties,
            ("GET", "tags") => Self::GetBlobTags,
            ("PUT", "tags") => Self::SetBlobTags,
            ("PUT", "tier") => Self::SetBlobTier,
            ("PUT", "lease") => Self::LeaseBlob,
            ("DELETE", "") => Self::DeleteBlob,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListContainers => "ListContainers",
            Self::CreateContainer => "CreateContainer",
            Self::DeleteContainer => "DeleteContainer",
            Self::GetContainerProperties => "GetContainerProperties",
            Self::ListBlobs => "ListBlobs",
            Self::BlobBatch => "BlobBatch",
            Self::PutBlob => "PutBlob",
            Self::PutBlobFromUrl => "PutBlobFromURL",
            Self::CopyBlob => "CopyBlob",
            Self::AbortCopyBlob => "AbortCopyBlob",
            Self::PutBlock => "PutBlock",
            Self::PutBlockList => "PutBlockList",
            Self::GetBlockList => "GetBlockList",
            Self::GetBlob => "GetBlob",
            Self::GetBlobProperties => "GetBlobProperties",
            Self::GetBlobMetadata => "GetBlobMetadata",
            Self::SetBlobMetadata => "SetBlobMetadata",
            Self::SetBlobProperties => "SetBlobProperties",
            Self::GetBlobTags => "GetBlobTags",
            Self::SetBlobTags => "SetBlobTags",
            Self::SetBlobTier => "SetBlobTier",
            Self::LeaseBlob => "LeaseBlob",
            Self::DeleteBlob => "DeleteBlob",
            Self::Unknown => "Unknown",
        }
    }

    /// The permission it takes:
    /// <https://learn.microsoft.com/rest/api/storageservices/create-service-sas#permissions-for-a-directory-container-or-blob>.
    pub(crate) fn need(self) -> Need {
        match self {
            Self::ListContainers => Need::account_only("l", "s"),
            Self::CreateContainer => Need::account_only("cw", "c"),
            Self::DeleteContainer => Need::account_only("d", "c"),
            Self::GetContainerProperties => Need {
                public: Some(PublicAccess::Container),
                ..Need::account_only("r", "c")
            },
            Self::ListBlobs => Need::of("l", "c", Some(PublicAccess::Container)),
            Self::BlobBatch => Need::of("racwdl", "sco", None),
            Self::GetBlob | Self::GetBlobProperties | Self::GetBlobMetadata => Need::READ,
            Self::GetBlockList => Need::of("r", "o", None),
            Self::PutBlob
            | Self::PutBlobFromUrl
            | Self::CopyBlob
            | Self::PutBlock
            | Self::PutBlockList => Need::of("cw", "o", None),
            Self::SetBlobMetadata
            | Self::SetBlobProperties
            | Self::SetBlobTier
            | Self::AbortCopyBlob
            | Self::LeaseBlob => Need::of("w", "o", None),
            Self::GetBlobTags | Self::SetBlobTags => Need::of("t", "o", None),
            Self::DeleteBlob => Need::of("d", "o", None),
            Self::Unknown => Need::of("", "", None),
        }
    }
}
