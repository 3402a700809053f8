//! Blob paths: `<container>/<name>`.

use std::fmt;

use super::{redaction::shown_path, revision::Revision};
use crate::error::InvalidInput;

/// Longest blob name, in characters.
const MAX_NAME_LENGTH: usize = 1_024;
/// Most segments of a blob name, between slashes.
const MAX_SEGMENTS: usize = 254;

const NO_CONTAINER: &str =
    "is not a container name (3 to 63 lower-case letters, digits and single hyphens)";

/// The path of a blob, of a prefix of blobs, or of a container, as `<container>/<name>`; and which version or
/// snapshot of the blob, where that is not the blob itself.
///
/// The rules are the service's
/// (<https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata>)
/// and, stricter than it, those of a datastore path: no slash at either end, none doubled, no scheme
/// and no host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobRef {
    container: String,
    name: String,
    revision: Option<Revision>,
}

impl BlobRef {
    /// Parses `<container>` or `<container>/<name>`.
    ///
    /// # Errors
    /// Says what is wrong, and shows the repaired form where there is one.
    pub fn parse(path: &str) -> Result<Self, InvalidInput> {
        let refuse = |reason: &str| {
            let hint = match repaired(path) {
                Some(repaired) => format!("; write {repaired:?}"),
                None => "; write '<container>/<name>'".to_owned(),
            };
            Err(InvalidInput::new(format!(
                "blob path {:?} {reason}{hint}",
                without_query(path)
            )))
        };
        if path.is_empty() {
            return refuse("is empty");
        }
        if path.contains("://") {
            return refuse("must not have a scheme or host in front");
        }
        if path.contains('\\') {
            return refuse("must not contain a backslash");
        }
        if path.starts_with('/') {
            return refuse("must not begin with a slash");
        }
        if path.ends_with('/') {
            return refuse("must not end with a slash");
        }
        if path.contains("//") {
            return refuse("must not contain consecutive slashes");
        }
        let (container, name) = path.split_once('/').unwrap_or((path, ""));
        if is_host(container) {
            return refuse("must not have the account's host in front");
        }
        if let Err(reason) = check_container(container) {
            return refuse(&reason);
        }
        if name.chars().count() > MAX_NAME_LENGTH {
            return refuse("has a name of more than 1,024 characters");
        }
        if name.split('/').count() > MAX_SEGMENTS {
            return refuse("has a name of more than 254 segments");
        }
        if name.split('/').any(|segment| matches!(segment, "." | "..")) {
            return refuse("must not have '.' or '..' as a segment");
        }
        Ok(Self {
            container: container.to_owned(),
            name: name.to_owned(),
            revision: None,
        })
    }

    /// A blob by its name as the service gives it, however odd: what a listing finds can be read, copied
    /// and deleted. An empty name means the container.
    ///
    /// # Errors
    /// Where the container cannot be one, or the name is longer than the service allows.
    pub fn verbatim(container: &str, name: &str) -> Result<Self, InvalidInput> {
        check_container(container)
            .map_err(|reason| InvalidInput::new(format!("the path of a blob {reason}")))?;
        if name.chars().count() > MAX_NAME_LENGTH {
            return Err(InvalidInput::new(
                "the blob's name has more than 1,024 characters",
            ));
        }
        Ok(Self {
            container: container.to_owned(),
            name: name.to_owned(),
            revision: None,
        })
    }

    /// Another state of this blob.
    ///
    /// # Errors
    /// Where this is a container, or the identifier cannot be one.
    pub fn at(self, revision: Revision) -> Result<Self, InvalidInput> {
        self.require_name()?;
        revision.validate()?;
        Ok(Self {
            revision: Some(revision),
            ..self
        })
    }

    /// The state that is meant; None: the current one.
    pub fn revision(&self) -> Option<&Revision> {
        self.revision.as_ref()
    }

    /// A container, by its name.
    ///
    /// # Errors
    /// Where it cannot be the name of one.
    pub fn of_container(name: &str) -> Result<Self, InvalidInput> {
        check_container(name)
            .map_err(|_| InvalidInput::new(format!("{:?} {NO_CONTAINER}", without_query(name))))?;
        Ok(Self {
            container: name.to_owned(),
            name: String::new(),
            revision: None,
        })
    }

    /// What is asked of the account itself names no container.
    pub(crate) fn account() -> Self {
        Self {
            container: String::new(),
            name: String::new(),
            revision: None,
        }
    }

    /// The container's name.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The blob's name, or the prefix; empty where the path names a container alone.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of a blob below this one.
    ///
    /// # Errors
    /// As [`BlobRef::parse`], and where this is another state of a blob.
    pub fn join(&self, name: &str) -> Result<Self, InvalidInput> {
        self.require_current()?;
        Self::parse(&format!("{self}/{name}"))
    }

    /// This path, if it names a blob and not a container alone.
    ///
    /// # Errors
    /// Where the name is missing.
    pub fn require_name(&self) -> Result<(), InvalidInput> {
        if self.name.is_empty() {
            return Err(InvalidInput::new(format!(
                "blob path {:?} names a container, not a blob; write '{}/<name>'",
                self.container, self.container
            )));
        }
        Ok(())
    }

    /// This path, if it names a blob itself, a prefix or a container, which alone can be written or listed.
    ///
    /// # Errors
    /// Where it names another state of a blob.
    pub fn require_current(&self) -> Result<(), InvalidInput> {
        let Some(revision) = &self.revision else {
            return Ok(());
        };
        let advice = match revision {
            Revision::Deleted => "undelete it first",
            _ => "it can be read, copied from and deleted; for the blob itself give its path",
        };
        Err(InvalidInput::new(format!(
            "{:?} names {}, which this cannot be done with: {advice}",
            shown_path(&self.to_string()),
            revision.kind()
        )))
    }

    /// This path, unless it names a blob that is deleted.
    ///
    /// # Errors
    /// Where it does.
    pub(crate) fn require_not_deleted(&self) -> Result<(), InvalidInput> {
        match self.revision {
            Some(Revision::Deleted) => self.require_current(),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for BlobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.container)?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        if let Some((name, value)) = self.revision.as_ref().and_then(Revision::parameter) {
            write!(f, "?{name}={value}")?;
        }
        Ok(())
    }
}

fn is_host(segment: &str) -> bool {
    segment.contains(".blob.") || segment.contains(".dfs.") || segment.contains(':')
}

fn check_container(name: &str) -> Result<(), String> {
    if matches!(name, "$root" | "$web" | "$logs" | "$blobchangefeed") {
        return Ok(());
    }
    let legal = (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    if legal {
        return Ok(());
    }
    Err(format!("begins with {name:?}, which {NO_CONTAINER}"))
}

/// The path without a query: a URL pasted by mistake may hold a SAS, which no message may show.
fn without_query(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    if path.contains("://") || is_host(first) {
        path.split('?').next().unwrap_or(path)
    } else {
        shown_path(path)
    }
}

/// The path that was probably meant, if there is a legal one.
fn repaired(path: &str) -> Option<String> {
    let path = without_query(path);
    let (has_scheme, rest) = match path.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, path),
    };
    let rest = rest.replace('\\', "/");
    let mut segments: Vec<&str> = rest
        .split('/')
        .filter(|segment| !segment.is_empty() && *segment != ".")
        .collect();
    let first = *segments.first()?;
    if is_host(first) {
        segments.remove(0);
        // Emulators and private endpoints have the account as the first segment of the path.
        if !first.contains(".blob.") && !first.contains(".dfs.") && segments.len() > 1 {
            segments.remove(0);
        }
    } else if has_scheme && first.contains('.') {
        segments.remove(0);
    }
    let mut repaired = segments.join("/");
    if check_container(segments.first()?).is_err() {
        repaired = repaired.replacen(segments[0], &segments[0].to_ascii_lowercase(), 1);
    }
    (repaired != path && BlobRef::parse(&repaired).is_ok()).then_some(repaired)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(path: &str) -> String {
        BlobRef::parse(path).unwrap_err().to_string()
    }

    #[test]
    fn splits_container_and_name() {
        let path = BlobRef::parse("data/a b/ü%+#?😀.").unwrap();
        assert_eq!((path.container(), path.name()), ("data", "a b/ü%+#?😀."));
        assert_eq!(BlobRef::parse("data").unwrap().name(), "");
        assert_eq!(
            BlobRef::parse("$web/index.html").unwrap().container(),
            "$web"
        );
    }

    #[test]
    fn another_state_is_another_value() {
        let blob = BlobRef::parse("data/x").unwrap();
        let version = Revision::Version("2026-01-31T12:00:00.1234567Z".to_owned());
        let old = blob.clone().at(version.clone()).unwrap();
        assert_ne!(old, blob);
        assert_eq!(
            old.to_string(),
            "data/x?versionid=2026-01-31T12:00:00.1234567Z"
        );
        let refused = old.require_current().unwrap_err().to_string();
        assert!(refused.contains("names a version"), "{refused}");
        assert!(old.require_not_deleted().is_ok());
        let deleted = blob.clone().at(Revision::Deleted).unwrap();
        assert!(deleted.require_not_deleted().is_err());
        assert!(blob.require_current().is_ok());
        assert!(BlobRef::parse("data").unwrap().at(version).is_err());
    }

    #[test]
    fn shows_the_repaired_form() {
        for (wrong, right) in [
            ("/data/x", "data/x"),
            ("data/x/", "data/x"),
            ("data//x", "data/x"),
            ("data\\x", "data/x"),
            ("Data/x", "data/x"),
            ("data/./x", "data/x"),
            ("https://acct.blob.core.windows.net/data/x", "data/x"),
            ("https://storage.example.com/data/x", "data/x"),
            ("wasbs://data/x", "data/x"),
            ("acct.blob.core.windows.net/data/x", "data/x"),
            ("http://127.0.0.1:10000/devstoreaccount1/data/x", "data/x"),
        ] {
            let message = message(wrong);
            assert!(
                message.ends_with(&format!("; write {right:?}")),
                "{message}"
            );
        }
    }

    #[test]
    fn gives_the_reason_where_nothing_can_be_repaired() {
        assert!(message("").contains("is empty"));
        assert!(message("a/x").contains("not a container name"));
        assert!(message("da--ta/x").contains("not a container name"));
        assert!(message("data/../x").contains("'..'"));
        assert!(message(&format!("data/{}", "x".repeat(1_025))).contains("1,024"));
        assert!(message(&format!("data/{}", ["x"; 255].join("/"))).contains("254"));
    }

    #[test]
    fn a_sas_is_not_repeated_in_the_message() {
        for path in [
            "https://a.blob.core.windows.net/data/x?sig=secret",
            "a.blob.core.windows.net/data/x?sv=1&sig=secret",
            "/data/x?sv=1&sig=secret",
        ] {
            assert!(!message(path).contains("secret"), "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_parsed_is_shown_unchanged(path in "\\PC{0,40}") {
            if let Ok(parsed) = BlobRef::parse(&path) {
                prop_assert_eq!(parsed.to_string(), path);
            }
        }

        #[test]
        fn every_repaired_form_is_legal(path in "(https?://)?/?[a-zA-Z0-9.:/\\\\ -]{0,40}/?") {
            if let Some(repaired) = repaired(&path) {
                prop_assert!(BlobRef::parse(&repaired).is_ok());
            }
        }
    }
}
