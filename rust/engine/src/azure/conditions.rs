//! What must hold of a blob for an operation to be carried out.

use std::time::SystemTime;

use crate::{
    error::InvalidInput,
    http::{Request, is_header_value},
};

/// What must hold of a blob for an operation to be carried out; all of it, as far as given.
///
/// <https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The blob has this ETag; `*`: it exists.
    pub if_match: Option<String>,
    /// It has another ETag; `*`: it does not exist.
    pub if_none_match: Option<String>,
    /// It was modified after this time (the service compares whole seconds).
    pub if_modified_since: Option<SystemTime>,
    /// It was not.
    pub if_unmodified_since: Option<SystemTime>,
    /// Its index tags are so, in the language of Find Blobs by Tags: `"state" = 'done' AND "owner" <> 'me'`.
    pub if_tags: Option<String>,
    /// It is leased, with this id.
    pub lease: Option<String>,
}

impl Conditions {
    /// Refuses what no header can hold.
    ///
    /// # Errors
    /// Names the condition and the rule.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        for (name, value) in [
            ("if_match", &self.if_match),
            ("if_none_match", &self.if_none_match),
        ] {
            if let Some(value) = value
                && (value.is_empty() || !is_header_value(value))
            {
                return Err(InvalidInput::new(format!(
                    "{name} must be printable ASCII, such as the ETag of a result"
                )));
            }
        }
        if let Some(tags) = &self.if_tags
            && (tags.is_empty() || !is_header_value(tags))
        {
            return Err(InvalidInput::new(
                "if_tags must be a condition in printable ASCII, such as \"state\" = 'done'",
            ));
        }
        if self.lease.as_deref().is_some_and(|lease| !is_guid(lease)) {
            return Err(InvalidInput::new(
                "lease must be the id of a lease, a GUID as the service gives it",
            ));
        }
        for (name, time) in [
            ("if_modified_since", self.if_modified_since),
            ("if_unmodified_since", self.if_unmodified_since),
        ] {
            let most = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(253_402_300_799);
            if time.is_some_and(|time| time < SystemTime::UNIX_EPOCH || time > most) {
                return Err(InvalidInput::new(format!(
                    "{name} must lie between the years 1970 and 9999"
                )));
            }
        }
        Ok(())
    }

    /// Whether anything is asked of the blob as it is, beside its lease.
    pub(crate) fn concern_the_version(&self) -> bool {
        self.if_match.is_some()
            || self.if_none_match.is_some()
            || self.if_modified_since.is_some()
            || self.if_unmodified_since.is_some()
            || self.if_tags.is_some()
    }

    pub(crate) fn apply<'r>(&'r self, mut request: Request<'r>) -> Request<'r> {
        if let Some(etag) = &self.if_match {
            request = request.header("if-match", quoted(etag));
        }
        if let Some(etag) = &self.if_none_match {
            request = request.header("if-none-match", quoted(etag));
        }
        if let Some(time) = self.if_modified_since {
            request = request.header("if-modified-since", httpdate::fmt_http_date(time));
        }
        if let Some(time) = self.if_unmodified_since {
            request = request.header("if-unmodified-since", httpdate::fmt_http_date(time));
        }
        self.apply_lease_and_tags(request)
    }

    /// For operations that look at nothing else.
    pub(crate) fn apply_lease_and_tags<'r>(&'r self, request: Request<'r>) -> Request<'r> {
        let request = self.apply_lease(request);
        match &self.if_tags {
            Some(tags) => request.header("x-ms-if-tags", tags.as_str()),
            None => request,
        }
    }

    pub(crate) fn apply_lease<'r>(&'r self, request: Request<'r>) -> Request<'r> {
        match &self.lease {
            Some(lease) => request.header("x-ms-lease-id", lease.as_str()),
            None => request,
        }
    }
}

/// Whether this is one in any of the usual spellings.
pub(super) fn is_guid(text: &str) -> bool {
    let bare = text.trim_matches(['{', '}', '(', ')']);
    let is_dash = |(index, byte)| byte == b'-' && [8, 13, 18, 23].contains(&index);
    let dashes = bare
        .bytes()
        .enumerate()
        .filter(|pair| is_dash(*pair))
        .count();
    let digits = bare.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && (dashes == 0 || dashes == 4) && bare.len() == digits + dashes
}

/// An ETag in its quotes, without which other programs show it.
fn quoted(etag: &str) -> String {
    if etag == "*" || etag.ends_with('"') {
        etag.to_owned()
    } else {
        format!("\"{etag}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let conditions = Conditions {
            if_match: Some("0x1".to_owned()),
            if_none_match: Some("*".to_owned()),
            if_modified_since: Some(SystemTime::UNIX_EPOCH),
            if_tags: Some("\"a\" = 'b'".to_owned()),
            lease: Some("1F812371-A41D-49E6-B123-F4B542E851C5".to_owned()),
            ..Conditions::default()
        };
        conditions.validate().unwrap();
        let request = conditions.apply(Request::new("GET", "/"));
        let shown: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            shown,
            [
                "if-match: \"0x1\"",
                "if-none-match: *",
                "if-modified-since: Thu, 01 Jan 1970 00:00:00 GMT",
                "x-ms-lease-id: 1F812371-A41D-49E6-B123-F4B542E851C5",
                "x-ms-if-tags: \"a\" = 'b'",
            ]
        );
    }

    #[test]
    fn what_no_header_can_hold() {
        for etag in ["", "a\r\nb: c", "ü"] {
            let conditions = Conditions {
                if_match: Some(etag.to_owned()),
                ..Conditions::default()
            };
            assert!(conditions.validate().is_err(), "{etag:?}");
        }
        for tags in ["", "a = 'ü'", "a\r\nb: c"] {
            let conditions = Conditions {
                if_tags: Some(tags.to_owned()),
                ..Conditions::default()
            };
            assert!(conditions.validate().is_err(), "{tags:?}");
        }
        for lease in ["", "id", "1F812371-A41D-49E6-B123", "a\r\nb: c"] {
            let conditions = Conditions {
                lease: Some(lease.to_owned()),
                ..Conditions::default()
            };
            assert!(conditions.validate().is_err(), "{lease:?}");
        }
    }
}
