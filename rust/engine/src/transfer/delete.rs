//! Deleting blobs: one by itself, several in a blob batch.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/blob-batch>: multipart/mixed of whole requests,
//! each authorised for itself.

use std::fmt::Write as _;

use super::item::{Item, Moved};
use crate::{
    answer,
    error::{Error, ErrorKind, Result},
    http::{Body, Request, ResponseHead},
    limits::MAX_BATCH_DELETES,
    path::BlobPath,
    random,
    retry::{self, Decision},
    scheduler::{Work, Worker},
    session::Session,
};

/// The work of deleting these blobs.
pub(crate) fn works(items: Vec<Item>) -> Vec<Box<dyn Work>> {
    let mut works: Vec<Box<dyn Work>> = Vec::new();
    let mut group: Vec<Item> = Vec::new();
    for item in items {
        let full = group.len() == MAX_BATCH_DELETES
            || group
                .first()
                .is_some_and(|first| first.blob.container() != item.blob.container());
        if full {
            works.push(Box::new(Delete(std::mem::take(&mut group))));
        }
        group.push(item);
    }
    if !group.is_empty() {
        works.push(Box::new(Delete(group)));
    }
    works
}

/// Blobs of one container.
struct Delete(Vec<Item>);

impl Work for Delete {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let items = self.0;
        let (single, together) = if items.len() == 1 {
            (items, Vec::new())
        } else {
            delete_batch(items, worker)
        };
        for (item, result) in together {
            item.finish(result.map(|()| Moved::default()));
        }
        for item in single {
            let (mut session, _) = item.session(worker);
            let result = delete_blob(&mut session, &item.blob);
            item.finish(result.map(|()| Moved::default()));
        }
        0
    }
}

/// Deletes one blob.
pub(crate) fn delete_blob(session: &mut Session, blob: &BlobPath) -> Result<()> {
    let path = session.account.endpoint.path_of(blob);
    match session.call(|| Request::new("DELETE", path.clone())) {
        Ok(_) => Ok(()),
        // An earlier attempt did it.
        Err(error) if session.maybe_done && error.code() == Some("BlobNotFound") => Ok(()),
        Err(error) => Err(error),
    }
}

/// Items that have their result, and those that are to be tried again one by one.
type Divided = (Vec<Item>, Vec<(Item, Result<()>)>);

fn delete_batch(items: Vec<Item>, worker: &mut Worker) -> Divided {
    let first = &items[0];
    let (mut session, _) = first.session(worker);
    let boundary = format!("batch_{:016x}{:016x}", random::unique(), random::unique());
    let answer = send(&mut session, &items, &boundary);
    let maybe_done = session.maybe_done;
    let parts = answer.and_then(|(head, body)| parse(&head, &body, items.len()));
    let mut again = Vec::new();
    let mut done = Vec::new();
    match parts {
        // Azurite fails at a batch that a SAS authorises, and does the same deletions one by one.
        Err(error) if error.status() == Some(500) && error.code().is_none() => again = items,
        Err(error) => done.extend(items.into_iter().map(|item| (item, Err(error.clone())))),
        Ok(parts) => {
            for (item, part) in items.into_iter().zip(parts) {
                match part {
                    Some((202, _)) => done.push((item, Ok(()))),
                    Some((404, error)) if maybe_done && error.code() == Some("BlobNotFound") => {
                        done.push((item, Ok(())));
                    }
                    Some((status, error))
                        if retry::decide(status, error.code()) == Decision::Fail =>
                    {
                        done.push((item, Err(error)));
                    }
                    _ => again.push(item),
                }
            }
        }
    }
    (again, done)
}

fn send(session: &mut Session, items: &[Item], boundary: &str) -> Result<(ResponseHead, Vec<u8>)> {
    let account = session.account;
    let content_type = format!("multipart/mixed; boundary={boundary}");
    let path = format!(
        "{}/{}",
        account.endpoint.base_path(),
        items[0].blob.container()
    );
    // Signed once for all attempts, which end long before a signature is too old (15 minutes).
    let mut body = String::new();
    for (index, item) in items.iter().enumerate() {
        let mut request = Request::new("DELETE", item.url_path());
        account
            .credential
            .authorize(&mut request, &session.cancellation)?;
        let _ = write!(
            body,
            "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {index}\r\n\r\nDELETE {} HTTP/1.1\r\n",
            request.target(account.credential.query())
        );
        for (name, value) in &request.headers {
            let _ = write!(body, "{name}: {value}\r\n");
        }
        body.push_str("content-length: 0\r\n\r\n");
    }
    let _ = write!(body, "--{boundary}--\r\n");
    session.call(|| {
        Request::new("POST", path.clone())
            .query("restype", "container")
            .query("comp", "batch")
            .header("content-type", content_type.clone())
            .body(Body::Bytes(body.as_bytes()))
    })
}

/// Status and error of each sub-request, by its Content-ID.
type Parts = Vec<Option<(u16, Error)>>;

fn parse(head: &ResponseHead, body: &[u8], count: usize) -> Result<Parts> {
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
    let text = String::from_utf8_lossy(body);
    let mut parts: Parts = (0..count).map(|_| None).collect();
    let delimiter = format!("--{boundary}");
    for section in text.split(delimiter.as_str()).skip(1) {
        let Some(start) = section.find("HTTP/1.1") else {
            continue;
        };
        let index = section[..start].lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-id")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        // Without Content-ID the answer is about the whole batch.
        let (head, length) = ResponseHead::parse(&section.as_bytes()[start..], false)
            .ok()
            .flatten()
            .ok_or_else(malformed)?;
        let error = answer::error(&head, &section.as_bytes()[start + length..], "the service");
        match index.and_then(|index| parts.get_mut(index)) {
            Some(part) => *part = Some((head.status, error)),
            None => return Err(error),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_matched_by_content_id() {
        let (head, _) = ResponseHead::parse(
            b"HTTP/1.1 202 Accepted\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
            false,
        )
        .unwrap()
        .unwrap();
        let body = "--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 404 x\r\n\
                    x-ms-error-code: BlobNotFound\r\nx-ms-request-id: r\r\n\r\n\r\n--b\r\n\
                    Content-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-request-id: q\r\n\r\n--b--\r\n";
        let parts = parse(&head, body.as_bytes(), 3).unwrap();
        assert_eq!(parts[0].as_ref().unwrap().0, 202);
        let (status, error) = parts[1].as_ref().unwrap();
        assert_eq!((*status, error.kind()), (404, ErrorKind::NotFound));
        assert!(parts[2].is_none());
    }
}
