//! What an answer that is not a success means, in words that say what to do.

use quick_xml::{Reader, events::Event};

use super::{list_page::resolve, redaction::Secrets};
use crate::{
    error::{Error, ErrorKind},
    http::ResponseHead,
};

/// Whether an answer comes from the blob service at all, and not from something else at that address.
pub(crate) fn is_from_service(head: &ResponseHead) -> bool {
    head.request_id().is_some() || head.get("x-ms-version").is_some()
}

/// The error for an answer whose body was read, which repeats none of the secrets.
pub(crate) fn error(head: &ResponseHead, body: &[u8], endpoint: &str, secrets: &Secrets) -> Error {
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
    let (body_code, body_message) = parse(body);
    let identifier = |text| secrets.identifier(text);
    let code = head.error_code().or(body_code.as_deref()).map(identifier);
    let code = code.as_deref();
    let request_id = head.request_id().map(identifier);
    let (kind, advice) = explain(head.status, code);
    let message = match advice {
        Some(advice) => advice.to_owned(),
        None => match body_message
            .as_deref()
            .and_then(|text| first_line(text, secrets))
        {
            Some(text) => format!("the service refused the request: {text}"),
            None => "the service refused the request".to_owned(),
        },
    };
    Error::new(kind, message).with_answer(head.status, code, request_id.as_deref())
}

/// Kind and advice for a status and error code; the service's own words where there is no advice.
pub(crate) fn explain(status: u16, code: Option<&str>) -> (ErrorKind, Option<&'static str>) {
    use ErrorKind::{AlreadyExists, Authentication, Integrity, Modified, NotFound, Service};
    let (kind, advice) = match (status, code.unwrap_or_default()) {
        (404, "ContainerNotFound") | (409, "ContainerBeingDeleted") => (
            NotFound,
            "the container does not exist; check its name or create it (az storage container create)",
        ),
        (404, "BlobNotFound" | "") => (NotFound, "the blob does not exist"),
        (404, _) => return (NotFound, None),
        (409, "BlobAlreadyExists") => (
            AlreadyExists,
            "the blob exists already; allow overwriting to replace it",
        ),
        (409, "BlobArchived") => (
            Service,
            "the blob is in the archive tier; rehydrate it to hot or cool before it is read",
        ),
        (409, "BlobImmutableDueToPolicy") => (
            Service,
            "an immutability policy protects the blob; write to another name",
        ),
        (409, "InvalidBlobType") => (
            Service,
            "the blob is not a block blob; delete it first or write to another name",
        ),
        (409, "SnapshotsPresent") => (
            Service,
            "the blob has snapshots; delete them before the blob",
        ),
        (412, "LeaseIdMissing" | "LeaseIdMismatchWithBlobOperation")
        | (409, "LeaseIdMissing" | "LeaseAlreadyPresent") => (
            Modified,
            "a lease protects the blob; wait until it ends or break it",
        ),
        (412, _) => (Modified, "the blob was changed by somebody else meanwhile"),
        (400, "Md5Mismatch" | "Crc64Mismatch") => (
            Integrity,
            "the content arrived damaged; the file may have changed while it was sent",
        ),
        (400, "InvalidBlobOrBlock") => (
            Service,
            "the blob has uncommitted blocks of another program, whose ids have another length; delete \
             or overwrite the blob, or wait a week",
        ),
        (401, _) => (
            Authentication,
            "the service did not accept the credential; sign in again (az login) and check tenant and \
             account",
        ),
        (403, "AuthorizationPermissionMismatch" | "AuthorizationPermissionDenied") => (
            Authentication,
            "the identity lacks a role; assign 'Storage Blob Data Contributor' (to read only: 'Storage \
             Blob Data Reader') on the account or container, and allow some minutes for it",
        ),
        (403, "AuthorizationFailure" | "AuthorizationSourceIPMismatch") => (
            Authentication,
            "the account refuses this network or this kind of credential; check its firewall, private \
             endpoints and whether a credential was given",
        ),
        (403, "AuthorizationResourceTypeMismatch" | "AuthorizationServiceMismatch") => (
            Authentication,
            "the SAS does not cover this resource; make one for the container's blobs",
        ),
        (403, "AuthenticationFailed") | (400 | 403, "InvalidAuthenticationInfo") => (
            Authentication,
            "the service did not accept the credential; check the account key or the SAS, whether it has \
             expired, and this machine's clock",
        ),
        (403, "AccountIsDisabled") => (Authentication, "the storage account is disabled"),
        (403 | 407, _) => return (Authentication, None),
        (409, "PublicAccessNotPermitted") => (
            Authentication,
            "the account does not allow anonymous access; give a credential",
        ),
        (503, _) | (500, "ServerBusy") => (
            Service,
            "the service is busy and stayed so; send fewer requests at a time or try later",
        ),
        (416, _) => (Service, "the range begins beyond the end of the blob"),
        _ => return (Service, None),
    };
    (kind, Some(advice))
}

fn first_line(message: &str, secrets: &Secrets) -> Option<String> {
    let line = secrets.shown(message.lines().next()?.trim());
    (!line.is_empty()).then_some(line)
}

/// Code and message of `<Error><Code>..</Code><Message>..</Message></Error>`.
fn parse(body: &[u8]) -> (Option<String>, Option<String>) {
    let document = String::from_utf8_lossy(body);
    let mut reader = Reader::from_str(&document);
    let (mut code, mut message) = (None, None);
    let mut text = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(_) => text.clear(),
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => text.extend(resolve(&reference)),
            Event::End(end) => {
                let text = std::mem::take(&mut text).trim().to_owned();
                match end.name().as_ref() {
                    "Code" => code = Some(text),
                    "Message" => message = Some(text),
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    (code, message)
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
    use super::*;

    fn answer(text: &str, body: &str) -> Error {
        let (head, _) = ResponseHead::parse(text.as_bytes(), false)
            .unwrap()
            .unwrap();
        error(
            &head,
            body.as_bytes(),
            "https://a.example",
            &Secrets::default(),
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
    fn claims_are_decoded() {
        assert_eq!(
            claims("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\""),
            Some("{\"a\":1}".to_owned())
        );
        assert_eq!(claims("Bearer authorization_uri=https://x"), None);
    }
}
