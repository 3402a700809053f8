//! Which right a request needs, in the words of those who grant it.

use super::{blob_ref::BlobRef, revision::Revision};
use crate::http::Request;

/// What a request does, as roles and signatures tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    Read,
    List,
    Write,
    Delete,
    DeleteVersion,
    Tags,
    Find,
}

impl Right {
    fn deletion(names_version: bool) -> Self {
        if names_version {
            Self::DeleteVersion
        } else {
            Self::Delete
        }
    }
}

/// How whoever asks proves who that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Sas,
    Token,
    /// A signature with the account's key, or none at all.
    Key,
}

impl Proof {
    pub(super) fn new(has_sas: bool, authorization: Option<&str>) -> Self {
        match authorization {
            _ if has_sas => Self::Sas,
            Some(value) if value.starts_with("Bearer ") => Self::Token,
            _ => Self::Key,
        }
    }
}

/// What was asked, and in whose name: what an answer means may depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    right: Right,
    pub(super) proof: Proof,
    /// Whether something was asked of the blob's tags.
    pub(super) if_tags: bool,
}

impl Asked {
    pub(super) fn new(request: &Request, proof: Proof) -> Self {
        let comp = request
            .query
            .iter()
            .find(|(name, _)| *name == "comp")
            .map(|(_, value)| &**value);
        let sets_tags = request.headers.iter().any(|(name, _)| name == "x-ms-tags");
        let right = match (request.method, comp) {
            (_, Some("tags")) => Right::Tags,
            ("GET", Some("list")) => Right::List,
            ("GET", Some("blobs")) => Right::Find,
            ("GET" | "HEAD", _) => Right::Read,
            // The batches that are sent are of deletions.
            ("DELETE", _) | ("POST", Some("batch")) => {
                let names_version = request.query.iter().any(|(name, _)| *name == "versionid");
                Right::deletion(names_version)
            }
            _ if sets_tags => Right::Tags,
            _ => Right::Write,
        };
        Self {
            right,
            proof,
            if_tags: request.header_value("x-ms-if-tags").is_some(),
        }
    }

    /// A blob of a batch.
    pub(super) fn deletion(blob: &BlobRef, proof: Proof, if_tags: bool) -> Self {
        let names_version = matches!(blob.revision(), Some(Revision::Version(_)));
        Self {
            right: Right::deletion(names_version),
            proof,
            if_tags,
        }
    }

    /// What whoever asked has to be given.
    pub(super) fn advice(self) -> String {
        if self.proof == Proof::Sas {
            let permission = match self.right {
                Right::Read => "read (r)",
                Right::List => "list (l)",
                Right::Write => "create (c) or, to overwrite, write (w)",
                Right::Delete => "delete (d)",
                Right::DeleteVersion => "delete version (x)",
                Right::Tags => "tags (t)",
                Right::Find => "find blobs by tags (f)",
            };
            return format!(
                "the SAS does not permit it; make one with the permission {permission}"
            );
        }
        // Of the roles, that of the owner alone is about tags and the deletion of versions:
        // https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
        let role = match self.right {
            Right::Read | Right::List => "Reader",
            Right::Write | Right::Delete => "Contributor",
            Right::Tags | Right::Find | Right::DeleteVersion => "Owner",
        };
        format!(
            "the identity lacks a role; assign 'Storage Blob Data {role}' to it on the account or \
             container, and allow some minutes for it"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_that_an_operation_needs() {
        let request = |method| Request::new(method, "/c/b");
        for (request, role, permission) in [
            (request("HEAD"), "Reader", "(r)"),
            (request("GET"), "Reader", "(r)"),
            (request("GET").query("comp", "list"), "Reader", "(l)"),
            (request("PUT"), "Contributor", "(w)"),
            (request("PUT").query("comp", "tier"), "Contributor", "(w)"),
            (request("DELETE"), "Contributor", "(d)"),
            (
                request("DELETE").query("snapshot", "s"),
                "Contributor",
                "(d)",
            ),
            (request("DELETE").query("versionid", "v"), "Owner", "(x)"),
            (request("POST").query("comp", "batch"), "Contributor", "(d)"),
            (request("GET").query("comp", "tags"), "Owner", "(t)"),
            (request("GET").query("comp", "blobs"), "Owner", "(f)"),
            (request("PUT").header("x-ms-tags", "a=b"), "Owner", "(t)"),
        ] {
            let advice = Asked::new(&request, Proof::Token).advice();
            assert!(advice.contains(&format!("Data {role}'")), "{advice}");
            let advice = Asked::new(&request, Proof::Sas).advice();
            assert!(advice.contains(permission), "{advice}");
        }
    }
}
