//! How requests are authorised.

mod delegation_key;
mod sas;
mod shared_key;
mod token;

use std::{fmt, sync::Arc, time::SystemTime};

use percent_encoding::percent_decode_str;

pub(crate) use self::delegation_key::{DelegationKey, KeyLife};
pub use self::sas::{Sas, SasOptions, SasScope};
use self::shared_key::SharedKey;
pub(crate) use self::token::TokenCache;
pub use self::token::{Token, TokenError};
use crate::{
    azure::BlobRef,
    error::{Error, InvalidInput},
    http::Request,
};

/// What proves to the service who asks.
#[derive(Clone)]
pub struct Credential(Kind);

#[derive(Clone)]
enum Kind {
    Anonymous,
    SharedKey(Arc<SharedKey>),
    Sas(Arc<str>),
    Token(Arc<TokenCache>),
}

impl Credential {
    /// No credential: for containers with public access.
    pub fn anonymous() -> Self {
        Self(Kind::Anonymous)
    }

    /// The account's key, base64 as the portal shows it.
    ///
    /// # Errors
    /// Where the account is unknown or the key is not base64.
    pub fn shared_key(account: &str, key: &str) -> Result<Self, InvalidInput> {
        Ok(Self(Kind::SharedKey(Arc::new(SharedKey::new(
            account, key,
        )?))))
    }

    /// A shared access signature, with or without its question mark.
    ///
    /// # Errors
    /// Where it has no signature, or characters that no query has.
    pub fn sas(sas: &str) -> Result<Self, InvalidInput> {
        let sas = sas.trim().trim_start_matches('?');
        let legal = sas
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !legal || !sas.split('&').any(|pair| pair.starts_with("sig=")) {
            return Err(InvalidInput::new(
                "the SAS is not the query of a URL with a 'sig' in it; copy it whole, as the portal shows it",
            ));
        }
        Ok(Self(Kind::Sas(sas.into())))
    }

    /// Bearer tokens of Microsoft Entra ID, which the drivers of calls supply.
    pub fn token() -> Self {
        Self(Kind::Token(Arc::default()))
    }

    /// Where tokens are kept, if this is a credential with tokens.
    pub(crate) fn tokens(&self) -> Option<&TokenCache> {
        match &self.0 {
            Kind::Token(cache) => Some(cache),
            _ => None,
        }
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        matches!(self.0, Kind::Anonymous)
    }

    /// What belongs to the query of every request.
    pub(crate) fn query(&self) -> Option<&str> {
        match &self.0 {
            Kind::Sas(sas) => Some(sas),
            _ => None,
        }
    }

    /// What no message may show: a SAS's signature, with and without its percent signs, or the token.
    pub(crate) fn secrets(&self) -> Vec<String> {
        match &self.0 {
            Kind::Anonymous | Kind::SharedKey(_) => Vec::new(),
            Kind::Sas(sas) => sas
                .split('&')
                .filter_map(|pair| pair.strip_prefix("sig="))
                .flat_map(|sig| {
                    let decoded = percent_decode_str(sig).decode_utf8_lossy().into_owned();
                    [sig.to_owned(), decoded]
                })
                .collect(),
            Kind::Token(cache) => cache.secret().into_iter().collect(),
        }
    }

    /// Adds the date and the authorisation to a request that is otherwise complete; false where a token
    /// has to be fetched first. Done for each attempt anew: signatures and tokens grow old.
    ///
    /// `fetches` is how many tokens had been fetched when the call began.
    pub(crate) fn authorize(&self, request: &mut Request, fetches: u64) -> Result<bool, Error> {
        let date = httpdate::fmt_http_date(SystemTime::now());
        request.headers.push(("x-ms-date".into(), date.into()));
        let value = match &self.0 {
            Kind::Anonymous | Kind::Sas(_) => return Ok(true),
            Kind::SharedKey(key) => key.authorization(request),
            Kind::Token(cache) => match cache.authorization(fetches)? {
                Some(value) => value.to_string(),
                None => return Ok(false),
            },
        };
        request.headers.push(("authorization".into(), value.into()));
        Ok(true)
    }

    /// Signs a SAS of the blob or container; without one, of the account.
    ///
    /// # Errors
    /// Where this credential cannot sign any, or none of an account.
    pub(crate) fn sign(&self, sas: &Sas, blob: Option<&BlobRef>) -> Result<Signing, InvalidInput> {
        match &self.0 {
            Kind::SharedKey(key) => Ok(Signing::Done(sas.signed_with(key, blob))),
            Kind::Token(_) if blob.is_some() => Ok(Signing::NeedsDelegationKey),
            Kind::Token(_) => Err(InvalidInput::new(
                "a SAS of an account is signed with the account's key, which this client does not have; \
                 make one of a container or blob, which Entra ID can sign too",
            )),
            Kind::Sas(_) => Err(InvalidInput::new(
                "this client has a SAS, with which no other can be signed; give it the account's key or a \
                 credential of Entra ID",
            )),
            Kind::Anonymous => Err(InvalidInput::new(
                "this client is anonymous, and a SAS has to be signed; give it the account's key or a \
                 credential of Entra ID",
            )),
        }
    }

    /// Takes note that the service refused the token in `authorization`; false where nothing better
    /// can be had. `claims` is what the challenge asks of the next token (continuous access evaluation).
    pub(crate) fn refused(&self, authorization: Option<&str>, claims: Option<String>) -> bool {
        match (&self.0, authorization) {
            (Kind::Token(cache), Some(authorization)) => {
                cache.refused(authorization, claims);
                true
            }
            _ => false,
        }
    }
}

/// What comes of asking for a signature.
#[derive(PartialEq, Eq)]
pub(crate) enum Signing {
    /// The query.
    Done(String),
    /// It takes a key that the service gives to whoever has a token.
    NeedsDelegationKey,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Anonymous => "Credential(anonymous)",
            Kind::SharedKey(_) => "Credential(shared key)",
            Kind::Sas(_) => "Credential(SAS)",
            Kind::Token(_) => "Credential(token)",
        })
    }
}
