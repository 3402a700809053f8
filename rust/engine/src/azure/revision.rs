//! Which state of a blob is meant, where it is not the current one.
//!
//! <https://learn.microsoft.com/azure/storage/blobs/snapshots-overview>,
//! <https://learn.microsoft.com/azure/storage/blobs/versioning-overview>,
//! <https://learn.microsoft.com/azure/storage/blobs/soft-delete-blob-overview>

use percent_encoding::utf8_percent_encode;
use url::form_urlencoded;

use super::blob_ref::BlobRef;
use crate::{endpoint::QUERY, error::InvalidInput, http::Request};

/// Longest identifier that is taken: the service's are times with 33 characters at most.
const MAX_IDENTIFIER_LENGTH: usize = 64;

/// Another state of a blob than the current one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Revision {
    /// The version with this id.
    Version(String),
    /// The snapshot that was taken at this time, as the service writes it.
    Snapshot(String),
    /// The blob as it was when it was deleted, which can be undeleted and nothing else.
    Deleted,
}

impl Revision {
    /// Refuses what cannot be an identifier of the service's.
    pub(super) fn validate(&self) -> Result<(), InvalidInput> {
        let (name, value) = match self {
            Self::Version(id) => ("version_id", id),
            Self::Snapshot(time) => ("snapshot", time),
            Self::Deleted => return Ok(()),
        };
        let is_identifier = (1..=MAX_IDENTIFIER_LENGTH).contains(&value.len())
            && value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-:.+".contains(&byte));
        if is_identifier {
            return Ok(());
        }
        Err(InvalidInput::new(format!(
            "{name} must be as the service gives it, such as '2026-01-31T12:00:00.1234567Z'"
        )))
    }

    /// Name and value of the query parameter.
    pub(super) fn parameter(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Version(id) => Some(("versionid", id)),
            Self::Snapshot(time) => Some(("snapshot", time)),
            Self::Deleted => None,
        }
    }

    /// What a message calls it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Version(_) => "a version",
            Self::Snapshot(_) => "a snapshot",
            Self::Deleted => "a deleted blob",
        }
    }
}

/// Where requests about a blob go.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    path: String,
    revision: Option<Revision>,
}

impl Address {
    /// `path` is the blob's, percent-encoded.
    pub(crate) fn new(path: String, blob: &BlobRef) -> Self {
        Self {
            path,
            revision: blob.revision().cloned(),
        }
    }

    /// The blob's path, whichever state of it is meant: for requests that write it.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// A request about the state of the blob that is meant.
    pub(crate) fn request<'r>(&'r self, method: &'static str) -> Request<'r> {
        let request = Request::new(method, &*self.path);
        match self.revision.as_ref().and_then(Revision::parameter) {
            Some((name, value)) => request.query(name, value),
            None => request,
        }
    }

    /// The URL of that state, where the account is at `origin`.
    pub(super) fn url(&self, origin: &str) -> String {
        let mut url = format!("{origin}{}", self.path);
        if let Some((name, value)) = self.revision.as_ref().and_then(Revision::parameter) {
            url.extend(["?", name, "="]);
            url.extend(utf8_percent_encode(value, QUERY));
        }
        url
    }

    /// Whether this is the URL of that state, whatever else is in its query.
    pub(super) fn is_at(&self, origin: &str, url: &str) -> bool {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let named = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| matches!(&**name, "versionid" | "snapshot"));
        let named = named.as_ref().map(|(name, value)| (&**name, &**value));
        let meant = self.revision.as_ref().and_then(Revision::parameter);
        path.strip_prefix(origin) == Some(&self.path) && named == meant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_the_service_s() {
        for good in [
            "2026-01-31T12:00:00.1234567Z",
            "2026-01-31T12:00:00.1234567+00:00",
        ] {
            assert!(Revision::Version(good.to_owned()).validate().is_ok());
        }
        for wrong in ["", "a b", "x&y=1", "x\r\ny", "ü", &"x".repeat(65)] {
            let refused = Revision::Snapshot(wrong.to_owned()).validate().unwrap_err();
            assert!(
                refused.to_string().starts_with("snapshot must be"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_request_names_what_is_meant() {
        let blob = BlobRef::parse("data/x").unwrap();
        let query = |blob: &BlobRef| {
            let address = Address::new("/data/x".to_owned(), blob);
            let request = address.request("HEAD");
            let mut query = request.query.into_iter();
            query.next().map(|(name, value)| (name, value.into_owned()))
        };
        let at = |revision| blob.clone().at(revision).unwrap();
        assert_eq!(query(&blob), None);
        assert_eq!(
            query(&at(Revision::Version("v".to_owned()))),
            Some(("versionid", "v".to_owned()))
        );
        assert_eq!(
            query(&at(Revision::Snapshot("s".to_owned()))),
            Some(("snapshot", "s".to_owned()))
        );
    }

    #[test]
    fn urls_tell_states_apart() {
        let blob = BlobRef::parse("data/x").unwrap();
        let snapshot = Revision::Snapshot("2026-01-31T12:00:00Z".to_owned());
        let old = blob.clone().at(snapshot).unwrap();
        let [current, old] = [&blob, &old].map(|blob| Address::new("/data/x".to_owned(), blob));
        let url = old.url("https://a.example");
        assert_eq!(
            url,
            "https://a.example/data/x?snapshot=2026-01-31T12%3A00%3A00Z"
        );
        assert!(old.is_at("https://a.example", &format!("{url}&sv=1&sig=x")));
        let unencoded = "https://a.example/data/x?snapshot=2026-01-31T12:00:00Z";
        assert!(old.is_at("https://a.example", unencoded));
        for other in [
            "https://a.example/data/x",
            "https://a.example/data/x?snapshot=1",
        ] {
            assert!(!old.is_at("https://a.example", other));
        }
        assert!(!current.is_at("https://a.example", &url));
        assert!(current.is_at("https://a.example", "https://a.example/data/x?sv=1"));
    }
}
