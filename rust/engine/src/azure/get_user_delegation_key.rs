//! Get User Delegation Key:
//! <https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key>

use quick_xml::{Reader, events::Event};

use super::{
    attempts::Attempts,
    list_page::resolve,
    session::{Operation, Session},
};
use crate::{
    auth::{DelegationKey, KeyLife},
    error::Result,
    http::{Body, Request, TransportError},
};

struct Call {
    path: String,
    body: String,
}

impl Operation for Call {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn is_answered_by_body(&self) -> bool {
        true
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        Request::new("POST", &*self.path)
            .query("restype", "service")
            .query("comp", "userdelegationkey")
            .header("content-type", "application/xml")
            .body(Body::Bytes(self.body.as_bytes()))
    }
}

/// Asks for a key that is good so long.
pub(super) fn get_user_delegation_key(
    session: &mut Session,
    attempts: &mut Attempts,
    life: KeyLife,
) -> Result<DelegationKey> {
    let mut call = Call {
        path: format!("{}/", session.account.endpoint.base_path()),
        body: body(life),
    };
    loop {
        let (_, answer) = session.call(attempts, &mut call)?;
        match parse(&answer, life) {
            Some(key) => return Ok(key),
            None => session.broken(
                attempts,
                TransportError::Protocol("the answer has no key in it"),
            )?,
        }
    }
}

fn body(life: KeyLife) -> String {
    let (start, expiry) = life.start_and_expiry();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{start}</Start>\
         <Expiry>{expiry}</Expiry></KeyInfo>"
    )
}

fn parse(answer: &[u8], life: KeyLife) -> Option<DelegationKey> {
    let document = String::from_utf8_lossy(answer);
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
    let mut fields = Vec::new();
    let mut value = None;
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(_) => text.clear(),
            Event::Text(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => text.extend(resolve(&reference)),
            Event::End(end) => {
                let text = std::mem::take(&mut text);
                let name = match end.name().as_ref() {
                    "SignedOid" => "skoid",
                    "SignedTid" => "sktid",
                    "SignedStart" => "skt",
                    "SignedExpiry" => "ske",
                    "SignedService" => "sks",
                    "SignedVersion" => "skv",
                    "Value" => {
                        value = Some(text);
                        continue;
                    }
                    _ => continue,
                };
                // A line end in a field would be one more line that is signed.
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return None;
                }
                fields.push((name, text));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if fields.len() != 6 {
        return None;
    }
    DelegationKey::new(&value?, life, fields)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::{
        auth::{Sas, SasOptions, SasScope},
        azure::{BlobRef, ContentHeaders},
        limits::SERVICE_VERSION,
    };

    const ANSWER: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>\
        <SignedOid>oid</SignedOid><SignedTid>tid</SignedTid>\
        <SignedStart>2999-12-30T00:00:00Z</SignedStart><SignedExpiry>2999-12-31T00:00:00Z</SignedExpiry>\
        <SignedService>b</SignedService><SignedVersion>2025-11-05</SignedVersion>\
        <Value>c2VjcmV0</Value></UserDelegationKey>";

    fn life() -> KeyLife {
        let now = SystemTime::now();
        KeyLife::until(now + Duration::from_secs(60), now).unwrap()
    }

    #[test]
    fn the_key_signs() {
        let key = parse(ANSWER.as_bytes(), life()).unwrap();
        let sas = Sas::new(SasOptions {
            scope: SasScope::Blob,
            permissions: "r".to_owned(),
            start: None,
            expiry: httpdate::parse_http_date("Mon, 30 Dec 2999 12:00:00 GMT").unwrap(),
            ip: None,
            protocol: None,
            content: ContentHeaders::default(),
        });
        let blob = BlobRef::parse("data/b").unwrap();
        let query = sas.unwrap().delegated("acct", &key, &blob);
        let to_sign = format!(
            "r\n\n2999-12-30T12:00:00Z\n/blob/acct/data/b\noid\ntid\n2999-12-30T00:00:00Z\n\
             2999-12-31T00:00:00Z\nb\n2025-11-05\n\n\n\n\n\n\n\n{SERVICE_VERSION}\nb\n\n\n\n\n\n\n"
        );
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
        let signature = ring::hmac::sign(&secret, to_sign.as_bytes());
        let signature =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature);
        let sent = percent_encoding::percent_decode_str(&query)
            .decode_utf8()
            .unwrap();
        assert!(sent.ends_with(&format!("&sig={signature}")), "{sent}");
        assert!(sent.contains("&skoid=oid&sktid=tid&"), "{sent}");
        assert!(!sent.contains("c2VjcmV0"));
    }

    #[test]
    fn an_answer_without_a_key_is_none() {
        for odd in [
            "",
            "<UserDelegationKey/>",
            &ANSWER.replace("c2VjcmV0", "no base64!"),
            &ANSWER.replace("<SignedTid>tid</SignedTid>", ""),
            &ANSWER.replace(">tid<", ">t\nid<"),
            &ANSWER[..ANSWER.len() - 30],
        ] {
            assert!(parse(odd.as_bytes(), life()).is_none(), "{odd}");
        }
    }

    #[test]
    fn the_request_says_how_long() {
        let life = life();
        let (start, expiry) = life.start_and_expiry();
        let body = body(life);
        assert!(body.contains(&format!("<Start>{start}</Start><Expiry>{expiry}</Expiry>")));
    }
}
