//! The URL of a storage account.

use std::{fmt, net::IpAddr};

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::{
    azure::{Address, BlobRef},
    error::InvalidInput,
};

/// Everything that has to be encoded in a blob's name: all but RFC 3986's unreserved characters, and the
/// slashes that separate segments.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The same for a value in the query.
pub(crate) const QUERY: &AsciiSet = &NAME.add(b'/');
/// What an endpoint's own path may keep.
const BASE_PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#');

/// Where an account's blobs are: `https://account.blob.core.windows.net`, a private or custom domain, a
/// sovereign cloud, or an emulator with the account in the path.
#[derive(Clone)]
pub struct Endpoint {
    tls: bool,
    host: Host<String>,
    port: u16,
    default_port: bool,
    base_path: String,
    sas: Option<String>,
}

impl fmt::Debug for Endpoint {
    /// Without the SAS.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.url())
    }
}

impl Endpoint {
    /// Parses an account's URL. A query in it is a shared access signature (SAS).
    ///
    /// # Errors
    /// Where it is not an `http` or `https` URL of an account.
    pub fn parse(text: &str) -> Result<Self, InvalidInput> {
        // Without the text: what is no account URL may be a key, a SAS or a connection string.
        let refuse = |reason: &str| {
            InvalidInput::new(format!(
                "the account URL {reason}; write 'https://<account>.blob.core.windows.net'"
            ))
        };
        if text.contains("AccountKey=") || text.contains("SharedAccessSignature=") {
            return Err(InvalidInput::new(
                "the account URL is a connection string; use Client.from_connection_string() or \
                 AZURE_STORAGE_CONNECTION_STRING",
            ));
        }
        let url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidInput::new(
                "an account URL must not hold a user name or password; give the credential by itself",
            ));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("has a scheme other than https"));
        }
        let host = url.host().ok_or_else(|| refuse("has no host"))?.to_owned();
        let port = url
            .port_or_known_default()
            .ok_or_else(|| refuse("has no port"))?;
        let base_path = url.path().trim_end_matches('/');
        // Only an emulator, or whatever else is found by its address alone, has the account in the path.
        let names_the_account = matches!(&host, Host::Domain(name) if is_account_host(name));
        let most = usize::from(!names_the_account);
        if base_path.matches('/').count() > most {
            return Err(refuse(
                "has a container or blob in it, which every call names by itself; \
                 Client.from_container_url() and Client.from_blob_url() take the URL of one",
            ));
        }
        if !base_path.is_empty() && !is_account_name(&base_path[1..]) {
            return Err(refuse("has a path that is not the name of an account"));
        }
        Ok(Self {
            tls: url.scheme() == "https",
            host,
            port,
            default_port: url.port().is_none(),
            base_path: utf8_percent_encode(base_path, BASE_PATH).to_string(),
            sas: url
                .query()
                .filter(|query| !query.is_empty())
                .map(str::to_owned),
        })
    }

    /// The URL without query.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin(), self.base_path)
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// The SAS that was part of the URL.
    pub fn sas(&self) -> Option<&str> {
        self.sas.as_deref()
    }

    /// The account's name: the first label of the host, or the path where the host is an address.
    pub fn account(&self) -> &str {
        match self.base_path.strip_prefix('/') {
            Some(account) => account,
            None => match &self.host {
                // The second region of an account is read under a name of its own and the same key.
                Host::Domain(name) => {
                    let label = name.split('.').next().unwrap_or(name);
                    label.strip_suffix("-secondary").unwrap_or(label)
                }
                _ => "",
            },
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host())
    }

    /// The host as it is looked up; an IPv6 address without brackets.
    pub(crate) fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The value of the Host header.
    pub(crate) fn authority(&self) -> String {
        if self.default_port {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The encoded path of the account itself; empty, or with a leading slash.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Where requests go that are about a blob in the state that is meant.
    pub(crate) fn address_of(&self, blob: &BlobRef) -> Address {
        Address::new(self.path_of(blob), blob)
    }

    /// The encoded path of a blob or container.
    pub(crate) fn path_of(&self, blob: &BlobRef) -> String {
        let mut path = format!("{}/{}", self.base_path, blob.container());
        if !blob.name().is_empty() {
            path.push('/');
            path.extend(utf8_percent_encode(blob.name(), NAME));
        }
        path
    }
}

/// Whether a host, an IPv6 address without brackets, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether the host is that of one account: `acct.blob.core.windows.net`, of any cloud.
pub(crate) fn is_account_host(name: &str) -> bool {
    name.split('.')
        .nth(1)
        .is_some_and(|label| label == "blob" || label == "dfs" || label.starts_with('z'))
        && name.split('.').count() > 3
}

/// What an account's name, or that of an emulator's, may be.
fn is_account_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, url, account, authority) in [
            (
                "https://acct.blob.core.windows.net/",
                "https://acct.blob.core.windows.net",
                "acct",
                "acct.blob.core.windows.net",
            ),
            (
                "http://127.0.0.1:10000/devstoreaccount1",
                "http://127.0.0.1:10000/devstoreaccount1",
                "devstoreaccount1",
                "127.0.0.1:10000",
            ),
            (
                "https://acct.blob.core.usgovcloudapi.net",
                "https://acct.blob.core.usgovcloudapi.net",
                "acct",
                "acct.blob.core.usgovcloudapi.net",
            ),
            ("https://[::1]:9/a", "https://[::1]:9/a", "a", "[::1]:9"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(endpoint.url(), url);
            assert_eq!(endpoint.account(), account);
            assert_eq!(endpoint.authority(), authority);
        }
        assert_eq!(Endpoint::parse("https://[::1]:9/a").unwrap().host(), "::1");
    }

    #[test]
    fn a_query_is_the_sas_and_never_shown() {
        let endpoint = Endpoint::parse("https://a.blob.core.windows.net/?sv=1&sig=x%2F").unwrap();
        assert_eq!(endpoint.sas(), Some("sv=1&sig=x%2F"));
        assert_eq!(endpoint.url(), "https://a.blob.core.windows.net");
        let error = Endpoint::parse("ftp://a.blob.core.windows.net/?sig=secret").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn what_is_not_an_account() {
        for wrong in [
            "",
            "acct",
            "acct.blob.core.windows.net",
            "ftp://a/b",
            "https://a.blob.core.windows.net/container/blob",
            "https://user:pass@a.blob.core.windows.net",
        ] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_encoded_once() {
        let endpoint = Endpoint::parse("http://127.0.0.1:1/acct").unwrap();
        let blob = BlobRef::parse("data/a b/ü%+#?😀.").unwrap();
        assert_eq!(
            endpoint.path_of(&blob),
            "/acct/data/a%20b/%C3%BC%25%2B%23%3F%F0%9F%98%80."
        );
    }
}
