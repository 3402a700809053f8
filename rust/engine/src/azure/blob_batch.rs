//! Blob Batch, of deletes: <https://learn.microsoft.com/rest/api/storageservices/blob-batch>
//!
//! multipart/mixed of whole requests, each authorised for itself.

use std::fmt::Write as _;

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    delete_blob::DeleteBlob,
    error_response,
    known_versions::require_versions,
    redaction::Secrets,
    right::{Asked, Proof},
    session::{Operation, Session},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::{Body, Request, ResponseHead, number},
    random,
};

/// Deletes blobs of one container, each on conditions of its own.
#[derive(Debug)]
pub(crate) struct BatchDelete<'a>(pub(crate) &'a [(&'a BlobRef, &'a DeleteBlob)]);

/// Status and error of each part, in the order of the blobs; None where the answer has none.
pub(crate) type BatchAnswer = Vec<Option<(u16, Error)>>;

struct Call {
    path: String,
    content_type: String,
    body: String,
}

impl Operation for Call {
    fn expected(&self) -> &[u16] {
        &[202]
    }

    fn is_answered_by_body(&self) -> bool {
        true
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        Request::new("POST", &*self.path)
            .query("restype", "container")
            .query("comp", "batch")
            .header("content-type", self.content_type.as_str())
            .body(Body::Bytes(self.body.as_bytes()))
    }
}

impl BatchDelete<'_> {
    pub(crate) fn run(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
    ) -> Result<BatchAnswer> {
        let boundary = format!("batch_{:016x}{:016x}", random::unique(), random::unique());
        for (blob, _) in self.0 {
            require_versions(session, blob)?;
        }
        let account = session.account;
        let (body, signatures) = self.body(session, &boundary)?;
        let mut call = Call {
            path: format!(
                "{}/{}",
                account.endpoint.base_path(),
                self.0[0].0.container()
            ),
            content_type: format!("multipart/mixed; boundary={boundary}"),
            // Signed once for all attempts, which end long before a signature is too old (15 minutes).
            body,
        };
        let (head, body) = session.call(attempts, &mut call)?;
        let mut signatures = signatures.iter().map(String::as_str).peekable();
        let credential = account.credential();
        let has_sas = credential.query().is_some();
        let proof = Proof::new(has_sas, signatures.peek().copied());
        let asked: Vec<_> = self
            .0
            .iter()
            .map(|(blob, delete)| Asked::deletion(blob, proof, delete.conditions.if_tags.is_some()))
            .collect();
        let secrets = Secrets::new(&credential, signatures);
        parse(&head, &body, &asked, &secrets)
    }

    /// The parts, and the values of their Authorization headers.
    fn body(&self, session: &Session, boundary: &str) -> Result<(String, Vec<String>)> {
        let account = session.account;
        let mut signatures = Vec::new();
        let credential = account.credential();
        let mut body = String::new();
        let mut head = String::new();
        for (index, (blob, delete)) in self.0.iter().enumerate() {
            let address = account.endpoint.address_of(blob);
            let mut request = delete.request(&address);
            if !credential.authorize(&mut request, session.token_fetches)? {
                return Err(Error::token_needed());
            }
            let authorization = request
                .headers
                .iter()
                .rev()
                .find(|(name, _)| name == "authorization");
            signatures.extend(authorization.map(|(_, value)| value.to_string()));
            request.write_head(&mut head, "", &account.authority, credential.query())?;
            let _ = write!(
                body,
                "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
                 Content-ID: {index}\r\n\r\n{head}"
            );
        }
        let _ = write!(body, "--{boundary}--\r\n");
        Ok((body, signatures))
    }
}

fn parse(
    head: &ResponseHead,
    body: &[u8],
    asked: &[Asked],
    secrets: &Secrets,
) -> Result<BatchAnswer> {
    let malformed = || {
        Error::new(
            ErrorKind::Service,
            "the answer to a batch is not what the protocol says; some blobs may have been deleted",
        )
    };
    let boundary = head
        .get("content-type")
        .and_then(|value| value.split("boundary=").nth(1))
        .map(|value| value.split(';').next().unwrap_or(value).trim_matches('"'))
        .ok_or_else(malformed)?;
    let of_all = asked.first().ok_or_else(malformed)?;
    let text = String::from_utf8_lossy(body);
    let mut parts: BatchAnswer = asked.iter().map(|_| None).collect();
    let delimiter = format!("--{boundary}");
    for section in text.split(delimiter.as_str()).skip(1) {
        let Some(start) = section.find("HTTP/1.1") else {
            continue;
        };
        let index = section[..start].lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-id")
                .then(|| usize::try_from(number(value.trim())?).ok())?
        });
        // Without Content-ID the answer is about the whole batch.
        let (head, length) = ResponseHead::parse(&section.as_bytes()[start..], false)
            .ok()
            .flatten()
            .ok_or_else(malformed)?;
        let asked = index.and_then(|index| asked.get(index));
        let error = error_response::error(
            &head,
            &section.as_bytes()[start + length..],
            "the service",
            secrets,
            *asked.unwrap_or(of_all),
        );
        match index.and_then(|index| parts.get_mut(index)) {
            Some(part) if part.is_none() => *part = Some((head.status, error)),
            Some(_) => return Err(malformed()),
            None => return Err(error),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked::deletion(&BlobRef::parse("data/x").unwrap(), Proof::Key, false)
    }

    fn head() -> ResponseHead {
        let head = b"HTTP/1.1 202 Accepted\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
        ResponseHead::parse(head, false).unwrap().unwrap().0
    }

    #[test]
    fn answers_are_matched_by_content_id() {
        let body = "--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 404 x\r\n\
                    x-ms-error-code: BlobNotFound\r\nx-ms-request-id: r\r\n\r\n\r\n--b\r\n\
                    Content-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-request-id: q\r\n\r\n--b--\r\n";
        let parts = parse(&head(), body.as_bytes(), &[asked(); 3], &Secrets::default()).unwrap();
        assert_eq!(parts[0].as_ref().unwrap().0, 202);
        let (status, error) = parts[1].as_ref().unwrap();
        assert_eq!((*status, error.kind()), (404, ErrorKind::NotFound));
        assert!(parts[2].is_none());
    }

    #[test]
    fn two_answers_to_one_part_are_none() {
        let part = "--b\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 x\r\nx-ms-request-id: q\r\n\r\n";
        assert!(
            parse(
                &head(),
                format!("{part}{part}--b--").as_bytes(),
                &[asked()],
                &Secrets::default(),
            )
            .is_err()
        );
    }
}
