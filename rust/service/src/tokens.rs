//! Tokens: JWTs of the shape that Entra ID issues and Azurite accepts, signed by this service.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::hmac;
use serde_json::{Value, json};

use crate::clock::Timestamp;

/// The tenant that tokens and challenges name.
pub(crate) const TENANT: &str = "ab1f708d-50f6-404c-a006-d71b2ac7a606";

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    Malformed,
    Foreign,
    Expired,
    Audience,
}

/// Signs tokens and checks them.
#[derive(Debug)]
pub(crate) struct TokenIssuer {
    key: hmac::Key,
    /// The token that was checked last: most requests bring the same as the one before.
    last: Mutex<Option<Arc<Checked>>>,
}

/// What a token says, once its signature was checked.
#[derive(Debug)]
struct Checked {
    token: String,
    audience: String,
    valid: Range<u64>,
}

impl TokenIssuer {
    pub(crate) fn new(secret: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Self {
            key,
            last: Mutex::default(),
        }
    }

    /// A token for `resource`, and when it expires.
    pub(crate) fn issue(&self, resource: &str, lifetime: Duration) -> (String, Timestamp) {
        let now = Timestamp::now();
        let expires = now.plus(lifetime);
        let claims = json!({
            "aud": resource.trim_end_matches('/'),
            "iss": format!("https://sts.windows.net/{TENANT}/"),
            "iat": now.as_unix() - 60,
            "nbf": now.as_unix() - 60,
            "exp": expires.as_unix(),
            "tid": TENANT,
            "oid": "3c1c7c4a-1b1e-4e0c-9b55-0d8e7c9f6a01",
            "ver": "1.0",
        });
        let header = json!({"typ": "JWT", "alg": "HS256"}).to_string();
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
        let signature = hmac::sign(&self.key, token.as_bytes());
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        (token, expires)
    }

    /// Checks that a token is ours, in force, and for one of the audiences.
    pub(crate) fn check(&self, token: &str, audiences: &[&str]) -> Result<(), TokenError> {
        let last = self.last.lock().clone();
        let checked = if let Some(last) = last.filter(|last| last.token == token) {
            last
        } else {
            let checked = Arc::new(self.read(token)?);
            *self.last.lock() = Some(checked.clone());
            checked
        };
        if !checked.valid.contains(&Timestamp::now().as_unix()) {
            return Err(TokenError::Expired);
        }
        let right = audiences.contains(&&*checked.audience);
        right.then_some(()).ok_or(TokenError::Audience)
    }

    fn read(&self, token: &str) -> Result<Checked, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (_, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let decode = |part| {
            BASE64_URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| TokenError::Malformed)
        };
        hmac::verify(&self.key, signed.as_bytes(), &decode(signature)?)
            .map_err(|_| TokenError::Foreign)?;
        let claims: Value =
            serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::Malformed)?;
        let time = |name: &str| claims[name].as_u64().ok_or(TokenError::Malformed);
        Ok(Checked {
            token: token.to_owned(),
            audience: claims["aud"].as_str().unwrap_or_default().to_owned(),
            valid: time("nbf")?.max(time("iat")?)..time("exp")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORAGE: &str = "https://storage.azure.com";

    #[test]
    fn tells_tokens_apart() {
        let ours = TokenIssuer::new("ours");
        let hour = Duration::from_secs(3600);
        let (token, _) = ours.issue("https://storage.azure.com/", hour);
        assert_eq!(ours.check(&token, &[STORAGE]), Ok(()));
        assert_eq!(
            ours.check(&token, &["https://vault.azure.net"]),
            Err(TokenError::Audience)
        );
        assert_eq!(
            TokenIssuer::new("theirs").check(&token, &[STORAGE]),
            Err(TokenError::Foreign)
        );
        let (old, _) = ours.issue(STORAGE, Duration::ZERO);
        assert_eq!(ours.check(&old, &[STORAGE]), Err(TokenError::Expired));
        assert_eq!(
            ours.check("garbage", &[STORAGE]),
            Err(TokenError::Malformed)
        );
    }
}
