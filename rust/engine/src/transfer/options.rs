//! How a blob is written.

use crate::error::InvalidInput;

/// Most bytes of metadata, names and values together:
/// <https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources>
const MAX_METADATA: usize = 8 << 10;
/// Limits of index tags: <https://learn.microsoft.com/rest/api/storageservices/set-blob-tags>
const MAX_TAGS: usize = 10;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;
const TIERS: [&str; 4] = ["Hot", "Cool", "Cold", "Archive"];

/// How a blob is written.
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    /// Replace a blob of that name; otherwise it is an error.
    pub overwrite: bool,
    /// Metadata: names are identifiers, values ASCII, 8 KiB in all.
    pub metadata: Vec<(String, String)>,
    /// Content type; the service's default is `application/octet-stream`.
    pub content_type: Option<String>,
    /// Access tier: `Hot`, `Cool`, `Cold` or `Archive`.
    pub tier: Option<String>,
    /// Index tags: at most 10.
    pub tags: Vec<(String, String)>,
}

impl UploadOptions {
    /// Refuses what the service would refuse, and what would not survive in a header.
    ///
    /// # Errors
    /// Names the option and the rule.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        let mut size = 0;
        for (name, value) in &self.metadata {
            let mut letters = name.bytes();
            let legal = letters
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_');
            if !legal {
                return Err(InvalidInput::new(format!(
                    "metadata name {name:?} is not an identifier (letters, digits and underscores, no \
                     digit first)"
                )));
            }
            if !is_header_text(value) {
                return Err(InvalidInput::new(format!(
                    "the value of metadata {name:?} must be printable ASCII without spaces at its ends"
                )));
            }
            let again = |(other, _): &(String, String)| other.eq_ignore_ascii_case(name);
            if self.metadata.iter().filter(|pair| again(pair)).count() > 1 {
                return Err(InvalidInput::new(format!(
                    "metadata {name:?} is given twice; upper and lower case are the same to the service"
                )));
            }
            size += name.len() + value.len();
        }
        if size > MAX_METADATA {
            return Err(InvalidInput::new(format!(
                "the metadata has {size} bytes; 8,192 are allowed"
            )));
        }
        if let Some(content_type) = &self.content_type
            && (content_type.is_empty() || !is_header_text(content_type))
        {
            return Err(InvalidInput::new(
                "content_type must be printable ASCII, such as 'text/csv'",
            ));
        }
        if let Some(tier) = &self.tier
            && !TIERS.contains(&tier.as_str())
        {
            return Err(InvalidInput::new(format!(
                "unknown tier {tier:?}; choose {}",
                TIERS.join(", ")
            )));
        }
        self.validate_tags()
    }

    fn validate_tags(&self) -> Result<(), InvalidInput> {
        if self.tags.len() > MAX_TAGS {
            return Err(InvalidInput::new(format!(
                "{} tags are given; 10 are allowed",
                self.tags.len()
            )));
        }
        let legal = |text: &str| {
            text.bytes()
                .all(|letter| letter.is_ascii_alphanumeric() || b" +-./:=_".contains(&letter))
        };
        for (key, value) in &self.tags {
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
}

fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text
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
            UploadOptions {
                metadata: pair(name, value),
                ..UploadOptions::default()
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
    }

    #[test]
    fn tags_tier_and_content_type() {
        let tags = |key: &str, value: &str| UploadOptions {
            tags: pair(key, value),
            ..UploadOptions::default()
        };
        assert!(tags("project", "a/b: c").validate().is_ok());
        assert!(tags("", "x").validate().is_err());
        assert!(tags("a", "&").validate().is_err());
        let many = UploadOptions {
            tags: vec![("a".to_owned(), String::new()); 11],
            ..UploadOptions::default()
        };
        assert!(many.validate().is_err());
        let tier = UploadOptions {
            tier: Some("Warm".to_owned()),
            ..UploadOptions::default()
        };
        assert!(
            tier.validate()
                .unwrap_err()
                .to_string()
                .contains("Hot, Cool")
        );
        let content_type = UploadOptions {
            content_type: Some("a\nb".to_owned()),
            ..UploadOptions::default()
        };
        assert!(content_type.validate().is_err());
    }
}
