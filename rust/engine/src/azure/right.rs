//! Which right a request needs, in the words of those who grant it.

use crate::http::Request;

/// What a request does, as roles and signatures tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    Read,
    List,
    Write,
    Delete,
    Tags,
}

/// What was asked, and in whose name: what an answer means may depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    right: Right,
    /// The credential is a SAS.
    by_sas: bool,
}

impl Asked {
    pub(super) fn new(request: &Request, by_sas: bool) -> Self {
        let comp = request
            .query
            .iter()
            .find(|(name, _)| *name == "comp")
            .map(|(_, value)| &**value);
        let sets_tags = request.headers.iter().any(|(name, _)| name == "x-ms-tags");
        let right = match (request.method, comp) {
            (_, Some("tags")) => Right::Tags,
            ("GET", Some("list")) => Right::List,
            ("GET" | "HEAD", _) => Right::Read,
            // The batches that are sent are of deletions.
            ("DELETE", _) | ("POST", Some("batch")) => Right::Delete,
            _ if sets_tags => Right::Tags,
            _ => Right::Write,
        };
        Self { right, by_sas }
    }

    /// A blob of a batch.
    pub(super) fn deletion(by_sas: bool) -> Self {
        Self {
            right: Right::Delete,
            by_sas,
        }
    }

    /// What whoever asked has to be given.
    pub(super) fn advice(self) -> String {
        if self.by_sas {
            let permission = match self.right {
                Right::Read => "read (r)",
                Right::List => "list (l)",
                Right::Write => "create (c) or, to overwrite, write (w)",
                Right::Delete => "delete (d)",
                Right::Tags => "tags (t)",
            };
            return format!(
                "the SAS does not permit it; make one with the permission {permission}"
            );
        }
        // Of the roles, that of the owner alone is about tags:
        // https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
        let role = match self.right {
            Right::Read | Right::List => "Reader",
            Right::Write | Right::Delete => "Contributor",
            Right::Tags => "Owner",
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
            (request("POST").query("comp", "batch"), "Contributor", "(d)"),
            (request("GET").query("comp", "tags"), "Owner", "(t)"),
            (request("PUT").header("x-ms-tags", "a=b"), "Owner", "(t)"),
        ] {
            let advice = Asked::new(&request, false).advice();
            assert!(advice.contains(&format!("Data {role}'")), "{advice}");
            let advice = Asked::new(&request, true).advice();
            assert!(advice.contains(permission), "{advice}");
        }
    }
}
