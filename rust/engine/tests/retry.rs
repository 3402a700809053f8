//! What is tried again, and how it goes on.

mod support;

use std::time::{Duration, Instant};

use fastblob_engine::{
    Checksum, Client, Config, Credential, Endpoint, ErrorKind, OnError, checksum::crc64,
    limits::PART_SIZE,
};
use fastblob_service::Action;
use support::{Expected, Folder, Rig, content, delete, download, write};

fn status(status: u16, code: &str) -> Action {
    Action::Status {
        status,
        code: code.to_owned(),
        headers: vec![("Retry-After".to_owned(), "0".to_owned())],
    }
}

#[test]
fn each_row_of_the_table_is_tried_again() {
    let rig = Rig::new();
    rig.write("a", b"content");
    for (number, code) in [
        (503, "ServerBusy"),
        (500, "OperationTimedOut"),
        (500, "InternalError"),
        (429, "TooManyRequests"),
        (408, "RequestTimeout"),
        (502, "BadGateway"),
        (504, "GatewayTimeout"),
    ] {
        rig.fault("GetBlob", 2, status(number, code));
        let outcome = rig.read("a", 0, None);
        outcome.downloaded();
        assert_eq!((outcome.requests, outcome.retries), (3, 2));
    }
}

#[test]
fn what_is_final_is_not_tried_again() {
    let rig = Rig::new();
    rig.write("a", b"content");
    rig.read("a", 0, None).downloaded(); // from now on no refusal is taken for one of the protocol's version
    for (number, code, kind) in [
        (400, "InvalidHeaderValue", ErrorKind::Service),
        (
            403,
            "AuthorizationPermissionMismatch",
            ErrorKind::Authentication,
        ),
        (404, "ContainerNotFound", ErrorKind::NotFound),
        (409, "BlobArchived", ErrorKind::Conflict),
        (409, "ContainerBeingDeleted", ErrorKind::Conflict),
        (500, "FeatureNotSupported", ErrorKind::Service),
    ] {
        rig.fault("GetBlob", 1, status(number, code));
        let outcome = rig.read("a", 0, None);
        let error = outcome.error();
        assert_eq!((error.kind(), error.code()), (kind, Some(code)));
        assert_eq!(outcome.requests, 1);
        assert_eq!(error.blob(), Some("data/a"));
        assert!(error.request_id().is_some());
    }
}

#[test]
fn a_broken_download_goes_on_at_its_byte() {
    let rig = Rig::new();
    let folder = Folder::new();
    let bytes = content(100_000);
    rig.write("a", &bytes);
    for action in [
        Action::Truncate {
            after_bytes: 40_000,
        },
        Action::Reset {
            after_bytes: Some(40_000),
        },
    ] {
        rig.fault("GetBlob", 1, action);
        let outcome = rig.run(download("a", folder.join("a")));
        assert_eq!((outcome.requests, outcome.retries), (2, 1));
        assert_eq!(outcome.downloaded().crc64, crc64(0, &bytes));
        assert!(std::fs::read(folder.join("a")).unwrap() == bytes);
    }
}

#[test]
fn progress_counts_more_than_failures() {
    // Each answer breaks off after 1 KB; with two retries alone this would not end well.
    let rig = Rig::with(|config| config.max_retries = 2);
    let bytes = content(6_000);
    rig.write("a", &bytes);
    rig.fault("GetBlob", 5, Action::Truncate { after_bytes: 1_000 });
    let outcome = rig.read("a", 0, None);
    assert_eq!(outcome.downloaded().crc64, crc64(0, &bytes));
}

#[test]
fn retries_end() {
    let rig = Rig::with(|config| config.max_retries = 2);
    rig.write("a", b"content");
    rig.fault("GetBlob", 0, status(503, "ServerBusy"));
    let outcome = rig.read("a", 0, None);
    let error = outcome.error();
    assert_eq!((error.code(), error.attempts()), (Some("ServerBusy"), 3));
}

#[test]
fn an_upload_that_breaks_is_sent_again() {
    let rig = Rig::new();
    let bytes = content(PART_SIZE as usize + 5);
    rig.fault("PutBlock", 1, Action::ResetUpload { after_bytes: 1 });
    rig.fault("PutBlockList", 1, Action::Reset { after_bytes: None });
    let outcome = rig.run(write("a", &bytes, false));
    let sent = outcome.uploaded();
    assert_eq!(outcome.retries, 2);
    assert_eq!(Some(rig.read("a", 0, None).downloaded().crc64), sent.crc64);
}

#[test]
fn its_own_success_is_no_conflict() {
    let rig = Rig::new();
    for (name, size, operation) in [
        ("small", 10, "PutBlob"),
        ("empty", 0, "PutBlob"),
        ("large", PART_SIZE as usize + 5, "PutBlockList"),
    ] {
        rig.fault(operation, 1, Action::LoseAnswer);
        let outcome = rig.run(write(name, &content(size), false));
        let sent = outcome.uploaded();
        let read = rig.read(name, 0, None);
        let read = read.downloaded();
        assert_eq!(
            (read.crc64, read.etag()),
            (sent.crc64.unwrap(), sent.etag.as_deref()),
            "{name}"
        );
    }
}

#[test]
fn anothers_success_is_a_conflict_even_after_a_lost_answer() {
    let rig = Rig::new();
    for size in [10, PART_SIZE as usize + 5] {
        let name = format!("{size}");
        rig.write(&name, b"somebody else's");
        let operation = if size == 10 {
            "PutBlob"
        } else {
            "PutBlockList"
        };
        rig.fault(operation, 1, Action::LoseAnswer);
        let outcome = rig.run(write(&name, &content(size), false));
        assert_eq!(outcome.error().kind(), ErrorKind::AlreadyExists);
    }
}

#[test]
fn a_lost_answer_to_a_delete_is_no_failure() {
    let rig = Rig::new();
    rig.write("a", b"1");
    rig.fault("DeleteBlob", 1, Action::LoseAnswer);
    rig.run(delete("a")).output();
    let names = ["b", "c", "d"];
    for name in names {
        rig.write(name, b"1");
    }
    rig.fault("BlobBatch", 1, Action::LoseAnswer);
    let jobs = names.map(delete).into();
    let outcomes = rig.batch(jobs, OnError::Collect);
    for outcome in &outcomes {
        outcome.output();
    }
}

#[test]
fn a_delete_that_failed_beside_others_is_tried_alone() {
    let rig = Rig::new();
    for name in ["a", "b"] {
        rig.write(name, b"1");
    }
    // The batch is done and its answer lost; of its repetition one part fails.
    rig.fault("BlobBatch", 1, Action::LoseAnswer);
    rig.fault_after("DeleteBlob", 2, 1, status(503, "ServerBusy"));
    rig.service.clear_requests();
    for outcome in rig.batch(["a", "b"].map(delete).into(), OnError::Collect) {
        outcome.output();
    }
    assert_eq!(rig.operations(), ["BlobBatch", "BlobBatch", "DeleteBlob"]);
}

#[test]
fn the_service_may_ask_for_time() {
    let rig = Rig::new();
    rig.write("a", b"content");
    let action = Action::Status {
        status: 503,
        code: "ServerBusy".to_owned(),
        headers: vec![("x-ms-retry-after-ms".to_owned(), "1500".to_owned())],
    };
    rig.fault("GetBlob", 1, action);
    let start = Instant::now();
    rig.read("a", 0, None).downloaded();
    assert!(start.elapsed() >= Duration::from_millis(1_500));
}

#[test]
fn a_silent_service_is_given_up() {
    let rig = Rig::with(|config| {
        config.timeout = Duration::from_millis(300);
        config.max_retries = 0;
    });
    rig.write("a", b"content");
    rig.fault("GetBlob", 1, Action::Delay(Duration::from_secs(60)));
    let outcome = rig.read("a", 0, None);
    let error = outcome.error();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(
        error.to_string().contains("no byte moved for 0.3 s"),
        "{error}"
    );
}

#[test]
fn an_expired_token_is_replaced_in_the_middle() {
    let rig = Rig::with(|config| config.credential = Credential::token());
    rig.tokens.lock().unwrap().lifetimes = vec![3_600, 3_600];
    rig.write("a", b"content");
    rig.fault(
        "GetBlob",
        1,
        Action::Status {
            status: 401,
            code: "InvalidAuthenticationInfo".to_owned(),
            headers: vec![(
                "WWW-Authenticate".to_owned(),
                "Bearer error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\"".to_owned(),
            )],
        },
    );
    rig.read("a", 0, None).downloaded();
    assert_eq!(
        rig.tokens.lock().unwrap().claims,
        [None, Some("{\"a\":1}".to_owned())]
    );
}

#[test]
fn a_token_that_is_refused_twice_is_an_error() {
    let rig = Rig::new();
    rig.write("a", b"content");
    rig.fault("GetBlob", 0, status(401, "InvalidAuthenticationInfo"));
    let outcome = rig.read("a", 0, None);
    let error = outcome.error();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.attempts(), 1); // a key has no successor
}

#[test]
fn a_blob_that_changes_is_read_anew() {
    let rig = Rig::new();
    let folder = Folder::new();
    let old = content(3 * PART_SIZE as usize);
    rig.write("a", &old);
    // The second range finds another ETag.
    rig.fault_after("GetBlob", 1, 1, status(412, "ConditionNotMet"));
    rig.run(download("a", folder.join("a"))).downloaded();
    assert!(std::fs::read(folder.join("a")).unwrap() == old);
    rig.fault("GetBlob", 0, status(412, "ConditionNotMet"));
    let outcome = rig.run(download("a", folder.join("b")));
    assert_eq!(outcome.error().kind(), ErrorKind::Modified);
    assert_eq!(folder.names(), ["a"]);
}

#[test]
fn nobody_at_the_address_is_said_soon() {
    let endpoint = Endpoint::parse("http://127.0.0.1:1/account").unwrap();
    let client = Client::new(Config::new(endpoint, Credential::anonymous())).unwrap();
    let outcome = support::run_with(&client, support::read("a", 0, None));
    let error = outcome.error();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 3));
}

#[test]
fn a_token_is_not_sent_in_the_clear() {
    let endpoint = Endpoint::parse("http://account.blob.core.windows.net").unwrap();
    let error = Client::new(Config::new(endpoint, Credential::token())).unwrap_err();
    assert!(error.to_string().contains("https"));
}

#[test]
fn a_copy_whose_answer_was_lost_is_no_conflict() {
    let rig = Rig::new();
    rig.write("a", b"content");
    rig.fault("CopyBlob", 1, Action::LoseAnswer);
    rig.copy("a", "b", false).properties();
    rig.write("c", b"somebody else's");
    rig.fault("CopyBlob", 1, Action::LoseAnswer);
    let outcome = rig.copy("a", "c", false);
    assert_eq!(outcome.error().kind(), ErrorKind::AlreadyExists);
}

#[test]
fn a_broken_answer_to_a_checked_range_is_read_again_from_its_start() {
    let rig = Rig::with(|config| config.checksum = Some(Checksum::Crc64));
    let folder = Folder::new();
    let bytes = content(100_000);
    rig.write("a", &bytes);
    rig.fault(
        "GetBlob",
        1,
        Action::Truncate {
            after_bytes: 40_000,
        },
    );
    rig.service.clear_requests();
    rig.run(download("a", folder.join("a"))).downloaded();
    let ranges: Vec<_> = rig
        .service
        .requests()
        .into_iter()
        .filter_map(|record| record.range)
        .collect();
    assert_eq!(ranges.len(), 2);
    assert!(ranges.iter().all(|range| range.starts_with("bytes=0-")));
    assert!(std::fs::read(folder.join("a")).unwrap() == bytes);
}

#[test]
fn a_416_in_the_middle_is_a_blob_that_changed() {
    let rig = Rig::new();
    let folder = Folder::new();
    rig.write("a", &content(100));
    rig.fault("GetBlob", 1, Action::Truncate { after_bytes: 40 });
    rig.fault_after("GetBlob", 1, 1, status(416, "InvalidRange"));
    rig.run(download("a", folder.join("a"))).downloaded();
    assert!(std::fs::read(folder.join("a")).unwrap() == content(100));
}
