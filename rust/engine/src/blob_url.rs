//! The URL of a container or blob, as portals and other programs give it out: most often with a SAS.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::{azure::BlobRef, endpoint::is_account_host, error::InvalidInput};

/// The account's part of such a URL, and what it names there.
#[derive(Clone, PartialEq, Eq)]
pub struct BlobUrl {
    /// URL of the account, with the SAS where there is one.
    pub account_url: String,
    /// The blob, or the container.
    pub blob: BlobRef,
}

impl fmt::Debug for BlobUrl {
    /// Without the SAS.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.account_url.split('?').next();
        write!(f, "BlobUrl({}, {})", account.unwrap_or_default(), self.blob)
    }
}

/// What is asked of the service by the query; a SAS has none of these.
const ASKED: [&str; 4] = ["comp", "restype", "snapshot", "versionid"];

impl BlobUrl {
    /// Parses the URL of a container.
    ///
    /// # Errors
    /// Where it is anything else. No message shows the text, which may be a secret.
    pub fn of_container(text: &str) -> Result<Self, InvalidInput> {
        let url = Self::parse(text, "container", "<container>")?;
        if !url.blob.name().is_empty() {
            return Err(InvalidInput::new(
                "the URL names a blob, not a container; Client.from_blob_url() takes it",
            ));
        }
        Ok(url)
    }

    /// Parses the URL of a blob.
    ///
    /// # Errors
    /// As [`BlobUrl::of_container`].
    pub fn of_blob(text: &str) -> Result<Self, InvalidInput> {
        let url = Self::parse(text, "blob", "<container>/<name>")?;
        if url.blob.name().is_empty() {
            return Err(InvalidInput::new(
                "the URL names a container, not a blob; Client.from_container_url() takes it",
            ));
        }
        Ok(url)
    }

    fn parse(text: &str, kind: &str, form: &str) -> Result<Self, InvalidInput> {
        let refuse = |reason: &str| {
            InvalidInput::new(format!(
                "the URL of the {kind} {reason}; write 'https://<account>.blob.core.windows.net/{form}'"
            ))
        };
        let url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("has a scheme other than https"));
        }
        let host = url.host().ok_or_else(|| refuse("has no host"))?;
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| ASKED.contains(&&**name)) {
            return Err(refuse(&format!(
                "asks for something by '{name}', which is no part of a SAS"
            )));
        }
        let mut rest = &url.path()[1..];
        let mut account = String::new();
        if has_account_in_path(&host) {
            let (first, others) = rest.split_once('/').unwrap_or((rest, ""));
            account = format!("/{first}");
            rest = others;
        }
        let (container, name) = rest.split_once('/').unwrap_or((rest, ""));
        if container.is_empty() {
            return Err(refuse("names no container"));
        }
        let name = percent_decode_str(name)
            .decode_utf8()
            .map_err(|_| refuse("has a name that is not UTF-8"))?;
        let origin = &url[..url::Position::BeforePath];
        let query = url.query().map(|query| format!("?{query}"));
        Ok(Self {
            account_url: format!("{origin}{account}{}", query.unwrap_or_default()),
            blob: BlobRef::verbatim(container, &name)?,
        })
    }
}

/// Whether the account is the first part of the path, as with emulators; otherwise it is in the host's name,
/// or belongs to a domain of the user's own.
fn has_account_in_path(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            !is_account_host(name) && (!name.contains('.') || name.ends_with(".localhost"))
        }
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs() {
        for (text, account, container, name) in [
            (
                "https://acct.blob.core.windows.net/data/a/b%20c?sv=1&sig=x%2F",
                "https://acct.blob.core.windows.net?sv=1&sig=x%2F",
                "data",
                "a/b c",
            ),
            (
                "http://127.0.0.1:10000/devstoreaccount1/data/b",
                "http://127.0.0.1:10000/devstoreaccount1",
                "data",
                "b",
            ),
            (
                "http://azurite:10000/acct/data/b",
                "http://azurite:10000/acct",
                "data",
                "b",
            ),
            (
                "https://[::1]:9/acct/data/b",
                "https://[::1]:9/acct",
                "data",
                "b",
            ),
            (
                "https://blobs.example.com/data/a/b",
                "https://blobs.example.com",
                "data",
                "a/b",
            ),
            (
                "https://acct.blob.core.windows.net/$web/%C3%BC%25/?sig=x",
                "https://acct.blob.core.windows.net?sig=x",
                "$web",
                "ü%/",
            ),
        ] {
            let url = BlobUrl::of_blob(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(url.account_url, account);
            assert_eq!((url.blob.container(), url.blob.name()), (container, name));
            assert!(BlobUrl::of_container(text).is_err());
        }
    }

    #[test]
    fn containers() {
        for text in [
            "https://acct.blob.core.windows.net/data?sv=1&sig=x",
            "https://acct.blob.core.windows.net/data/?sv=1&sig=x",
        ] {
            let url = BlobUrl::of_container(text).unwrap();
            assert_eq!(
                url.account_url,
                "https://acct.blob.core.windows.net?sv=1&sig=x"
            );
            assert_eq!(url.blob.to_string(), "data");
            assert!(BlobUrl::of_blob(text).is_err());
        }
    }

    #[test]
    fn what_is_neither_is_not_shown() {
        for wrong in [
            "",
            "data/secret",
            "ftp://acct.blob.core.windows.net/data/secret",
            "https://acct.blob.core.windows.net/?sig=secret",
            "https://acct.blob.core.windows.net/data/secret?snapshot=2024-01-01T00:00:00Z&sig=secret",
            "https://acct.blob.core.windows.net/data/secret?versionid=2024&sig=secret",
            "https://acct.blob.core.windows.net/data?restype=container&comp=list&sig=secret",
            "https://acct.blob.core.windows.net/data/%FF?sig=secret",
            "https://acct.blob.core.windows.net/No_Container/b?sig=secret",
            "http://127.0.0.1:10000/acct?sig=secret",
        ] {
            for parse in [BlobUrl::of_blob, BlobUrl::of_container] {
                let error = parse(wrong).err().unwrap_or_else(|| panic!("{wrong}"));
                assert!(!error.to_string().contains("secret"), "{error}");
            }
        }
    }
}
