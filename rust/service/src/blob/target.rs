//! What a URL names: account, container, blob.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A resource of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target<'r> {
    pub(crate) account: Cow<'r, str>,
    pub(crate) container: Option<Cow<'r, str>>,
    pub(crate) blob: Option<Cow<'r, str>>,
}

impl<'r> Target<'r> {
    /// Reads a path, decoding it once. The account is the first label of a host like
    /// `account.blob.core.windows.net`, and the first segment of the path otherwise. None if the
    /// path is not UTF-8.
    pub(crate) fn parse(host: &'r str, path: &'r str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (account, path) = match host.split_once(".blob.") {
            Some((account, _)) => (account, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let (container, blob) = path.split_once('/').unwrap_or((path, ""));
        let decode = |text: &'r str| percent_decode_str(text).decode_utf8().ok();
        let optional = |text: &'r str| {
            if text.is_empty() {
                Some(None)
            } else {
                decode(text).map(Some)
            }
        };
        Some(Self {
            account: decode(account)?,
            container: optional(container)?,
            blob: optional(blob)?,
        })
    }

    /// Reads a URL, and passes on its query.
    pub(crate) fn parse_url(url: &'r str) -> Option<(Self, &'r str)> {
        let (_, rest) = url.split_once("://")?;
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = location.split_once('/')?;
        Some((Self::parse(host, path)?, query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'r>(host: &'r str, path: &'r str) -> (String, Option<String>, Option<String>) {
        let target = Target::parse(host, path).expect("UTF-8");
        let owned = |name: Option<Cow<'_, str>>| name.map(Cow::into_owned);
        (
            target.account.into_owned(),
            owned(target.container),
            owned(target.blob),
        )
    }

    #[test]
    fn both_styles_and_one_decoding() {
        let expected = ("acct".into(), Some("c".into()), Some("a/b%20 é".into()));
        assert_eq!(parts("127.0.0.1:1", "/acct/c/a/b%2520%20%C3%A9"), expected);
        assert_eq!(
            parts("acct.blob.core.windows.net", "/c/a/b%2520%20%C3%A9"),
            expected
        );
        assert_eq!(parts("localhost", "/acct"), ("acct".into(), None, None));
        assert_eq!(
            parts("acct.blob.core.windows.net", "/"),
            ("acct".into(), None, None)
        );
        assert!(Target::parse("localhost", "/acct/c/%ff").is_none());
    }
}
