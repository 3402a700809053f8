//! How a blob is written.

use std::str::FromStr;

use percent_encoding::utf8_percent_encode;

use super::{conditions::Conditions, content_headers::ContentHeaders};
use crate::{
    endpoint::QUERY,
    error::{Error, ErrorKind, InvalidInput},
    http::{Request, is_header_value},
};

/// Most bytes of metadata, names and values together:
/// <https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources>
const MAX_METADATA: usize = 8 << 10;
/// Limits of index tags: <https://learn.microsoft.com/rest/api/storageservices/set-blob-tags>
const MAX_TAGS: usize = 10;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;
/// Access tier of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Read often.
    Hot,
    /// Read less than once a month.
    Cool,
    /// Read less than once a quarter.
    Cold,
    /// Must be rehydrated, for hours, before it is read.
    Archive,
}

impl Tier {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "Hot",
            Self::Cool => "Cool",
            Self::Cold => "Cold",
            Self::Archive => "Archive",
        }
    }
}

impl FromStr for Tier {
    type Err = InvalidInput;

    fn from_str(name: &str) -> Result<Self, InvalidInput> {
        [Self::Hot, Self::Cool, Self::Cold, Self::Archive]
            .into_iter()
            .find(|tier| tier.as_str() == name)
            .ok_or_else(|| {
                InvalidInput::new(format!(
                    "unknown tier {name:?}; choose Hot, Cool, Cold, Archive"
                ))
            })
    }
}

/// How a blob is written.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Replace a blob of that name; otherwise it is an error, unless `conditions` say which version is to
    /// be replaced.
    pub overwrite: bool,
    /// Metadata: names are identifiers, values ASCII, 8 KiB in all.
    pub metadata: Vec<(String, String)>,
    /// Headers of content.
    pub content: ContentHeaders,
    /// Access tier; the account's default otherwise.
    pub tier: Option<Tier>,
    /// Index tags: at most 10.
    pub tags: Vec<(String, String)>,
    /// Store an MD5 of the content, for other programs to check.
    pub content_md5: bool,
    /// What must hold of the blob that is replaced.
    pub conditions: Conditions,
}

impl WriteOptions {
    /// Refuses what the service would refuse, and what would not survive in a header.
    ///
    /// # Errors
    /// Names the option and the rule.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        validate_metadata(&self.metadata)?;
        self.content.validate()?;
        validate_tags(&self.tags)?;
        self.conditions.validate()
    }

    /// Whether the blob is to be made and none replaced.
    pub(crate) fn creates(&self) -> bool {
        !self.overwrite && !self.conditions.concern_the_version()
    }

    /// The error of a write that was to replace no blob, where the answer can only mean that there is one: the
    /// service looks at leases before it looks at `If-None-Match: *`.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let lease = self.conditions.lease.is_some();
        let or_none = self.conditions.if_none_match.as_deref() == Some("*");
        let message = match (error.status(), error.code()) {
            _ if !self.creates() && !or_none => return error,
            (Some(412), Some("LeaseIdMissing")) if !lease => {
                "the blob exists already, and a lease protects it; allow overwriting and give the lease to \
                 replace it"
            }
            (Some(412), Some("LeaseLost")) if lease => {
                "the blob exists already, and the lease on it has ended; allow overwriting to replace it"
            }
            _ => return error,
        };
        error.meaning(ErrorKind::AlreadyExists, message)
    }

    /// The error of a request that makes the blob visible, where nothing but `If-None-Match: *` was asked.
    pub(crate) fn explain_condition(&self, error: Error) -> Error {
        if self.creates() && (error.status(), error.code()) == (Some(412), Some("ConditionNotMet"))
        {
            return error.meaning(
                ErrorKind::AlreadyExists,
                "the blob exists already; allow overwriting to replace it",
            );
        }
        self.explain(error)
    }

    /// Headers of the blob itself, for the request that makes it visible.
    pub(crate) fn apply<'r>(&'r self, mut request: Request<'r>) -> Request<'r> {
        if self.creates() {
            request = request.header("if-none-match", "*");
        }
        request = self.conditions.apply(request);
        request = self.content.apply(request);
        if let Some(tier) = self.tier {
            request = request.header("x-ms-access-tier", tier.as_str());
        }
        if !self.tags.is_empty() {
            request = request.header("x-ms-tags", encoded_tags(&self.tags));
        }
        apply_metadata(request, &self.metadata)
    }
}

pub(crate) fn apply_metadata<'r>(
    mut request: Request<'r>,
    metadata: &'r [(String, String)],
) -> Request<'r> {
    for (name, value) in metadata {
        // The service keeps the case of names.
        request = request.header(format!("x-ms-meta-{name}"), value.as_str());
    }
    request
}

fn encoded_tags(tags: &[(String, String)]) -> String {
    let encode = |text| utf8_percent_encode(text, QUERY);
    let pairs: Vec<_> = tags
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    pairs.join("&")
}

pub(crate) fn validate_metadata(metadata: &[(String, String)]) -> Result<(), InvalidInput> {
    let mut size = 0;
    for (index, (name, value)) in metadata.iter().enumerate() {
        let mut letters = name.bytes();
        let legal = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_');
        if !legal {
            return Err(InvalidInput::new(format!(
                "metadata name {name:?} is not an identifier (letters, digits and underscores, no digit \
                 first)"
            )));
        }
        if !is_header_value(value) {
            return Err(InvalidInput::new(format!(
                "the value of metadata {name:?} must be printable ASCII, without spaces at its ends; \
                 encode it, for instance with base64"
            )));
        }
        let twin = |(other, _): &(String, String)| other.eq_ignore_ascii_case(name);
        if metadata[..index].iter().any(twin) {
            return Err(InvalidInput::new(format!(
                "metadata name {name:?} is there twice: the service does not tell names apart by case"
            )));
        }
        size += name.len() + value.len();
    }
    if size > MAX_METADATA {
        return Err(InvalidInput::new(format!(
            "the metadata has {size} bytes; 8,192 are allowed"
        )));
    }
    Ok(())
}

pub(crate) fn validate_tags(tags: &[(String, String)]) -> Result<(), InvalidInput> {
    if tags.len() > MAX_TAGS {
        return Err(InvalidInput::new(format!(
            "{} tags are given; 10 are allowed",
            tags.len()
        )));
    }
    let legal = |text: &str| {
        text.bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || b" +-./:=_".contains(&letter))
    };
    for (key, value) in tags {
        if !(1..=MAX_TAG_KEY).contains(&key.len())
            || value.len() > MAX_TAG_VALUE
            || !legal(key)
            || !legal(value)
        {
            return Err(InvalidInput::new(format!(
                "tag {key:?} is not legal: keys have 1 to 128 and values up to 256 letters, digits, \
                 spaces and + - . / : = _"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn metadata() {
        let check = |name: &str, value: &str| {
            WriteOptions {
                metadata: pair(name, value),
                ..WriteOptions::default()
            }
            .validate()
        };
        assert!(check("owner_1", "{\"a\": 1}").is_ok());
        assert!(check("1owner", "x").is_err());
        assert!(check("a-b", "x").is_err());
        assert!(check("a", "ü").is_err());
        assert!(check("a", "x\r\nx-ms-other: y").is_err());
        assert!(check("a", " x").is_err());
        assert!(check("a", &"x".repeat(MAX_METADATA)).is_err());
        let twins = [pair("Owner", "x"), pair("owner", "y")].concat();
        assert!(validate_metadata(&twins).is_err());
    }

    #[test]
    fn what_says_that_there_is_a_blob_and_what_may_mean_something_else() {
        use ErrorKind::{AlreadyExists, Modified};
        let lease = |lease: bool| Conditions {
            lease: lease.then(|| "1F812371-A41D-49E6-B123-F4B542E851C5".to_owned()),
            ..Conditions::default()
        };
        let if_match = Conditions {
            if_match: Some("0x1".to_owned()),
            ..Conditions::default()
        };
        let or_none = Conditions {
            if_none_match: Some("*".to_owned()),
            ..Conditions::default()
        };
        for (code, overwrite, conditions, kind) in [
            ("LeaseIdMissing", false, lease(false), AlreadyExists),
            ("LeaseIdMissing", false, or_none.clone(), AlreadyExists),
            ("LeaseIdMissing", true, lease(false), Modified),
            ("LeaseIdMissing", false, if_match.clone(), Modified),
            ("LeaseLost", false, lease(true), AlreadyExists),
            ("LeaseLost", true, lease(true), Modified),
            // Which of the two is wrong, the blob or the lease, the caller has to find out.
            (
                "LeaseIdMismatchWithBlobOperation",
                false,
                lease(true),
                Modified,
            ),
            // There may be no blob at all.
            (
                "LeaseNotPresentWithBlobOperation",
                false,
                lease(true),
                Modified,
            ),
            ("ConditionNotMet", false, lease(false), AlreadyExists),
            ("ConditionNotMet", false, if_match, Modified),
            ("ConditionNotMet", false, or_none, Modified),
            ("ConditionNotMet", true, lease(false), Modified),
        ] {
            let options = WriteOptions {
                overwrite,
                conditions,
                ..WriteOptions::default()
            };
            let answer = Error::new(Modified, "").with_answer(412, Some(code), None);
            let error = options.explain_condition(answer);
            assert_eq!(
                (error.kind(), error.code()),
                (kind, Some(code)),
                "{options:?}"
            );
        }
    }

    #[test]
    fn tags_tier_and_content_type() {
        let tags = |key: &str, value: &str| WriteOptions {
            tags: pair(key, value),
            ..WriteOptions::default()
        };
        assert!(tags("project", "a/b: c").validate().is_ok());
        assert!(tags("", "x").validate().is_err());
        assert!(tags("a", "&").validate().is_err());
        let many = WriteOptions {
            tags: vec![("a".to_owned(), String::new()); 11],
            ..WriteOptions::default()
        };
        assert!(many.validate().is_err());
        let unknown = "Warm".parse::<Tier>().unwrap_err();
        assert!(unknown.to_string().contains("Hot, Cool"));
        let content_type = WriteOptions {
            content: ContentHeaders {
                content_type: Some("a\nb".to_owned()),
                ..ContentHeaders::default()
            },
            ..WriteOptions::default()
        };
        assert!(content_type.validate().is_err());
    }
}
