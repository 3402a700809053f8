//! Encryption with a key of the customer's, which every request brings along, or with an encryption scope:
//! <https://learn.microsoft.com/azure/storage/blobs/encryption-customer-provided-keys>,
//! <https://learn.microsoft.com/azure/storage/blobs/encryption-scope-overview>

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};

use super::{error_response, redaction::Secrets};
use crate::{
    error::{ErrorKind, InvalidInput, Result},
    http::{Request, ResponseHead, is_header_value},
};

/// Bytes of an AES-256 key.
const KEY_LENGTH: usize = 32;

/// How the service encrypts what is written, otherwise than by the account's default.
#[derive(Clone, Debug)]
pub enum Encryption {
    /// With this key, which the service does not keep.
    Key(EncryptionKey),
    /// By this scope, which the account has.
    Scope(String),
}

/// A key of the customer's, as requests bring it along.
#[derive(Clone)]
pub struct EncryptionKey {
    base64: String,
    /// By which answers name it.
    sha256: String,
}

impl fmt::Debug for EncryptionKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey").finish_non_exhaustive()
    }
}

/// What an operation has to do with a blob's encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encrypts {
    /// Nothing.
    Never,
    /// It needs the key with which the blob is encrypted.
    Reading,
    /// It decides, or has to repeat, how the blob is encrypted.
    Writing,
}

impl Encryption {
    /// Encryption with an AES-256 key.
    ///
    /// # Errors
    /// Where it does not have 32 bytes.
    pub fn with_key(key: &[u8]) -> Result<Self, InvalidInput> {
        if key.len() != KEY_LENGTH {
            return Err(InvalidInput::new(format!(
                "encryption_key has {} bytes; an AES-256 key has 32",
                key.len()
            )));
        }
        Ok(Self::Key(EncryptionKey {
            base64: STANDARD.encode(key),
            sha256: STANDARD.encode(digest(&SHA256, key)),
        }))
    }

    /// Encryption by a scope of the account.
    ///
    /// # Errors
    /// Where it cannot be the name of one.
    pub fn with_scope(name: String) -> Result<Self, InvalidInput> {
        if name.is_empty() || !is_header_value(&name) {
            return Err(InvalidInput::new(
                "encryption_scope must be the name of a scope of the account",
            ));
        }
        Ok(Self::Scope(name))
    }

    /// What no message may show.
    pub(crate) fn secret(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(&key.base64),
            Self::Scope(_) => None,
        }
    }

    pub(crate) fn apply<'r>(&'r self, request: Request<'r>, encrypts: Encrypts) -> Request<'r> {
        match (self, encrypts) {
            (Self::Key(key), Encrypts::Reading | Encrypts::Writing) => request
                .header("x-ms-encryption-key", key.base64.as_str())
                .header("x-ms-encryption-key-sha256", key.sha256.as_str())
                .header("x-ms-encryption-algorithm", "AES256"),
            (Self::Scope(name), Encrypts::Writing) => {
                request.header("x-ms-encryption-scope", name.as_str())
            }
            _ => request,
        }
    }

    /// Refuses a success in which the service does not say that it encrypted as it was told: one that does
    /// not know the headers passes over them.
    pub(crate) fn check(
        &self,
        head: &ResponseHead,
        encrypts: Encrypts,
        secrets: &Secrets,
    ) -> Result<()> {
        let (header, told, option) = match (self, encrypts) {
            (_, Encrypts::Never) | (Self::Scope(_), Encrypts::Reading) => return Ok(()),
            (Self::Key(key), _) => ("x-ms-encryption-key-sha256", &key.sha256, "encryption_key"),
            (Self::Scope(name), _) => ("x-ms-encryption-scope", name, "encryption_scope"),
        };
        if head.get(header) == Some(told) {
            return Ok(());
        }
        let message = match encrypts {
            Encrypts::Writing => format!(
                "the service took the request, but does not say that it encrypted with {option}: what was \
                 written may be encrypted by the account's default only"
            ),
            _ => format!("the service does not say that the blob is encrypted with {option}"),
        };
        Err(error_response::about(
            head,
            secrets,
            ErrorKind::Service,
            message,
        ))
    }

    /// Refuses a copy, which the service makes without regard to either.
    pub(crate) fn refuse_copy(&self) -> InvalidInput {
        let option = match self {
            Self::Key(_) => "encryption_key",
            Self::Scope(_) => "encryption_scope",
        };
        InvalidInput::new(format!(
            "the service makes copies without regard to {option}: read and write the blob instead, or copy \
             with a client that has none"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(encryption: &Encryption, encrypts: Encrypts) -> Vec<String> {
        let request = encryption.apply(Request::new("PUT", "/"), encrypts);
        let lines = request.headers.iter();
        lines
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    }

    fn answer(lines: &str) -> ResponseHead {
        let head = format!("HTTP/1.1 201 Created\r\n{lines}\r\n\r\n");
        ResponseHead::parse(head.as_bytes(), false)
            .unwrap()
            .unwrap()
            .0
    }

    #[test]
    fn a_key_is_named_in_reads_and_writes() {
        let key = Encryption::with_key(&[0; 32]).unwrap();
        let expected = [
            "x-ms-encryption-key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "x-ms-encryption-key-sha256: Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=",
            "x-ms-encryption-algorithm: AES256",
        ];
        assert_eq!(headers(&key, Encrypts::Reading), expected);
        assert_eq!(headers(&key, Encrypts::Writing), expected);
        assert!(headers(&key, Encrypts::Never).is_empty());
        assert!(!format!("{key:?}").contains("AAAA"));
        assert!(Encryption::with_key(&[0; 31]).is_err());
    }

    #[test]
    fn a_scope_is_named_in_writes_alone() {
        let scope = Encryption::with_scope("mine".to_owned()).unwrap();
        assert_eq!(
            headers(&scope, Encrypts::Writing),
            ["x-ms-encryption-scope: mine"]
        );
        assert!(headers(&scope, Encrypts::Reading).is_empty());
        for wrong in ["", "a\r\nb: c"] {
            assert!(Encryption::with_scope(wrong.to_owned()).is_err());
        }
    }

    #[test]
    fn what_is_not_said_to_be_encrypted_is_no_success() {
        let secrets = Secrets::default();
        let key = Encryption::with_key(&[0; 32]).unwrap();
        let ours =
            answer("x-ms-encryption-key-sha256: Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=");
        let another = answer("x-ms-encryption-key-sha256: other");
        let none = answer("etag: \"e\"");
        for encrypts in [Encrypts::Reading, Encrypts::Writing] {
            assert!(key.check(&ours, encrypts, &secrets).is_ok());
            assert!(key.check(&another, encrypts, &secrets).is_err());
            assert!(key.check(&none, encrypts, &secrets).is_err());
        }
        assert!(key.check(&none, Encrypts::Never, &secrets).is_ok());
        let scope = Encryption::with_scope("mine".to_owned()).unwrap();
        assert!(
            scope
                .check(
                    &answer("x-ms-encryption-scope: mine"),
                    Encrypts::Writing,
                    &secrets
                )
                .is_ok()
        );
        assert!(scope.check(&none, Encrypts::Writing, &secrets).is_err());
        assert!(scope.check(&none, Encrypts::Reading, &secrets).is_ok());
    }
}
