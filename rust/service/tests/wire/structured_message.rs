//! Structured messages over the wire. That they are what Azure's own client reads and writes is
//! tested in Python; here is what that client never sends.

use crate::client::{Client, Response, start};

const FORM: (&str, &str) = ("x-ms-structured-body", "XSM/1.0; properties=crc64");
const VERSION: (&str, &str) = ("x-ms-version", "2025-01-05");
const BLOCK_BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");
/// Of `123456789`.
const CRC64: u64 = 0xAE8B_1486_0A79_9888;

/// The message of one segment whose content is `123456789`.
fn message() -> Vec<u8> {
    let mut message = vec![1];
    message.extend_from_slice(&48_u64.to_le_bytes());
    message.extend_from_slice(&[1, 0, 1, 0, 1, 0]);
    message.extend_from_slice(&9_u64.to_le_bytes());
    message.extend_from_slice(b"123456789");
    message.extend_from_slice(&CRC64.to_le_bytes());
    message.extend_from_slice(&CRC64.to_le_bytes());
    message
}

fn put(client: &mut Client, path: &str, length: &str, body: &[u8]) -> Response {
    let length = ("x-ms-structured-content-length", length);
    client.send("PUT", path, &[BLOCK_BLOB, VERSION, FORM, length], body)
}

#[test]
fn in_and_out() {
    let service = start();
    let mut client = Client::new(&service);
    let answer = put(&mut client, "/data/b", "9", &message());
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header(FORM.0), Some(FORM.1));
    assert_eq!(answer.header("x-ms-content-crc64"), Some("iJh5CoYUi64="));
    assert_eq!(client.get("/data/b").body, b"123456789");

    let got = client.send("GET", "/data/b", &[VERSION, FORM], b"");
    assert_eq!((got.status, &got.body), (200, &message()));
    assert_eq!(got.header(FORM.0), Some(FORM.1));
    assert_eq!(got.header("x-ms-structured-content-length"), Some("9"));
    let part = [VERSION, FORM, ("Range", "bytes=2-4")];
    let got = client.send("GET", "/data/b", &part, b"");
    assert_eq!(got.header("content-range"), Some("bytes 2-4/9"));
    assert_eq!((got.status, &got.body[23..26]), (206, &b"345"[..]));

    let path = "/data/b?comp=block&blockid=AAAA";
    let answer = put(&mut client, path, "9", &message());
    assert_eq!((answer.status, answer.header(FORM.0)), (201, Some(FORM.1)));
}

#[test]
fn older_versions_do_not_know_it() {
    let service = start();
    let mut client = Client::new(&service);
    let length = ("x-ms-structured-content-length", "9");
    let older = ("x-ms-version", "2024-11-04");
    let headers = [BLOCK_BLOB, older, FORM, length];
    let answer = client.send("PUT", "/data/b", &headers, &message());
    assert_eq!((answer.status, answer.header(FORM.0)), (201, None));
    let got = client.send("GET", "/data/b", &[older, FORM], b"");
    assert_eq!((&got.body, got.header(FORM.0)), (&message(), None));
}

#[test]
fn damage_is_found() {
    let service = start();
    let mut client = Client::new(&service);
    for (at, code) in [
        (0, "InvalidInput"),   // version
        (1, "InvalidInput"),   // length of the message
        (9, "InvalidInput"),   // flags
        (11, "InvalidInput"),  // number of segments
        (13, "InvalidInput"),  // number of the segment
        (15, "InvalidInput"),  // its length
        (25, "Crc64Mismatch"), // content
        (35, "Crc64Mismatch"), // CRC64 of the segment
        (47, "Crc64Mismatch"), // CRC64 of the message
    ] {
        let mut damaged = message();
        damaged[at] ^= 2;
        for path in ["/data/b", "/data/b?comp=block&blockid=AAAA"] {
            let answer = put(&mut client, path, "9", &damaged);
            assert_eq!(answer.error(), (400, code), "{at} {path}");
        }
    }
    let mut longer = message();
    longer.push(0);
    for (length, body) in [
        ("8", message()),
        ("10", message()),
        ("99", message()),
        ("9", message()[..47].to_vec()),
        ("9", longer),
        ("0", Vec::new()),
    ] {
        let answer = put(&mut client, "/data/b", length, &body);
        assert_eq!(answer.error(), (400, "InvalidInput"), "{length}");
    }
    let mismatch = put(&mut client, "/data/b", "9", &{
        let mut damaged = message();
        damaged[32] ^= 1;
        damaged
    });
    assert!(
        mismatch
            .text()
            .contains("<ServerCalculatedCrc>iJh5CoYUi64=<")
    );
    let answer = put(&mut client, "/data/b", "", &message());
    assert_eq!(answer.error(), (400, "MissingRequiredHeader"));
    let other = [BLOCK_BLOB, VERSION, (FORM.0, "XSM/2.0")];
    let answer = client.send("PUT", "/data/b", &other, &message());
    assert_eq!(answer.error(), (400, "InvalidHeaderValue"));
    assert_eq!(client.get("/data/b").status, 404);
}
