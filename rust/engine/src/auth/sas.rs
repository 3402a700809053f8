//! Shared access signatures, made here: of a blob, of a container, of all blobs of an account.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>,
//! <https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas>,
//! <https://learn.microsoft.com/rest/api/storageservices/create-account-sas>

use std::{net::Ipv4Addr, time::SystemTime};

use percent_encoding::utf8_percent_encode;

use super::{delegation_key::DelegationKey, shared_key::SharedKey};
use crate::{
    azure::{BlobRef, ContentHeaders},
    endpoint::QUERY,
    error::InvalidInput,
    limits::SERVICE_VERSION,
};

/// The letters that a SAS of each kind may have, in the order in which the service wants them.
const OF_BLOB: &str = "racwdxytmei";
const OF_CONTAINER: &str = "racwdxyltfmei";
const OF_ACCOUNT: &str = "rwdxylacupfti";

/// What is signed of a service's SAS, line by line; what is not given is an empty line.
const SIGNED_WITH_ACCOUNT_KEY: [&str; 16] = [
    "sp", "st", "se", RESOURCE, "si", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd",
    "rsce", "rscl", "rsct",
];
/// The same of a SAS by a user delegation key, since version 2025-07-05.
const SIGNED_WITH_DELEGATION_KEY: [&str; 26] = [
    "sp", "st", "se", RESOURCE, "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid",
    "scid", "skdutid", "sduoid", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd",
    "rsce", "rscl", "rsct",
];
/// And of an account's, behind the account's name.
const SIGNED_OF_ACCOUNT: [&str; 9] = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses"];
/// Stands for the resource's canonical name, which is signed and not sent.
const RESOURCE: &str = "resource";

/// What a SAS is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SasScope {
    /// One blob.
    Blob,
    /// All blobs of a container.
    Container,
    /// All containers of an account, as far as these letters go: `s`, the service itself; `c`, containers;
    /// `o`, blobs.
    Account {
        /// Some of the letters `sco`.
        resource_types: String,
    },
}

/// What a SAS is to permit.
#[derive(Clone, Debug)]
pub struct SasOptions {
    /// What it is for.
    pub scope: SasScope,
    /// Letters, in the order of the service.
    pub permissions: String,
    /// From when on.
    pub start: Option<SystemTime>,
    /// Until when.
    pub expiry: SystemTime,
    /// From which IPv4 address, or range of them, `a-b`.
    pub ip: Option<String>,
    /// `https` or `https,http`; by the endpoint otherwise.
    pub protocol: Option<String>,
    /// Headers that answers have instead of the blob's own.
    pub content: ContentHeaders,
}

/// A SAS before it is signed. What the service would refuse was refused when it was made.
#[derive(Clone, Debug)]
pub struct Sas(SasOptions);

impl Sas {
    /// # Errors
    /// Names the option and the rule.
    pub fn new(options: SasOptions) -> Result<Self, InvalidInput> {
        let (letters, kind) = match &options.scope {
            SasScope::Blob => (OF_BLOB, "a blob"),
            SasScope::Container => (OF_CONTAINER, "a container"),
            SasScope::Account { .. } => (OF_ACCOUNT, "an account"),
        };
        check_letters("permissions", &options.permissions, letters, kind)?;
        if let SasScope::Account { resource_types } = &options.scope {
            check_letters("resource_types", resource_types, "sco", kind)?;
        }
        if options.expiry <= SystemTime::now() {
            return Err(InvalidInput::new("expiry must lie in the future"));
        }
        if seconds(options.expiry).is_none() {
            return Err(InvalidInput::new(
                "expiry must not lie beyond the year 9999",
            ));
        }
        if let Some(start) = options.start
            && start >= options.expiry
        {
            return Err(InvalidInput::new("start must lie before expiry"));
        }
        if let Some(ip) = &options.ip {
            let (first, last) = ip.split_once('-').unwrap_or((ip, ip));
            let address = |text: &str| text.parse::<Ipv4Addr>().ok();
            let range = address(first).zip(address(last));
            if range.is_none_or(|(first, last)| first > last) {
                return Err(InvalidInput::new(
                    "ip must be an IPv4 address, such as '168.1.5.60', or a range of them, such as \
                     '168.1.5.60-168.1.5.70'",
                ));
            }
        }
        let protocol = options.protocol.as_deref();
        if !matches!(protocol, None | Some("https" | "https,http")) {
            return Err(InvalidInput::new(
                "protocol must be 'https' or 'https,http'",
            ));
        }
        options.content.validate()?;
        Ok(Self(options))
    }

    pub(crate) fn scope(&self) -> &SasScope {
        &self.0.scope
    }

    pub(crate) fn expiry(&self) -> SystemTime {
        self.0.expiry
    }

    /// Over plain HTTP it can be read by whoever listens: not where the account is reached by HTTPS, unless
    /// that was asked for.
    pub(crate) fn with_default_protocol(mut self, is_tls: bool) -> Self {
        if is_tls {
            self.0.protocol.get_or_insert_with(|| "https".to_owned());
        }
        self
    }

    /// The query, signed with the account's key; of an account the blob does not matter.
    pub(super) fn signed_with(&self, key: &SharedKey, blob: Option<&BlobRef>) -> String {
        let fields = self.fields();
        let to_sign = if blob.is_some() {
            lines(&SIGNED_WITH_ACCOUNT_KEY, &fields, key.account(), blob).join("\n")
        } else {
            // The last line of these has an end too.
            let lines = lines(&SIGNED_OF_ACCOUNT, &fields, key.account(), None);
            format!("{}\n{}\n", key.account(), lines.join("\n"))
        };
        query(&fields, &key.sign(&to_sign))
    }

    /// The query, signed with a user delegation key.
    pub(crate) fn delegated(&self, account: &str, key: &DelegationKey, blob: &BlobRef) -> String {
        let mut fields = self.fields();
        fields.extend(key.fields());
        let lines = lines(&SIGNED_WITH_DELEGATION_KEY, &fields, account, Some(blob));
        query(&fields, &key.sign(&lines.join("\n")))
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let options = &self.0;
        let mut fields = vec![("sv", SERVICE_VERSION.to_owned())];
        match &options.scope {
            SasScope::Account { resource_types } => {
                fields.push(("ss", "b".to_owned()));
                fields.push(("srt", resource_types.clone()));
            }
            SasScope::Container => fields.push(("sr", "c".to_owned())),
            SasScope::Blob => fields.push(("sr", "b".to_owned())),
        }
        fields.push(("sp", options.permissions.clone()));
        fields.extend(options.start.and_then(seconds).map(|start| ("st", start)));
        fields.extend(seconds(options.expiry).map(|expiry| ("se", expiry)));
        let content = &options.content;
        for (name, value) in [
            ("sip", &options.ip),
            ("spr", &options.protocol),
            ("rscc", &content.cache_control),
            ("rscd", &content.content_disposition),
            ("rsce", &content.content_encoding),
            ("rscl", &content.content_language),
            ("rsct", &content.content_type),
        ] {
            fields.extend(value.clone().map(|value| (name, value)));
        }
        fields
    }
}

/// Refuses unknown letters, and those in another order than the service's: "read" is four letters, one of them
/// that of deletion.
fn check_letters(name: &str, given: &str, letters: &str, kind: &str) -> Result<(), InvalidInput> {
    let mut rest = letters.chars();
    if given.is_empty() || !given.chars().all(|letter| rest.any(|next| next == letter)) {
        return Err(InvalidInput::new(format!(
            "{name} {given:?} of a SAS of {kind} must be some of the letters {letters:?}, in this order"
        )));
    }
    Ok(())
}

fn lines(
    names: &[&str],
    fields: &[(&'static str, String)],
    account: &str,
    blob: Option<&BlobRef>,
) -> Vec<String> {
    let line = |name: &&str| match blob {
        Some(blob) if *name == RESOURCE => format!("/blob/{account}/{blob}"),
        _ => {
            let mut fields = fields.iter();
            let found = fields.find(|(field, _)| field == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        }
    };
    names.iter().map(line).collect()
}

fn query(fields: &[(&'static str, String)], signature: &str) -> String {
    let mut query = String::new();
    for (name, value) in fields {
        query.extend([name, "="]);
        query.extend(utf8_percent_encode(value, QUERY));
        query.push('&');
    }
    query.push_str("sig=");
    query.extend(utf8_percent_encode(signature, QUERY));
    query
}

/// A moment as signatures have it, `1994-11-06T08:49:37Z`; None beyond the year 9999.
pub(crate) fn seconds(time: SystemTime) -> Option<String> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let last = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(253_402_300_799);
    if time > last || time < SystemTime::UNIX_EPOCH {
        return None;
    }
    // Sun, 06 Nov 1994 08:49:37 GMT
    let date = httpdate::fmt_http_date(time);
    let month = MONTHS.find(date.get(8..11)?)? / 3 + 1;
    let (year, day, clock) = (date.get(12..16)?, date.get(5..7)?, date.get(17..25)?);
    Some(format!("{year}-{month:02}-{day}T{clock}Z"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn options(scope: SasScope, permissions: &str) -> SasOptions {
        SasOptions {
            scope,
            permissions: permissions.to_owned(),
            start: None,
            expiry: httpdate::parse_http_date("Tue, 31 Dec 2999 23:59:58 GMT").unwrap(),
            ip: None,
            protocol: None,
            content: ContentHeaders::default(),
        }
    }

    fn refusal(change: impl FnOnce(&mut SasOptions)) -> String {
        let mut options = options(SasScope::Blob, "r");
        change(&mut options);
        Sas::new(options).unwrap_err().to_string()
    }

    #[test]
    fn moments() {
        for (date, text) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
            ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
            ("Tue, 29 Feb 2028 23:59:59 GMT", "2028-02-29T23:59:59Z"),
        ] {
            let time = httpdate::parse_http_date(date).unwrap();
            assert_eq!(seconds(time).unwrap(), text);
        }
        let beyond = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        assert_eq!(seconds(beyond), None);
    }

    #[test]
    fn what_is_refused() {
        for (permissions, is_about) in [
            ("", "racwdxytmei"),
            ("rl", "\"rl\""),
            ("rr", "order"),
            ("read", "order"),
        ] {
            let said = refusal(|options| options.permissions = permissions.to_owned());
            assert!(said.contains(is_about), "{said}");
        }
        let account = |options: &mut SasOptions| {
            options.scope = SasScope::Account {
                resource_types: "os".to_owned(),
            };
        };
        assert!(refusal(account).contains("resource_types"));
        assert!(refusal(|options| options.expiry = SystemTime::now()).contains("expiry"));
        assert!(refusal(|options| options.start = Some(options.expiry)).contains("start"));
        for ip in ["", "::1", "1.2.3.4-", "1.2.3.4-1.2.3.3", "1.2.3.4\nx"] {
            let said = refusal(|options| options.ip = Some(ip.to_owned()));
            assert!(said.contains("IPv4"), "{said}");
        }
        assert!(refusal(|options| options.protocol = Some("http".to_owned())).contains("https"));
        let two_lines =
            |options: &mut SasOptions| options.content.cache_control = Some("a\nb".into());
        assert!(refusal(two_lines).contains("cache_control"));
    }

    #[test]
    fn what_is_signed_of_a_blob() {
        let sas = Sas::new(SasOptions {
            ip: Some("168.1.5.60-168.1.5.70".to_owned()),
            protocol: Some("https".to_owned()),
            content: ContentHeaders {
                content_type: Some("text/plain; a=b".to_owned()),
                ..ContentHeaders::default()
            },
            ..options(SasScope::Blob, "r")
        });
        let blob = BlobRef::verbatim("data", "ü/b").unwrap();
        let fields = sas.unwrap().fields();
        let signed = lines(&SIGNED_WITH_ACCOUNT_KEY, &fields, "acct", Some(&blob)).join("\n");
        assert_eq!(
            signed,
            format!(
                "r\n\n2999-12-31T23:59:58Z\n/blob/acct/data/ü/b\n\n168.1.5.60-168.1.5.70\nhttps\n\
                 {SERVICE_VERSION}\nb\n\n\n\n\n\n\ntext/plain; a=b"
            )
        );
        assert_eq!(
            query(&fields, "a+/="),
            format!(
                "sv={SERVICE_VERSION}&sr=b&sp=r&se=2999-12-31T23%3A59%3A58Z&sip=168.1.5.60-168.1.5.70&\
                 spr=https&rsct=text%2Fplain%3B%20a%3Db&sig=a%2B%2F%3D"
            )
        );
    }

    #[test]
    fn over_https_alone_where_the_account_is_reached_so() {
        let sas = || Sas::new(options(SasScope::Blob, "r")).unwrap();
        let protocol = |sas: Sas| sas.0.protocol;
        assert_eq!(protocol(sas().with_default_protocol(false)), None);
        assert_eq!(
            protocol(sas().with_default_protocol(true)).as_deref(),
            Some("https")
        );
    }
}
