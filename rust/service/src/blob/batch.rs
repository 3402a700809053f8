//! Blob Batch: many deletions, or changes of tier, in one request.

use memchr::memmem;

use super::call::{Call, Route};
use super::operation::Operation;
use super::{delete, tier};
use crate::errors::{self, Failure, ServiceError};
use crate::faults::Action;
use crate::http::{Answer, Framing, Payload, Request, RequestBody};
use crate::random::random_hex;

const MOST_PARTS: usize = 256;
const LARGEST_BODY: usize = 4 << 20;

/// One part of the multipart body.
#[derive(Debug, PartialEq, Eq)]
struct Part<'b> {
    content_id: Option<&'b str>,
    /// The head of a request within.
    head: Vec<u8>,
}

/// Blob Batch. Each part is authorised, done and answered by itself.
pub(super) fn submit(call: &Call<'_>, body: &mut RequestBody<'_>) -> Result<Answer, Failure> {
    let content_type = call.request.header("content-type").unwrap_or_default();
    let boundary = boundary(content_type).ok_or(errors::INVALID_HEADER_VALUE)?;
    let body = body
        .read_all(LARGEST_BODY)?
        .ok_or(errors::REQUEST_BODY_TOO_LARGE)?;
    let parts = parse(&body, boundary).ok_or(errors::INVALID_INPUT)?;
    if parts.len() > MOST_PARTS {
        return Err(errors::EXCEEDS_MAX_BATCH_REQUEST_COUNT.into());
    }
    let boundary = format!("batchresponse_{}", random_hex::<16>()?);
    let mut all = Vec::new();
    for part in parts {
        let request_id = call.context.next_request_id();
        let mut answer = match answer_part(call, &part.head) {
            Ok(answer) => answer,
            Err(Failure::Service(error)) => error.to_answer("", &request_id),
            Err(error @ Failure::Connection(_)) => return Err(error),
        };
        answer.header("x-ms-request-id", &request_id);
        answer.optional_header("x-ms-version", call.request.header("x-ms-version"));
        all.extend_from_slice(
            format!("--{boundary}\r\nContent-Type: application/http\r\n").as_bytes(),
        );
        if let Some(id) = part.content_id {
            all.extend_from_slice(format!("Content-ID: {id}\r\n").as_bytes());
        }
        all.extend_from_slice(b"\r\n");
        all.extend_from_slice(&answer.to_part());
    }
    all.extend_from_slice(format!("--{boundary}--").as_bytes());
    let mut answer = Answer::new(202);
    answer.header(
        "Content-Type",
        &format!("multipart/mixed; boundary={boundary}"),
    );
    answer.payload = Payload::Bytes(all);
    answer.framing = Framing::Chunked;
    Ok(answer)
}

fn answer_part(batch: &Call<'_>, head: &[u8]) -> Result<Answer, Failure> {
    let request = Request::parse(head).ok_or(errors::INVALID_INPUT)?;
    // A part names no host: it goes where the batch went.
    let host = request
        .header("host")
        .or(batch.request.header("host"))
        .unwrap_or_default();
    let route = Route::of(&request, host);
    let faults = &batch.context.faults;
    if let Some(Action::Status {
        status,
        code,
        headers,
    }) = faults.strike(route.operation.name(), request.method, request.target)
    {
        return Err(ServiceError::scripted(status, &code, &headers).into());
    }
    let call = Call::authorised(batch.context, &request, &route)?;
    if batch
        .target
        .container
        .as_ref()
        .is_some_and(|container| **container != *call.container_name())
    {
        return Err(errors::INVALID_INPUT.into());
    }
    match route.operation {
        Operation::DeleteBlob => delete::delete(&call),
        Operation::SetBlobTier => tier::set(&call),
        _ => Err(errors::INVALID_INPUT.into()),
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/mixed")?;
    let boundary = rest
        .split(';')
        .find_map(|part| part.trim().strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// Takes the body apart. None if it is not of the form, or empty.
fn parse<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<Part<'b>>> {
    let delimiter = format!("--{boundary}");
    let starts: Vec<usize> = memmem::find_iter(body, delimiter.as_bytes()).collect();
    let mut parts = Vec::new();
    for pair in starts.windows(2) {
        let part = body[pair[0] + delimiter.len()..pair[1]].trim_ascii_start();
        let end = memmem::find(part, b"\r\n\r\n")?;
        let headers = std::str::from_utf8(&part[..end]).ok()?;
        let content_id = headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-id")
                .then_some(value.trim())
        });
        let mut head = part[end..].trim_ascii().to_vec();
        head.extend_from_slice(b"\r\n\r\n");
        parts.push(Part { content_id, head });
    }
    let last = body.get(starts.last()? + delimiter.len()..)?;
    (last.starts_with(b"--") && !parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_bodies_apart() {
        let body = b"--b_1\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nDELETE /c/x HTTP/1.1\r\n\
            Content-Length: 0\r\n\r\n\r\n--b_1\r\nContent-Type: application/http\r\n\r\nDELETE /c/y HTTP/1.1\r\n\r\n--b_1--\r\n";
        let parts = parse(body, "b_1").expect("parts");
        assert_eq!(parts[0].content_id, Some("0"));
        assert_eq!(
            parts[0].head,
            b"DELETE /c/x HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(
            parts[1],
            Part {
                content_id: None,
                head: b"DELETE /c/y HTTP/1.1\r\n\r\n".to_vec()
            }
        );
        assert_eq!(parse(b"--b_1--", "b_1"), None);
        assert_eq!(parse(b"nothing", "b_1"), None);
    }

    #[test]
    fn boundaries() {
        assert_eq!(
            boundary("multipart/mixed; boundary=batch_1"),
            Some("batch_1")
        );
        assert_eq!(boundary("multipart/mixed; boundary=\"b\""), Some("b"));
        assert_eq!(boundary("text/plain; boundary=b"), None);
    }
}
