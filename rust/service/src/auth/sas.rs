//! Shared access signatures of a service and of an account:
//! <https://learn.microsoft.com/rest/api/storageservices/delegate-access-with-shared-access-signature>.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use crate::blob::{Need, Target};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::errors::{self, Failure};

/// A decoded query.
pub(crate) type Query<'q> = [(Cow<'q, str>, Cow<'q, str>)];

/// The first version whose string to sign has a line for the encryption scope.
const WITH_ENCRYPTION_SCOPE: &str = "2020-12-06";

/// The fields of one signature.
struct Signature<'q>(&'q Query<'q>);

impl<'q> Signature<'q> {
    fn get(&self, name: &str) -> &'q str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| &**value)
    }

    fn is_for_account(&self) -> bool {
        !self.get("ss").is_empty()
    }

    fn has_any(&self, field: &str, letters: &str) -> bool {
        self.get(field).contains(|letter| letters.contains(letter))
    }

    fn string_to_sign(&self, account: &str, target: &Target<'_>) -> String {
        let scope = self.get("sv") >= WITH_ENCRYPTION_SCOPE;
        if self.is_for_account() {
            let fields =
                ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"].map(|name| self.get(name));
            let end = if scope {
                format!("{}\n", self.get("ses"))
            } else {
                String::new()
            };
            return format!("{account}\n{}\n{end}", fields.join("\n"));
        }
        let mut resource = format!(
            "/blob/{account}/{}",
            target.container.as_deref().unwrap_or("")
        );
        if self.get("sr") != "c" {
            resource.extend(["/", target.blob.as_deref().unwrap_or("")]);
        }
        let mut lines = vec![self.get("sp"), self.get("st"), self.get("se"), &resource];
        lines.extend(["si", "sip", "spr", "sv", "sr", "snapshot"].map(|name| self.get(name)));
        if scope {
            lines.push(self.get("ses"));
        }
        lines.extend(["rscc", "rscd", "rsce", "rscl", "rsct"].map(|name| self.get(name)));
        lines.join("\n")
    }
}

/// Checks the signature in a query. Tells whether it covers changing what exists.
pub(crate) fn verify(
    context: &Context,
    query: &Query<'_>,
    target: &Target<'_>,
    need: Need,
) -> Result<bool, Failure> {
    let signature = Signature(query);
    for (name, what) in [
        ("si", "stored access policies"),
        ("skoid", "signatures by user delegation keys"),
    ] {
        if !signature.get(name).is_empty() {
            return Err(errors::not_offered(what));
        }
    }
    let to_sign = signature.string_to_sign(&context.options.account, target);
    let given = BASE64_STANDARD
        .decode(signature.get("sig"))
        .unwrap_or_default();
    if hmac::verify(&context.account_key, to_sign.as_bytes(), &given).is_err() {
        return refuse(format!(
            "Signature did not match. String to sign used was {to_sign}"
        ));
    }
    check_time(&signature)?;
    if !context.options.tls && signature.get("spr") == "https" {
        return Err(errors::AUTHORIZATION_PROTOCOL_MISMATCH.into());
    }
    if !admits_loopback(signature.get("sip")) {
        return Err(errors::AUTHORIZATION_SOURCE_IP_MISMATCH.into());
    }
    if signature.is_for_account() {
        if !signature.has_any("ss", "b") {
            return Err(errors::AUTHORIZATION_SERVICE_MISMATCH.into());
        }
        if !signature.has_any("srt", need.resource) {
            let error = errors::AUTHORIZATION_RESOURCE_TYPE_MISMATCH.error();
            let detail = format!("The signature lacks the resource type '{}'.", need.resource);
            return Err(error.detail("ExtendedErrorDetail", detail).into());
        }
    } else if need.service_permissions.is_empty()
        || (signature.get("sr") == "b" && target.blob.is_none())
    {
        return Err(errors::AUTHORIZATION_PERMISSION_MISMATCH.into());
    }
    let wanted = if signature.is_for_account() {
        need.account_permissions
    } else {
        need.service_permissions
    };
    if !signature.has_any("sp", wanted) {
        return Err(errors::AUTHORIZATION_PERMISSION_MISMATCH.into());
    }
    Ok(signature.has_any("sp", "w"))
}

fn check_time(signature: &Signature<'_>) -> Result<(), Failure> {
    let now = Timestamp::now();
    let (start, expiry) = (signature.get("st"), signature.get("se"));
    let Some(expires) = Timestamp::from_iso8601(expiry) else {
        return refuse(format!("se is malformed: '{expiry}'")).map(|_| ());
    };
    let starts = Timestamp::from_iso8601(start);
    if now < expires && starts.is_none_or(|starts| starts <= now) {
        return Ok(());
    }
    let starts = starts
        .map(|starts| format!("Start [{}] - ", starts.to_http()))
        .unwrap_or_default();
    let (expires, now) = (expires.to_http(), now.to_http());
    refuse(format!(
        "Signature not valid in the specified time frame: {starts}Expiry [{expires}] - Current [{now}]"
    ))
    .map(|_| ())
}

/// Whether a `sip` field, an address or a range of them, covers 127.0.0.1, where all our clients
/// are.
fn admits_loopback(range: &str) -> bool {
    let parse = |text: &str| text.parse::<std::net::Ipv4Addr>().ok();
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (parse(first), parse(last)) {
        (Some(first), Some(last)) => (first..=last).contains(&std::net::Ipv4Addr::LOCALHOST),
        _ => range.is_empty(),
    }
}

fn refuse(detail: String) -> Result<bool, Failure> {
    Err(errors::AUTHENTICATION_FAILED
        .error()
        .detail("AuthenticationErrorDetail", detail)
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert!(admits_loopback(""));
        assert!(admits_loopback("127.0.0.1"));
        assert!(admits_loopback("126.0.0.0-128.0.0.0"));
        assert!(!admits_loopback("168.1.5.60-168.1.5.70"));
    }
}
