//! The proxy that the user names, or else the environment: `HTTPS_PROXY`, `http_proxy`, `ALL_PROXY` and
//! `NO_PROXY`.
//!
//! The upper-case `HTTP_PROXY` is not read: a CGI server sets it from a request's header
//! (<https://httpoxy.org>), which is why curl does not read it either.

use std::{env, net::IpAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    endpoint::{self, Endpoint},
    error::InvalidInput,
};

/// A proxy that tunnels (https) or forwards (http) requests.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    authorization: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

impl Proxy {
    /// The proxy that the user names, for whatever endpoint; none where the URL is empty.
    pub(crate) fn explicit(url: &str) -> Result<Option<Self>, InvalidInput> {
        if url.is_empty() {
            return Ok(None);
        }
        Self::parse(url).map(Some).ok_or_else(|| refusal("proxy"))
    }

    /// The proxy that the environment puts on the way to `endpoint`, if there is one.
    pub(crate) fn from_environment(endpoint: &Endpoint) -> Result<Option<Self>, InvalidInput> {
        Self::find(endpoint, |name| {
            env::var(name).ok().filter(|value| !value.is_empty())
        })
    }

    fn find(
        endpoint: &Endpoint,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, InvalidInput> {
        // A proxy would connect to itself; and a token for a service on this machine, which may go in the
        // clear, would leave it.
        if endpoint.is_loopback() {
            return Ok(None);
        }
        let names: &[&str] = if endpoint.is_tls() {
            &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        } else {
            &["http_proxy", "ALL_PROXY", "all_proxy"]
        };
        let Some((name, value)) = names.iter().find_map(|name| Some((*name, variable(name)?)))
        else {
            return Ok(None);
        };
        let exceptions = variable("NO_PROXY").or_else(|| variable("no_proxy"));
        if exceptions.is_some_and(|list| is_excepted(&endpoint.host(), endpoint.port(), &list)) {
            return Ok(None);
        }
        Self::parse(&value)
            .map(Some)
            .ok_or_else(|| refusal(&format!("the variable {name}")))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = if text.contains("://") {
            Url::parse(text).ok()?
        } else {
            Url::parse(&format!("http://{text}")).ok()?
        };
        if url.scheme() != "http" {
            return None;
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let authorization = (!url.username().is_empty()).then(|| {
            let pair = format!(
                "{}:{}",
                decode(url.username()),
                decode(url.password().unwrap_or_default())
            );
            format!("Basic {}", STANDARD.encode(pair))
        });
        Some(Self {
            host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(80),
            authorization,
        })
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        endpoint::is_loopback(&self.host)
    }

    /// What asks the proxy for a tunnel (RFC 9110, section 9.3.6).
    pub(crate) fn connect_head(&self, endpoint: &Endpoint) -> String {
        let host = endpoint.host();
        let authority = if host.contains(':') {
            format!("[{host}]:{}", endpoint.port())
        } else {
            format!("{host}:{}", endpoint.port())
        };
        let authorization = match &self.authorization {
            Some(value) => format!("proxy-authorization: {value}\r\n"),
            None => String::new(),
        };
        format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n{authorization}\r\n")
    }

    /// The header that a forwarded request carries.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

/// Without the value, which may hold a password.
fn refusal(what: &str) -> InvalidInput {
    InvalidInput::new(format!(
        "{what} is not the URL of an http proxy; write 'http://host:port'"
    ))
}

/// Whether `NO_PROXY` names the host: itself, a domain that it belongs to, a network (CIDR) that its
/// address belongs to, or `*`; a name or an address with a port or without.
fn is_excepted(host: &str, port: u16, list: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    list.split(',')
        .map(str::trim)
        .any(|entry| match (address, parse_address(entry, port)) {
            _ if entry == "*" => true,
            (Some(address), Some(network)) => network.contains(&address),
            (None, None) => is_in_domain(host, port, entry),
            _ => false,
        })
}

/// An address or a network, for that port or for all.
fn parse_address(entry: &str, port: u16) -> Option<IpNet> {
    let without_brackets = |text: &str| {
        text.strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .unwrap_or(text)
            .parse::<IpAddr>()
            .map(IpNet::from)
            .ok()
    };
    if let Some(network) = entry.parse().ok().or_else(|| without_brackets(entry)) {
        return Some(network);
    }
    let (address, digits) = entry.rsplit_once(':')?;
    without_brackets(address).filter(|_| digits.parse() == Ok(port))
}

fn is_in_domain(host: &str, port: u16, entry: &str) -> bool {
    let entry = match entry.rsplit_once(':') {
        Some((name, digits)) if digits.parse() == Ok(port) => name,
        _ => entry,
    };
    let domain = entry
        .trim_start_matches('*')
        .trim_start_matches('.')
        .to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    !domain.is_empty() && (host == domain || host.ends_with(&format!(".{domain}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        Proxy::find(&Endpoint::parse(url).unwrap(), |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
        .map(|proxy| format!("{}:{}", proxy.host, proxy.port))
    }

    #[test]
    fn the_scheme_decides() {
        let both = [("HTTPS_PROXY", "http://p:1"), ("http_proxy", "q:2")];
        assert_eq!(find("https://a.example", &both).as_deref(), Some("p:1"));
        assert_eq!(find("http://a.example", &both).as_deref(), Some("q:2"));
        assert_eq!(find("http://a.example", &[("HTTP_PROXY", "q:2")]), None);
    }

    #[test]
    fn exceptions() {
        for (list, excepted) in [
            ("*", true),
            ("a.example", true),
            (".example", true),
            ("example, other", true),
            ("ample", false),
            ("a.example:443", true),
            ("a.example:80", false),
            ("", false),
        ] {
            let found = find(
                "https://a.example",
                &[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)],
            );
            assert_eq!(found.is_none(), excepted, "{list}");
        }
    }

    #[test]
    fn exceptions_by_address() {
        for (host, list, excepted) in [
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "192.168.0.0/16, 10.1.2.3/32", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.3:443", true),
            ("10.1.2.3", "10.1.2.3:80", false),
            // The end of an address is no domain.
            ("10.1.2.3", "2.3", false),
            ("10.1.2.3", "10.0.0.0/33", false),
            ("[fd00::1]", "fd00::/8", true),
            ("[fd00::1]", "fd00::1", true),
            ("[fd00::1]", "[fd00::1]", true),
            ("[fd00::1]", "[fd00:0::1]:443", true),
            ("[fd00::1]", "[fd00::1]:80", false),
            ("[fd00::1]", "fe80::/10", false),
            ("[fd00::1]", "0.0.0.0/0", false),
            ("a.example", "0.0.0.0/0", false),
            ("a.example", "*.example", true),
        ] {
            let found = find(
                &format!("https://{host}/account"),
                &[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)],
            );
            assert_eq!(found.is_none(), excepted, "{host} in {list}");
        }
    }

    #[test]
    fn this_machine_is_not_asked_for_through_a_proxy() {
        let all = [("ALL_PROXY", "http://p:1")];
        for host in ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"] {
            assert_eq!(find(&format!("http://{host}:10000/account"), &all), None);
            assert_eq!(find(&format!("https://{host}:10000/account"), &all), None);
        }
        assert!(find("http://10.0.0.1/account", &all).is_some());
    }

    #[test]
    fn a_proxy_that_is_named_comes_first() {
        let proxy = Proxy::explicit("http://p:1").unwrap().unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("p", 1));
        assert!(Proxy::explicit("").unwrap().is_none());
        assert!(Proxy::explicit("p:x").is_err());
    }

    #[test]
    fn a_password_is_sent_and_not_shown() {
        let proxy = Proxy::parse("http://me:s%40crt@p:1").unwrap();
        let head = proxy.connect_head(&Endpoint::parse("https://a.example").unwrap());
        assert!(head.starts_with("CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\n"));
        assert!(head.contains(&STANDARD.encode("me:s@crt")));
        assert!(!format!("{proxy:?}").contains("crt"));
        let wrong = Proxy::find(&Endpoint::parse("https://a.example").unwrap(), |_| {
            Some("socks5://me:secret@p:1".to_owned())
        });
        assert!(!wrong.unwrap_err().to_string().contains("secret"));
    }
}
