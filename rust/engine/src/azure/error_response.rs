//! What an answer that is not a success means, in words that say what to do.

use quick_xml::{Reader, events::Event};

use super::{
    list_page::resolve,
    redaction::Secrets,
    right::{Asked, Proof},
};
use crate::{
    error::{Error, ErrorKind},
    http::ResponseHead,
};

/// Whether an answer comes from the blob service at all, and not from something else at that address.
pub(crate) fn is_from_service(head: &ResponseHead) -> bool {
    // Azurite gives out user delegation keys with neither.
    let is_azurite = || {
        let server = head.get("server");
        server.is_some_and(|server| server.starts_with("Azurite-Blob/"))
    };
    head.request_id().is_some() || head.get("x-ms-version").is_some() || is_azurite()
}

/// An error about an answer that is a success, but not the one that was asked for.
pub(super) fn about(
    head: &ResponseHead,
    secrets: &Secrets,
    kind: ErrorKind,
    message: impl Into<String>,
) -> Error {
    let request_id = head.request_id().map(|id| secrets.identifier(id));
    Error::new(kind, message).with_answer(head.status, None, request_id.as_deref())
}

/// The error for an answer whose body was read, which repeats none of the secrets.
pub(super) fn error(
    head: &ResponseHead,
    body: &[u8],
    endpoint: &str,
    secrets: &Secrets,
    asked: Asked,
) -> Error {
    if !is_from_service(head) && head.error_code().is_none() {
        return Error::new(
            ErrorKind::Service,
            format!(
                "{endpoint} does not answer like Azure Blob Storage (content type {:?}); check the \
                 account URL and the proxy settings",
                secrets.shown(head.get("content-type").unwrap_or("none"))
            ),
        )
        .with_answer(head.status, None, None);
    }
    let told = Told::parse(body);
    let identifier = |text| secrets.identifier(text);
    let code = head.error_code().or(told.code.as_deref()).map(identifier);
    let code = code.as_deref();
    let request_id = head.request_id().map(identifier);
    let mut message = match advice(head.status, code, asked) {
        Some(advice) => advice,
        None => match told.message.and_then(|text| first_line(&text, secrets)) {
            Some(text) => format!("the service refused the request: {text}"),
            None => "the service refused the request".to_owned(),
        },
    };
    // The code in the answer of the source is the service's there, or whatever answers at a foreign URL.
    let of_source = [
        head.get("x-ms-copy-source-status-code"),
        head.get("x-ms-copy-source-error-code"),
    ];
    if code == Some("CannotVerifyCopySource") && of_source.iter().any(Option::is_some) {
        let said: Vec<_> = of_source.into_iter().flatten().map(identifier).collect();
        message = format!("{message} (the source answered {})", said.join(" "));
    }
    if let Some(detail) = told.detail.and_then(|text| first_line(&text, secrets)) {
        message = format!("{message}; the service says: {detail}");
    }
    Error::new(kind(head.status, code), message).with_answer(
        head.status,
        code,
        request_id.as_deref(),
    )
}

/// What the caller does about it: as azure-storage-blob tells errors apart, by status and, where that says
/// too little, by code. `tests/facts/errors.tsv` holds the two against each other.
fn kind(status: u16, code: Option<&str>) -> ErrorKind {
    match (status, code.unwrap_or_default()) {
        (401 | 407, _) => ErrorKind::Authentication,
        (409, "BlobAlreadyExists" | "ContainerAlreadyExists") => ErrorKind::AlreadyExists,
        (409, _) => ErrorKind::Conflict,
        (404, _) | (_, "CannotVerifyCopySource") => ErrorKind::NotFound,
        (403, "OperationNotAllowedOnRootBlob") => ErrorKind::Service,
        (403, _) | (400, "InvalidAuthenticationInfo" | "AuthenticationFailed") => {
            ErrorKind::Authentication
        }
        (304 | 412, _) => ErrorKind::Modified,
        (400, "Md5Mismatch" | "Crc64Mismatch") => ErrorKind::Integrity,
        _ => ErrorKind::Service,
    }
}

/// What to do about it; None where the service's own words have to do.
fn advice(status: u16, code: Option<&str>, asked: Asked) -> Option<String> {
    let advice = match (status, code.unwrap_or_default()) {
        (_, "CannotVerifyCopySource") => match status {
            304 | 412 => "the source of the copy does not meet a condition",
            404 => "the source of the copy does not exist",
            401 | 403 => "the source of the copy does not let the service read it",
            _ => "the service could not read the source of the copy",
        },
        (404, "ContainerNotFound") => {
            "the container does not exist; check its name or create it (az storage container create)"
        }
        (409, "ContainerBeingDeleted") => {
            "the container does not exist any more: it is being deleted, which may take minutes; wait \
             before it is created again, or use another name"
        }
        (404, "BlobNotFound" | "") => "the blob does not exist",
        (409, "BlobAlreadyExists") => "the blob exists already; allow overwriting to replace it",
        (409, "ContainerAlreadyExists") => "the container exists already",
        (409, "BlobArchived") => {
            "the blob is in the archive tier; rehydrate it to hot or cool before it is read, which takes \
             hours"
        }
        (409, "BlobBeingRehydrated") => {
            "the blob is on its way out of the archive tier, which takes hours; wait until its \
             archive_status is gone"
        }
        (409, "BlobImmutableDueToPolicy") => {
            "an immutability policy protects the blob; write to another name, or wait until the policy \
             ends (its properties tell when: immutability_policy_until)"
        }
        (409, "BlobImmutableDueToLegalHold") => {
            "a legal hold protects the blob; write to another name, or have the hold removed"
        }
        (409, "BlobUsesCustomerSpecifiedEncryption") => {
            "the blob is encrypted with a key or a scope of the customer's, which the request has to \
             name; make a client with that encryption_key or encryption_scope"
        }
        (409, "BlobCustomerSpecifiedEncryptionMismatch") => {
            "the blob is encrypted with another key or scope than the client's encryption_key or \
             encryption_scope"
        }
        (409, "BlobDoesNotUseCustomerSpecifiedEncryption") => {
            "the blob is not encrypted with a key of the customer's; use a client without encryption_key"
        }
        (409, "InvalidBlobType") => {
            "the blob is not a block blob, which this call is for; delete it first or use another name"
        }
        (409, "SnapshotsPresent") => {
            "the blob has snapshots; delete them with it (snapshots=\"include\") or alone, before it \
             (snapshots=\"only\")"
        }
        (409, "PendingCopyOperation") => {
            "a copy onto the blob is under way; wait until it ends or abort it"
        }
        (401, "NoAuthenticationInformation") | (409, "PublicAccessNotPermitted") => {
            "the account does not allow anonymous access; give a credential"
        }
        (409, "LeaseAlreadyPresent") => {
            "there is a lease on the blob already; wait until it ends, or break it"
        }
        (409, "LeaseIsBreakingAndCannotBeAcquired") => {
            "the lease that is on the blob is being broken; wait until it has ended"
        }
        (409, "LeaseIsBreakingAndCannotBeChanged" | "LeaseIsBrokenAndCannotBeRenewed") => {
            "the lease was broken; acquire another one"
        }
        (409, "LeaseIdMismatchWithLeaseOperation" | "LeaseNotPresentWithLeaseOperation") => {
            "the lease has ended, by itself or because it was broken, or it never was on this blob; acquire \
             another one"
        }
        (409, code) if code.starts_with("Lease") => {
            "a lease protects the blob; wait until it ends or break it"
        }
        (412, "LeaseLost") => "the lease has ended, by itself or because it was broken",
        (412, "LeaseNotPresentWithBlobOperation") => "there is no lease on the blob",
        (412, "LeaseIdMismatchWithBlobOperation") => {
            "another lease than the one given protects the blob; wait until it ends or break it"
        }
        (412, "LeaseNotPresentWithContainerOperation") => "there is no lease on the container",
        (412, "LeaseIdMismatchWithContainerOperation") => {
            "another lease than the one given protects the container; wait until it ends or break it"
        }
        (412, "LeaseIdMissing") => "a lease protects the blob; wait until it ends or break it",
        (412, "SourceConditionNotMet") => "the source of the copy does not meet a condition",
        (412, "ConditionNotMet") if asked.if_tags => {
            "the blob does not meet a condition: its tags are others, or somebody else changed it meanwhile"
        }
        (412, _) => "the blob was changed by somebody else meanwhile",
        (304, _) => "the blob does not meet a condition",
        (400, "Md5Mismatch" | "Crc64Mismatch") => {
            "the content arrived damaged; the file may have changed while it was sent"
        }
        (400, "InvalidBlobOrBlock") => {
            "the blob has uncommitted blocks of another program, whose ids have another length; delete \
             or overwrite the blob, or wait a week"
        }
        (400, "InvalidAuthenticationInfo") if asked.proof == Proof::Token => {
            "the service cannot read the credential: the token is malformed, or it is none for Azure; \
             check what the credential returns"
        }
        (401, "InvalidAuthenticationInfo") => {
            "the service did not accept the token; check that it is one for https://storage.azure.com/ and \
             of the account's tenant, or sign in again (az login)"
        }
        (401, _) => {
            "the service did not accept the credential; sign in again (az login) and check tenant and \
             account"
        }
        (403, "AuthorizationPermissionMismatch" | "AuthorizationPermissionDenied") => {
            return Some(asked.advice());
        }
        (403, "AuthorizationFailure" | "AuthorizationSourceIPMismatch") => {
            "the account refuses this network or this kind of credential; check its firewall, private \
             endpoints and whether a credential was given"
        }
        (403, "AuthorizationResourceTypeMismatch" | "AuthorizationServiceMismatch") => {
            "the SAS does not cover this resource; make one for the container's blobs"
        }
        (400 | 403, "AuthenticationFailed" | "InvalidAuthenticationInfo") => {
            "the service did not accept the credential; check the account key or the SAS, whether it has \
             expired, and this machine's clock"
        }
        (403, "OperationNotAllowedOnRootBlob") => {
            "the version is the current one, which is the blob itself; delete that by its path"
        }
        (403, "AccountIsDisabled") => "the storage account is disabled",
        (503, _) | (500, "ServerBusy") => {
            "the service is busy and stayed so; send fewer requests at a time or try later"
        }
        (416, _) => "the range begins beyond the end of the blob",
        _ => return None,
    };
    Some(advice.to_owned())
}

fn first_line(message: &str, secrets: &Secrets) -> Option<String> {
    let line = secrets.shown(message.trim().lines().next()?.trim());
    (!line.is_empty()).then_some(line)
}

/// What the body of an error tells.
#[derive(Default)]
struct Told {
    code: Option<String>,
    message: Option<String>,
    /// Why authentication or authorisation failed.
    detail: Option<String>,
}

impl Told {
    fn parse(body: &[u8]) -> Self {
        let document = String::from_utf8_lossy(body);
        let mut reader = Reader::from_str(&document);
        let mut told = Self::default();
        let mut text = String::new();
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Start(_) => text.clear(),
                Event::Text(piece) => text.push_str(&piece),
                Event::CData(piece) => text.push_str(&piece),
                Event::GeneralRef(reference) => text.extend(resolve(&reference)),
                Event::End(end) => {
                    let text = std::mem::take(&mut text);
                    let place = match end.name().as_ref() {
                        "Code" => &mut told.code,
                        "Message" => &mut told.message,
                        "AuthenticationErrorDetail" | "ExtendedErrorDetail" => &mut told.detail,
                        _ => continue,
                    };
                    place.get_or_insert_with(|| text.trim().to_owned());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        told
    }
}

/// The claims of a `WWW-Authenticate: Bearer ... claims="<base64>"` challenge (continuous access
/// evaluation), decoded.
pub(crate) fn claims(challenge: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let start = challenge.find("claims=\"")? + 8;
    let encoded = challenge[start..].split('"').next()?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{super::blob_ref::BlobRef, *};

    fn deletion(proof: Proof) -> Asked {
        Asked::deletion(&BlobRef::parse("data/x").unwrap(), proof, false)
    }

    fn answer(text: &str, body: &str) -> Error {
        let (head, _) = ResponseHead::parse(text.as_bytes(), false)
            .unwrap()
            .unwrap();
        error(
            &head,
            body.as_bytes(),
            "https://a.example",
            &Secrets::default(),
            deletion(Proof::Key),
        )
    }

    #[test]
    fn code_and_request_id_are_attributes() {
        let error = answer(
            "HTTP/1.1 404 x\r\nx-ms-request-id: id\r\nx-ms-error-code: BlobNotFound\r\n\r\n",
            "",
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(
            (error.status(), error.code(), error.request_id()),
            (Some(404), Some("BlobNotFound"), Some("id"))
        );
    }

    #[test]
    fn the_code_may_be_in_the_body_alone() {
        let error = answer(
            "HTTP/1.1 400 x\r\nx-ms-request-id: id\r\n\r\n",
            "\u{feff}<?xml version=\"1.0\"?><Error><Code>Odd</Code><Message>No.\nTime: x</Message></Error>",
        );
        assert_eq!(error.code(), Some("Odd"));
        assert!(error.to_string().contains("refused the request: No. ("));
    }

    #[test]
    fn the_whole_message_is_shown_but_for_what_is_secret() {
        let error = answer(
            "HTTP/1.1 400 x\r\nx-ms-request-id: id\r\n\r\n",
            "<Error><Message>No &quot;a&quot; &lt; b at x?a=1&amp;sig=s3cret <![CDATA[& c]]></Message>\
             <Detail>d</Detail></Error>",
        );
        let text = error.to_string();
        assert!(text.contains("No \"a\" < b at REDACTED & c ("), "{text}");
    }

    #[test]
    fn another_server_is_recognised() {
        let error = answer(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n",
            "<html>",
        );
        assert!(
            error
                .to_string()
                .contains("does not answer like Azure Blob Storage")
        );
    }

    #[test]
    fn what_is_malformed_is_what_was_sent() {
        let told = |proof| advice(400, Some("InvalidAuthenticationInfo"), deletion(proof));
        assert!(
            told(Proof::Token)
                .unwrap()
                .contains("the token is malformed")
        );
        for proof in [Proof::Key, Proof::Sas] {
            assert!(told(proof).unwrap().contains("account key or the SAS"));
        }
    }

    #[test]
    fn claims_are_decoded() {
        assert_eq!(
            claims("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\""),
            Some("{\"a\":1}".to_owned())
        );
        assert_eq!(claims("Bearer authorization_uri=https://x"), None);
    }
}
