//! The headers of content that a blob keeps, and gives to whoever reads it.

use crate::{
    error::InvalidInput,
    http::{Request, ResponseHead, is_header_value},
};

/// Headers of content that a blob keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentHeaders {
    /// `Content-Type`; the service's default is `application/octet-stream`.
    pub content_type: Option<String>,
    /// `Content-Encoding`, such as `gzip`; the bytes are stored and given as they are.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
}

impl ContentHeaders {
    pub(crate) fn validate(&self) -> Result<(), InvalidInput> {
        for (name, _, value) in self.fields() {
            if let Some(value) = value
                && (value.is_empty() || !is_header_value(value))
            {
                return Err(InvalidInput::new(format!(
                    "{name} must be printable ASCII, without spaces at its ends"
                )));
            }
        }
        Ok(())
    }

    fn fields(&self) -> [(&'static str, &'static str, Option<&str>); 5] {
        [
            (
                "content_type",
                "x-ms-blob-content-type",
                self.content_type.as_deref(),
            ),
            (
                "content_encoding",
                "x-ms-blob-content-encoding",
                self.content_encoding.as_deref(),
            ),
            (
                "content_language",
                "x-ms-blob-content-language",
                self.content_language.as_deref(),
            ),
            (
                "content_disposition",
                "x-ms-blob-content-disposition",
                self.content_disposition.as_deref(),
            ),
            (
                "cache_control",
                "x-ms-blob-cache-control",
                self.cache_control.as_deref(),
            ),
        ]
    }

    /// As they are sent with what makes a blob.
    pub(crate) fn apply<'r>(&'r self, mut request: Request<'r>) -> Request<'r> {
        for (_, header, value) in self.fields() {
            if let Some(value) = value {
                request = request.header(header, value);
            }
        }
        request
    }

    pub(crate) fn read(head: &ResponseHead) -> Self {
        let text = |name: &str| head.get(name).map(str::to_owned);
        Self {
            content_type: text("content-type"),
            content_encoding: text("content-encoding"),
            content_language: text("content-language"),
            content_disposition: text("content-disposition"),
            cache_control: text("cache-control"),
        }
    }
}
