//! What is verified on the way down, and what is done where that fails or cannot be had.
#![allow(clippy::unwrap_used, reason = "a server that fails fails the test")]

mod support;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use fastblob_engine::{
    Checksum, Conditions, ErrorKind, Job, MemorySource, Source, WriteOptions, checksum::crc64,
    limits::PART_SIZE,
};
use fastblob_service::Action;
use md5::{Digest, Md5};
use support::{
    Expected, Folder, Rig, answering::Answering, blob, content, download, read, run_with,
};

const PART: usize = PART_SIZE as usize;
const SEGMENT: usize = 4 << 20;
const VERIFYING: [Checksum; 3] = [Checksum::Auto, Checksum::Md5, Checksum::Crc64];

fn rig(checksum: impl Into<Option<Checksum>>) -> Rig {
    let checksum = checksum.into();
    Rig::with(|config| config.checksum = checksum)
}

#[test]
fn damage_is_read_once_more() {
    for checksum in VERIFYING {
        let rig = rig(checksum);
        let folder = Folder::new();
        let bytes = content(2 * PART + 100);
        rig.write("a", &bytes);
        // Of the frame: version, number of a segment; then content, and a checksum; of the first and of a
        // later range.
        for (after, at) in [(0, 0), (0, 13), (0, 50), (0, SEGMENT + 23), (1, 5), (2, 60)] {
            rig.fault_after("GetBlob", after, 1, Action::Corrupt { at: at as u64 });
            let outcome = rig.read("a", 0, None);
            assert_eq!(
                outcome.downloaded().crc64,
                crc64(0, &bytes),
                "{checksum:?} {at}"
            );
            assert_eq!((outcome.requests, outcome.retries), (4, 1));
            rig.fault_after("GetBlob", after, 1, Action::Corrupt { at: at as u64 });
            rig.run(download("a", folder.join("a"))).downloaded();
            assert!(fs::read(folder.join("a")).unwrap() == bytes);
        }
    }
}

#[test]
fn damage_that_stays_is_an_error() {
    for checksum in VERIFYING {
        for (at, size, range) in [(0, 100, 0), (50, 100, 0), (50, PART + 100, 1)] {
            let rig = rig(checksum);
            let folder = Folder::new();
            rig.write("a", &content(size));
            rig.fault_after("GetBlob", range, 0, Action::Corrupt { at });
            let outcome = rig.run(download("a", folder.join("a")));
            let error = outcome.error();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{checksum:?} {at}");
            assert!(error.to_string().contains("CRC64"), "{error}");
            assert_eq!((outcome.requests, outcome.retries), (range + 2, 1));
            assert!(folder.names().is_empty());
        }
    }
}

#[test]
fn damage_is_not_looked_for_where_nothing_is_asked() {
    let rig = rig(None);
    let bytes = content(PART + 100);
    rig.write("a", &bytes);
    rig.fault("GetBlob", 1, Action::Corrupt { at: 50 });
    let outcome = rig.read("a", 0, None);
    assert_ne!(outcome.downloaded().crc64, crc64(0, &bytes));
    assert_eq!(outcome.requests, 2);
}

#[test]
fn a_break_goes_on_behind_what_is_vouched_for() {
    let bytes = content(PART);
    let break_at = SEGMENT as u64 + 1_000;
    for (checksum, at) in [
        (Some(Checksum::Auto), SEGMENT),
        (Some(Checksum::Md5), SEGMENT),
        (Some(Checksum::Crc64), SEGMENT),
        (None, SEGMENT + 1_000),
    ] {
        let rig = rig(checksum);
        let folder = Folder::new();
        let write = Job::upload(
            Source::Memory(MemorySource::owned(bytes.clone())),
            blob("a"),
            Arc::new(WriteOptions {
                content_md5: true,
                ..WriteOptions::default()
            }),
        );
        rig.run(write).uploaded();
        for job in [read("a", 0, None), download("a", folder.join("a"))] {
            rig.service.clear_requests();
            let after_bytes = break_at;
            rig.fault("GetBlob", 1, Action::Truncate { after_bytes });
            let outcome = rig.run(job);
            assert_eq!(outcome.downloaded().crc64, crc64(0, &bytes), "{checksum:?}");
            let asked = rig.service.requests().pop().unwrap().range.unwrap();
            assert_eq!(asked, format!("bytes={at}-{}", PART - 1));
        }
        assert!(fs::read(folder.join("a")).unwrap() == bytes);
    }
}

#[test]
fn answers_that_always_break_off_are_asked_for_in_smaller_pieces() {
    let rig = Rig::with(|config| config.max_retries = 2);
    let bytes = content(60_000);
    rig.write("a", &bytes);
    rig.fault("GetBlob", 0, Action::Truncate { after_bytes: 9_000 });
    let outcome = rig.read("a", 0, None);
    assert_eq!(outcome.downloaded().crc64, crc64(0, &bytes));
    rig.service.clear_faults();
    // Nothing comes of it where next to nothing arrives.
    rig.fault("GetBlob", 0, Action::Truncate { after_bytes: 100 });
    assert_eq!(rig.read("a", 0, None).error().kind(), ErrorKind::Network);
}

#[test]
fn a_stored_md5_is_verified_where_that_is_asked() {
    let folder = Folder::new();
    for (checksum, size, verified) in [
        (Some(Checksum::Auto), 100, false),
        (Some(Checksum::Auto), 3 * PART, false),
        (Some(Checksum::Md5), PART, true),
        (Some(Checksum::Md5), 5 * PART + 3, true),
        (Some(Checksum::Crc64), 100, false),
        (None, 100, false),
    ] {
        let rig = rig(checksum);
        let path = folder.file("source", &content(size));
        let with_md5 = Arc::new(WriteOptions {
            content_md5: true,
            ..WriteOptions::default()
        });
        rig.run(Job::upload(Source::File(path), blob("a"), with_md5))
            .uploaded();
        let jobs = || [read("a", 0, None), download("a", folder.join("a"))];
        for job in jobs() {
            rig.run(job).downloaded();
        }
        let other = "CY9rzUYh03PK3k6DJie09g=="; // of `test`
        let header = ("x-ms-blob-content-md5".to_owned(), other.to_owned());
        rig.fault("GetBlob", 0, Action::ReplaceHeaders(vec![header]));
        for job in jobs() {
            let outcome = rig.run(job);
            if verified {
                let error = outcome.error();
                assert_eq!(error.kind(), ErrorKind::Integrity);
                assert!(error.to_string().contains("MD5"), "{error}");
            } else {
                outcome.downloaded();
            }
        }
        // Of a part of the blob nobody knows the MD5.
        rig.read("a", 1, None).downloaded();
    }
    assert_eq!(folder.names(), ["a", "source"]);
}

#[test]
fn a_digest_is_stored_where_that_is_asked() {
    let rig = rig(Checksum::Md5);
    let folder = Folder::new();
    for size in [0, 100, PART, 5 * PART + 3] {
        let bytes = content(size);
        let file = Source::File(folder.file("source", &bytes));
        let memory = Source::Memory(MemorySource::owned(bytes.clone()));
        for source in [file, memory] {
            let with_md5 = Arc::new(WriteOptions {
                content_md5: true,
                overwrite: true,
                ..WriteOptions::default()
            });
            rig.run(Job::upload(source, blob("a"), with_md5)).uploaded();
            let found = rig.properties(blob("a"));
            let stored = found.properties().content_md5.as_deref();
            assert_eq!(stored, Some(Md5::digest(&bytes).as_slice()), "{size}");
            rig.read("a", 0, None).downloaded();
        }
    }
}

#[test]
fn a_digest_of_what_cannot_be_sent_ends_with_it() {
    let rig = Rig::with(|config| config.max_retries = 0);
    let folder = Folder::new();
    let path = folder.file("source", &content(6 * PART));
    let with_md5 = Arc::new(WriteOptions {
        content_md5: true,
        ..WriteOptions::default()
    });
    let refused = Action::Status {
        status: 403,
        code: "AuthorizationFailure".to_owned(),
        headers: Vec::new(),
    };
    rig.fault_after("PutBlock", 1, 1, refused);
    let outcome = rig.run(Job::upload(Source::File(path), blob("a"), with_md5));
    assert_eq!(outcome.error().kind(), ErrorKind::Authentication);
}

type Answer = fn(&str) -> String;

const CONTENT: &[u8] = b"123456789";

fn read_from(server: &Answering, checksum: Checksum) -> fastblob_engine::Client {
    server.client(|config| config.checksum = Some(checksum))
}

/// An answer with this content, plain.
fn plain(head: &str) -> String {
    let crc64 = if head.contains("x-ms-range-get-content-crc64: true") {
        "x-ms-content-crc64: iJh5CoYUi64=\r\n"
    } else {
        ""
    };
    format!("206 x\r\ncontent-range: bytes 0-8/9\r\n{crc64}content-length: 9\r\n\r\n123456789")
}

const REFUSED: &str = "400 x\r\nx-ms-error-code: InvalidHeaderValue\r\ncontent-length: 0\r\n\r\n";
const UNEXPLAINED: &str = "400 x\r\nx-ms-error-code: InvalidInput\r\ncontent-length: 0\r\n\r\n";
const NOT_SUPPORTED: &str =
    "500 x\r\nx-ms-error-code: FeatureNotSupported\r\ncontent-length: 0\r\n\r\n";

#[test]
fn what_knows_no_structured_messages_costs_a_request_once() {
    let refuses = |head: &str| {
        if head.contains("x-ms-structured-body: XSM/1.0; properties=crc64") {
            REFUSED.to_owned()
        } else {
            plain(head)
        }
    };
    let refuses_both = |head: &str| {
        if head.contains("x-ms-structured-body") {
            REFUSED.to_owned()
        } else if head.contains("x-ms-range-get-content-crc64") {
            NOT_SUPPORTED.to_owned()
        } else {
            plain(head)
        }
    };
    let refuses_without_saying_why = |head: &str| {
        if head.contains("x-ms-structured-body") {
            UNEXPLAINED.to_owned()
        } else {
            plain(head)
        }
    };
    for (answer, checksum, requests) in [
        (refuses as Answer, Checksum::Auto, [2, 1, 1, 1]),
        (refuses, Checksum::Crc64, [2, 1, 1, 1]),
        (refuses_both, Checksum::Crc64, [3, 1, 1, 1]),
        // The header is ignored: nothing is lost, unless a CRC64 has to be had.
        (plain, Checksum::Auto, [1, 1, 1, 1]),
        (plain, Checksum::Md5, [1, 1, 1, 1]),
        (plain, Checksum::Crc64, [2, 2, 2, 1]),
        (refuses_without_saying_why, Checksum::Auto, [2, 2, 2, 1]),
    ] {
        let server = Answering::new(answer);
        let client = read_from(&server, checksum);
        for expected in requests {
            let outcome = run_with(&client, read("a", 0, None));
            assert_eq!(outcome.downloaded().crc64, crc64(0, CONTENT));
            assert_eq!(
                (outcome.requests, outcome.retries),
                (expected, 0),
                "{checksum:?}"
            );
        }
    }
}

#[test]
fn a_crc64_of_a_range_is_verified_where_there_are_no_messages() {
    let server = Answering::new(|head| plain(head).replace("iJh5", "iJh6"));
    let client = read_from(&server, Checksum::Crc64);
    let outcome = run_with(&client, read("a", 0, None));
    assert_eq!(outcome.error().kind(), ErrorKind::Integrity);
    assert_eq!(outcome.requests, 3);
}

#[test]
fn a_refusal_of_something_else_is_remembered_by_nobody() {
    let server = Answering::new(|_| REFUSED.to_owned());
    let client = read_from(&server, Checksum::Auto);
    for _ in 0..2 {
        let outcome = run_with(&client, read("a", 0, None));
        assert_eq!(outcome.error().code(), Some("InvalidHeaderValue"));
        assert_eq!(outcome.requests, 2); // each is asked for both ways
    }
}

/// Which checksums two reads ask for, where the first request is answered otherwise than the later ones.
fn asked_after(
    first: impl Fn(&str) -> String + Send + Sync + 'static,
    checksum: Checksum,
) -> String {
    let asked = Arc::new(Mutex::new(String::new()));
    let (seen, count) = (Arc::clone(&asked), AtomicU32::new(0));
    let server = Answering::new(move |head| {
        seen.lock().unwrap().push_str(match head {
            head if head.contains("x-ms-structured-body") => "message ",
            head if head.contains("x-ms-range-get-content-crc64") => "crc64 ",
            _ => "plain ",
        });
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            first(head)
        } else {
            plain(head)
        }
    });
    let client = read_from(&server, checksum);
    for _ in 0..2 {
        let outcome = run_with(&client, read("a", 0, None));
        assert_eq!(outcome.downloaded().crc64, crc64(0, CONTENT));
    }
    let asked = asked.lock().unwrap();
    asked.trim_end().to_owned()
}

#[test]
fn one_answer_of_something_in_between_turns_nothing_off() {
    let refused = |_: &str| UNEXPLAINED.to_owned();
    assert_eq!(
        asked_after(refused, Checksum::Auto),
        "message plain message"
    );
    let cached = |_: &str| plain("");
    let both = "message crc64 message crc64";
    for first in [refused as Answer, cached] {
        assert_eq!(asked_after(first, Checksum::Crc64), both);
    }
}

#[test]
fn one_range_without_a_crc64_turns_nothing_off() {
    let count = AtomicU32::new(0);
    let server = Answering::new(move |head| {
        if head.contains("x-ms-structured-body") {
            return REFUSED.to_owned();
        }
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => plain(""),
            _ => plain(head).replace("iJh5", "iJh6"),
        }
    });
    let client = read_from(&server, Checksum::Crc64);
    run_with(&client, read("a", 0, None)).downloaded();
    let outcome = run_with(&client, read("a", 0, None));
    assert_eq!(outcome.error().kind(), ErrorKind::Integrity);
}

/// A message of one segment whose bytes are all ASCII, in the answer that brings it.
fn message_in_text() -> String {
    let (content, sum) = (0..100_000)
        .map(|number| format!("{number:09}"))
        .map(|content| (crc64(0, content.as_bytes()).to_le_bytes(), content))
        .find(|(sum, _)| sum.is_ascii())
        .map(|(sum, content)| (content, sum))
        .unwrap();
    let mut message = vec![1];
    message.extend(48_u64.to_le_bytes());
    message.extend([1, 0, 1, 0, 1, 0]);
    message.extend(9_u64.to_le_bytes());
    message.extend(content.as_bytes());
    message.extend(sum);
    message.extend(sum);
    assert_eq!(message.len(), 48);
    let message = String::from_utf8(message).unwrap();
    format!(
        "206 x\r\ncontent-range: bytes 0-8/9\r\nx-ms-structured-body: XSM/1.0; properties=crc64\r\n\
         x-ms-structured-content-length: 9\r\ncontent-length: 48\r\n\r\n{message}"
    )
}

/// Reads twice from what vouches for its first answer alone.
fn stops_after(first: String, refuses_messages: bool, checksum: Checksum, max_retries: u32) {
    let first = Mutex::new(Some(first));
    let server = Answering::new(move |head| {
        if refuses_messages && head.contains("x-ms-structured-body") {
            return REFUSED.to_owned();
        }
        let first = first.lock().unwrap().take();
        first.unwrap_or_else(|| plain(""))
    });
    let client = server.client(|config| {
        config.checksum = Some(checksum);
        config.max_retries = max_retries;
    });
    run_with(&client, read("a", 0, None)).downloaded();
    let outcome = run_with(&client, read("a", 0, None));
    let error = outcome.error();
    assert_eq!(error.kind(), ErrorKind::Integrity, "{checksum:?}: {error}");
    assert!(error.message().contains("check proxies"), "{error}");
    assert_eq!(outcome.requests, max_retries.min(2) + 1, "{checksum:?}");
}

#[test]
fn what_vouched_once_is_not_believed_without() {
    for checksum in VERIFYING {
        stops_after(message_in_text(), false, checksum, 8);
    }
    let with_crc64 = plain("x-ms-range-get-content-crc64: true");
    stops_after(with_crc64.clone(), true, Checksum::Crc64, 8);
    stops_after(with_crc64, true, Checksum::Crc64, 0);
}

#[test]
fn a_stored_md5_of_a_small_blob_is_verified_where_there_are_no_messages() {
    for (size, verified) in [(16 << 10, true), ((16 << 10) + 1, false)] {
        let server = Answering::new(move |_| {
            format!(
                "206 x\r\ncontent-range: bytes 0-{}/{size}\r\ncontent-length: {size}\r\n\
                 x-ms-blob-content-md5: CY9rzUYh03PK3k6DJie09g==\r\n\r\n{}",
                size - 1,
                "x".repeat(size)
            )
        });
        let outcome = run_with(&read_from(&server, Checksum::Auto), read("a", 0, None));
        assert_eq!(outcome.result.is_err(), verified);
        assert_eq!(outcome.requests, 1);
    }
}

#[test]
fn a_proven_endpoint_is_not_doubted() {
    let rig = rig(Checksum::Auto);
    rig.write("a", CONTENT);
    rig.read("a", 0, None).downloaded();
    let refused = Action::Status {
        status: 400,
        code: "InvalidHeaderValue".to_owned(),
        headers: Vec::new(),
    };
    rig.fault("GetBlob", 1, refused);
    assert_eq!(rig.read("a", 0, None).requests, 1);
    rig.fault("GetBlob", 1, Action::Corrupt { at: 25 });
    assert_eq!(rig.read("a", 0, None).retries, 1);
}

fn upload(folder: &Folder, bytes: &[u8]) -> Job {
    let path = folder.file("source", bytes);
    let replacing = WriteOptions {
        overwrite: true,
        ..WriteOptions::default()
    };
    Job::upload(Source::File(path), blob("a"), Arc::new(replacing))
}

#[test]
fn blocks_of_a_file_are_messages_once_one_of_them_was() {
    let rig = rig(Checksum::Auto);
    let folder = Folder::new();
    let bytes = content(3 * PART);
    let blocks = || {
        let records = rig.service.requests().into_iter();
        let blocks = records.filter(|record| record.operation == "PutBlock");
        let (plain, messages): (Vec<_>, Vec<_>) =
            blocks.partition(|record| record.content_crc64.is_some());
        (plain.len(), messages.len())
    };
    rig.run(upload(&folder, &bytes)).uploaded();
    let (_, messages) = blocks();
    assert!(messages >= 1);
    rig.service.clear_requests();
    rig.fault(
        "PutBlock",
        2,
        Action::ResetUpload {
            after_bytes: 5 << 20,
        },
    );
    let outcome = rig.run(upload(&folder, &bytes));
    let sent = outcome.uploaded().crc64;
    assert_eq!(sent, Some(crc64(0, &bytes)));
    assert_eq!((blocks(), outcome.retries), ((0, 5), 2));
    assert_eq!(rig.read("a", 0, None).downloaded().crc64, crc64(0, &bytes));
    rig.service.clear_requests();
    // The last block fits into the buffer: its CRC64 is in its head.
    rig.run(upload(&folder, &content(3 * PART + 5))).uploaded();
    assert_eq!(blocks(), (1, 3));
}

#[test]
fn one_block_that_is_refused_for_no_reason_turns_nothing_off() {
    let messages = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&messages);
    let server = Answering::new(move |head| {
        let is_message = head.contains("x-ms-structured-body");
        if is_message && seen.fetch_add(1, Ordering::Relaxed) == 0 {
            UNEXPLAINED.to_owned()
        } else {
            "201 x\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
    });
    let client = server.client(|config| config.max_connections = Some(1));
    let folder = Folder::new();
    run_with(&client, upload(&folder, &content(2 * PART))).uploaded();
    let first = messages.swap(1, Ordering::Relaxed);
    run_with(&client, upload(&folder, &content(2 * PART))).uploaded();
    assert!(first > 1 || messages.load(Ordering::Relaxed) > 1);
}

#[test]
fn a_block_that_was_spoilt_on_the_way_up_is_an_error() {
    let rig = rig(Checksum::Auto);
    let folder = Folder::new();
    let mismatch = Action::Status {
        status: 400,
        code: "Crc64Mismatch".to_owned(),
        headers: Vec::new(),
    };
    rig.fault("PutBlock", 0, mismatch);
    let outcome = rig.run(upload(&folder, &content(2 * PART)));
    assert_eq!(outcome.error().kind(), ErrorKind::Integrity);
}

#[test]
fn blocks_for_what_knows_no_messages_cost_a_request_once() {
    const CREATED: &str = "201 x\r\ncontent-length: 0\r\n\r\n";
    let ignores = |_: &str| CREATED.to_owned();
    let refuses = |head: &str| {
        if head.contains("x-ms-structured-body") {
            REFUSED.to_owned()
        } else {
            CREATED.to_owned()
        }
    };
    let refuses_both = |head: &str| {
        if head.contains("x-ms-structured-body") {
            REFUSED.to_owned()
        } else if head.contains("x-ms-content-crc64") {
            NOT_SUPPORTED.to_owned()
        } else {
            CREATED.to_owned()
        }
    };
    let folder = Folder::new();
    for (answer, requests) in [
        (ignores as Answer, [4..=4, 3..=3]),
        (refuses, [4..=4, 3..=3]),
        // Two blocks at a time may both be refused a CRC64.
        (refuses_both, [5..=6, 3..=3]),
    ] {
        let server = Answering::new(answer);
        let client = server.client(|_| {});
        for expected in requests {
            let outcome = run_with(&client, upload(&folder, &content(2 * PART)));
            outcome.uploaded();
            assert!(expected.contains(&outcome.requests), "{}", outcome.requests);
            assert_eq!(outcome.retries, 0);
        }
    }
}

#[test]
fn forms_that_nobody_asked_for() {
    let echo = "206 x\r\ncontent-range: bytes 0-8/9\r\ncontent-length: 9\r\nx-ms-structured-body: ";
    let unasked = format!("{echo}XSM/1.0; properties=crc64\r\n\r\n123456789");
    let unknown = format!("{echo}XSM/2.0; properties=crc64\r\n\r\n123456789");
    for (answer, checksum) in [(unasked, None), (unknown, Some(Checksum::Auto))] {
        let server = Answering::new(move |_| answer.clone());
        let client = server.client(|config| {
            config.checksum = checksum;
            config.max_retries = 0;
        });
        let outcome = run_with(&client, read("a", 0, None));
        assert_eq!(outcome.error().kind(), ErrorKind::Network);
    }
}

#[test]
fn a_content_length_that_is_not_that_of_the_range() {
    let server = Answering::new(|_| {
        "206 x\r\ncontent-range: bytes 0-8/9\r\ncontent-length: 48\r\n\
         x-ms-structured-body: XSM/1.0; properties=crc64\r\n\
         x-ms-structured-content-length: 10\r\n\r\n"
            .to_owned()
    });
    let client = server.client(|config| config.max_retries = 0);
    let outcome = run_with(&client, read("a", 0, None));
    assert_eq!(outcome.error().kind(), ErrorKind::Network);
    assert!(outcome.error().to_string().contains("length"));
}

/// An answer with this content, in one chunk and whatever follows.
fn chunked(form: &str, chunk: &str, rest: &str) -> String {
    format!(
        "206 x\r\ncontent-range: bytes 0-8/9\r\n{form}transfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{chunk}{rest}",
        chunk.len()
    )
}

#[test]
fn what_is_longer_than_its_range_is_an_error_at_the_second_time() {
    let end = "\r\n0\r\n\r\n";
    for (chunk, rest) in [("123456789", "\r\n1\r\n0"), ("1234567890", end)] {
        for checksum in [None, Some(Checksum::Auto)] {
            let count = AtomicU32::new(0);
            let server = Answering::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
                1 => chunked("", "123456789", end),
                _ => chunked("", chunk, rest),
            });
            let client = server.client(|config| config.checksum = checksum);
            let outcome = run_with(&client, read("a", 0, None));
            assert_eq!(outcome.downloaded().crc64, crc64(0, CONTENT));
            assert_eq!(outcome.requests, 2);
            let outcome = run_with(&client, read("a", 0, None));
            let error = outcome.error();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
            assert!(error.message().contains("longer"), "{error}");
            assert_eq!(outcome.requests, 2);
        }
    }
}

#[test]
fn the_end_of_a_chunked_body_that_never_comes_costs_the_connection_alone() {
    let message = message_in_text();
    let (head, message) = message.rsplit_once("\r\n\r\n").unwrap();
    assert!(head.contains("XSM/1.0"));
    let form = "x-ms-structured-body: XSM/1.0; properties=crc64\r\n\
                x-ms-structured-content-length: 9\r\n";
    for answer in [
        chunked("", "123456789", "\r\n"),
        chunked(form, message, "\r\n0\r\n"),
    ] {
        let server = Answering::new(move |_| answer.clone());
        let client = server.client(|config| config.timeout = std::time::Duration::from_secs(1_000));
        for _ in 0..2 {
            let outcome = run_with(&client, read("a", 0, None));
            assert_eq!(outcome.downloaded().size, 9);
            assert_eq!((outcome.requests, outcome.retries), (1, 0));
        }
    }
}

#[test]
fn a_message_that_is_none_is_an_error_at_the_second_time() {
    let server = Answering::new(|_| {
        "206 x\r\ncontent-range: bytes 0-8/9\r\ncontent-length: 9\r\n\
         x-ms-structured-body: XSM/1.0; properties=crc64\r\n\r\n123456789"
            .to_owned()
    });
    let client = server.client(|_| {});
    let any = Arc::new(Conditions::default());
    let folder = Folder::new();
    let outcome = run_with(&client, Job::download(blob("a"), folder.join("a"), any));
    assert_eq!(outcome.error().kind(), ErrorKind::Integrity);
    assert_eq!(outcome.requests, 2);
    assert!(folder.names().is_empty());
}
