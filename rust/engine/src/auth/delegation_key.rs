//! User delegation keys: with one, a signature is made in the name of whoever the token was for.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;

use super::sas::seconds;
use crate::error::InvalidInput;

/// The longest that such a key lives, and thereby a signature made with it:
/// <https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key>
const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// A key is good from so long ago on, as the service's clock may be behind this machine's.
const CLOCKS_DIFFER: Duration = Duration::from_secs(15 * 60);
/// And so much longer than the signature needs that it was asked for: later ones are made with it too.
const SPARE: Duration = Duration::from_secs(24 * 3600);

/// From when on, and until when, a key is to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyLife {
    start: SystemTime,
    expiry: SystemTime,
}

impl KeyLife {
    /// Of a key for signatures until `expiry`.
    ///
    /// # Errors
    /// Where no key lives that long.
    pub(crate) fn until(expiry: SystemTime, now: SystemTime) -> Result<Self, InvalidInput> {
        if expiry > now + LONGEST_LIFE {
            return Err(InvalidInput::new(
                "expiry must lie within seven days: with Entra ID no SAS lives longer; one made with the \
                 account's key does",
            ));
        }
        let start = (now - CLOCKS_DIFFER).max(expiry - LONGEST_LIFE);
        let expiry = (expiry + SPARE).min(start + LONGEST_LIFE);
        Ok(Self { start, expiry })
    }

    /// As requests have it.
    pub(crate) fn start_and_expiry(&self) -> (String, String) {
        let text = |time| seconds(time).unwrap_or_default();
        (text(self.start), text(self.expiry))
    }
}

/// A key as the service gives it out.
pub(crate) struct DelegationKey {
    key: hmac::Key,
    expiry: SystemTime,
    /// What a signature says of the key.
    fields: Vec<(&'static str, String)>,
}

impl DelegationKey {
    /// `value` is base64; None where it is not.
    pub(crate) fn new(
        value: &str,
        life: KeyLife,
        fields: Vec<(&'static str, String)>,
    ) -> Option<Self> {
        let value = STANDARD.decode(value).ok().filter(|key| !key.is_empty())?;
        Some(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &value),
            expiry: life.expiry,
            fields,
        })
    }

    /// Whether a signature made with it is good until then.
    pub(crate) fn lives_until(&self, expiry: SystemTime) -> bool {
        self.expiry >= expiry
    }

    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        self.fields.clone()
    }

    pub(super) fn sign(&self, text: &str) -> String {
        STANDARD.encode(hmac::sign(&self.key, text.as_bytes()))
    }
}

impl fmt::Debug for DelegationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DelegationKey(expiry: {:?})", self.expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_key_lives_longer_than_needed_but_not_too_long() {
        let now = SystemTime::now();
        let life = KeyLife::until(now + DAY, now).unwrap();
        assert_eq!(life.start, now - CLOCKS_DIFFER);
        assert_eq!(life.expiry, now + 2 * DAY);
        let life = KeyLife::until(now + 6 * DAY + DAY / 2, now).unwrap();
        assert_eq!(life.expiry, now - CLOCKS_DIFFER + 7 * DAY);
        let life = KeyLife::until(now + 7 * DAY, now).unwrap();
        assert_eq!((life.start, life.expiry), (now, now + 7 * DAY));
        let error = KeyLife::until(now + 7 * DAY + Duration::from_secs(1), now).unwrap_err();
        assert!(error.to_string().contains("seven days"));
    }

    #[test]
    fn nobody_sees_it() {
        let now = SystemTime::now();
        let life = KeyLife::until(now + DAY, now).unwrap();
        let key = DelegationKey::new("c2VjcmV0", life, Vec::new()).unwrap();
        assert!(key.lives_until(now + DAY) && !key.lives_until(now + 3 * DAY));
        let shown = format!("{key:?}");
        assert!(!shown.contains("secret") && !shown.contains("c2VjcmV0"));
        assert!(DelegationKey::new("not base64!", life, Vec::new()).is_none());
        assert!(DelegationKey::new("", life, Vec::new()).is_none());
    }
}
