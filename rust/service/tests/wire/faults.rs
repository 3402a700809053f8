//! Every scripted failure, as the client sees it.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use fastblob_service::{Action, Fault};

use crate::client::{Client, once, start};

#[test]
fn status_leaves_the_connection_usable() {
    let service = start();
    let mut client = Client::new(&service);
    let headers = vec![("Retry-After".to_owned(), "3".to_owned())];
    let action = Action::Status {
        status: 503,
        code: "ServerBusy".into(),
        headers,
    };
    service.add_fault(Fault {
        times: 2,
        after: 1,
        ..once("PutBlob", action)
    });
    let body = vec![1; 300_000];
    assert_eq!(client.put("/data/b", &body).status, 201);
    for _ in 0..2 {
        let busy = client.put("/data/b", &body);
        assert_eq!(busy.error(), (503, "ServerBusy"));
        assert_eq!(busy.header("retry-after"), Some("3"));
        assert!(busy.text().contains("<Code>ServerBusy</Code>"));
    }
    assert_eq!(client.put("/data/b", &body).status, 201);
    assert_eq!(
        service.requests().last().map(|record| record.connection),
        Some(1)
    );
}

#[test]
fn faults_match_method_and_path() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/hit", b"x");
    client.put("/data/miss", b"x");
    let status = Action::Status {
        status: 500,
        code: "InternalError".into(),
        headers: Vec::new(),
    };
    service.add_fault(Fault {
        operation: None,
        method: Some("get".into()),
        path: Some("/hit".into()),
        ..once("", status)
    });
    assert_eq!(client.get("/data/miss").status, 200);
    assert_eq!(client.send("HEAD", "/data/hit", &[], b"").status, 200);
    assert_eq!(client.get("/data/hit").status, 500);
    service.clear_faults();
    assert_eq!(client.get("/data/hit").status, 200);
}

#[test]
fn delay_and_its_early_end() {
    let service = start();
    let mut client = Client::new(&service);
    service.add_fault(once("GetBlob", Action::Delay(Duration::from_millis(60))));
    let began = Instant::now();
    assert_eq!(client.get("/data/none").status, 404);
    assert!(began.elapsed() >= Duration::from_millis(60));

    service.add_fault(once("GetBlob", Action::Delay(Duration::from_secs(3600))));
    let waiting = std::thread::spawn(move || client.try_send("GET", "/data/none", &[], b""));
    std::thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    service.stop();
    assert!(began.elapsed() < Duration::from_secs(1));
    waiting.join().expect("no panic").expect_err("cut off");
}

#[test]
fn reset_before_the_answer() {
    let service = start();
    let mut client = Client::new(&service);
    service.add_fault(once("PutBlob", Action::Reset { after_bytes: None }));
    let headers = [("x-ms-blob-type", "BlockBlob")];
    let error = client
        .try_send("PUT", "/data/b", &headers, b"x")
        .expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut client = Client::new(&service);
    assert_eq!(client.get("/data/b").status, 404);
    assert_eq!(service.requests()[0].status, 0);
}

#[test]
fn reset_in_the_answer() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", &vec![7; 2_000_000]);
    service.add_fault(once(
        "GetBlob",
        Action::Reset {
            after_bytes: Some(1000),
        },
    ));
    let error = client
        .try_send("GET", "/data/b", &[], b"")
        .expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.received(), vec![7; 1000]);
    let mut client = Client::new(&service);
    assert_eq!(client.get("/data/b").body.len(), 2_000_000);
}

#[test]
fn reset_of_an_upload() {
    let service = start();
    let mut client = Client::new(&service);
    service.add_fault(once(
        "PutBlob",
        Action::ResetUpload {
            after_bytes: 100_000,
        },
    ));
    let headers = [("x-ms-blob-type", "BlockBlob")];
    let body = vec![1; 30_000_000];
    let error = client
        .try_send("PUT", "/data/b", &headers, &body)
        .expect_err("a reset");
    assert!(
        matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
        ),
        "{error}"
    );
    let mut client = Client::new(&service);
    assert_eq!(client.get("/data/b").status, 404);

    service.add_fault(once("PutBlob", Action::ResetUpload { after_bytes: 3 }));
    client
        .try_send("PUT", "/data/b", &headers, b"all")
        .expect_err("a reset after the last byte");
    assert_eq!(Client::new(&service).get("/data/b").status, 404);
}

#[test]
fn reset_of_an_upload_that_is_refused_anyway() {
    let service = start();
    let mut client = Client::new(&service);
    service.add_fault(once("PutBlob", Action::ResetUpload { after_bytes: 10 }));
    let headers = [("x-ms-blob-type", "BlockBlob")];
    let error = client
        .try_send("PUT", "/none/b", &headers, &vec![1; 1000])
        .expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(service.requests()[0].status, 0);
}

#[test]
fn truncation_is_a_clean_end() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", &vec![7; 500_000]);
    service.add_fault(once(
        "GetBlob",
        Action::Truncate {
            after_bytes: 123_456,
        },
    ));
    let error = client
        .try_send("GET", "/data/b", &[], b"")
        .expect_err("a short body");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(client.received().len(), 123_456);
}

#[test]
fn corruption_of_one_byte() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", &vec![7; 500_000]);
    service.add_fault(once("GetBlob", Action::Corrupt { at: 300_000 }));
    let got = client.get("/data/b");
    assert_eq!(got.status, 200);
    let wrong: Vec<usize> = (0..500_000).filter(|at| got.body[*at] != 7).collect();
    assert_eq!(wrong, [300_000]);
    assert_eq!(client.get("/data/b").body, vec![7; 500_000]);
}

#[test]
fn lost_answer_of_a_request_carried_out() {
    let service = start();
    let mut client = Client::new(&service);
    service.add_fault(once("PutBlob", Action::LoseAnswer));
    let headers = [("x-ms-blob-type", "BlockBlob"), ("If-None-Match", "*")];
    let error = client
        .try_send("PUT", "/data/b", &headers, b"x")
        .expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let mut client = Client::new(&service);
    let again = client.send("PUT", "/data/b", &headers, b"x");
    assert_eq!(again.error(), (409, "BlobAlreadyExists"));
    assert_eq!(service.requests()[0].status, 201);
}

#[test]
fn latency_and_bandwidth() {
    let service = crate::client::start_with(|options| {
        options.latency = Duration::from_millis(20);
        options.bandwidth = Some(1_000_000);
    });
    let mut client = Client::new(&service);
    let began = Instant::now();
    client.put("/data/b", &vec![1; 100_000]);
    assert!(
        began.elapsed() >= Duration::from_millis(90),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    assert_eq!(client.get("/data/b").body.len(), 100_000);
    assert!(
        began.elapsed() >= Duration::from_millis(110),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn faults_of_the_other_servers() {
    let service = start();
    let action = Action::Status {
        status: 429,
        code: "Throttled".into(),
        headers: Vec::new(),
    };
    service.add_fault(once("Token", action));
    let endpoint = service.identity_endpoint();
    let mut client = Client::connect(crate::client::address(&endpoint));
    let mut ask = || {
        let head = format!(
            "GET /msi/token?api-version=2019-08-01&resource=x HTTP/1.1\r\nX-IDENTITY-HEADER: {}\r\n\r\n",
            service.identity_header()
        );
        client.stream.write_all(head.as_bytes()).expect("sent");
        client.receive(false).expect("an answer").status
    };
    assert_eq!(ask(), 429);
    assert_eq!(ask(), 200);
}

#[test]
fn a_reset_is_seen_while_idle() {
    let service = start();
    let mut client = Client::new(&service);
    assert_eq!(client.get("/data/none").status, 404);
    drop(service);
    assert_eq!(client.stream.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn an_answer_that_trickles() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"0123456789");
    let bytes_per_second = 100;
    service.add_fault(once("GetBlob", Action::Trickle { bytes_per_second }));
    let began = Instant::now();
    assert_eq!(client.get("/data/b").body, b"0123456789");
    assert!(began.elapsed() >= Duration::from_millis(80));
    assert_eq!(client.stream.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn an_answer_before_the_body() {
    let service = start();
    for (status, code) in [(403, "AuthorizationFailure"), (201, "")] {
        let mut client = Client::new(&service);
        let action = Action::AnswerBeforeBody {
            status,
            code: "AuthorizationFailure".into(),
            headers: vec![("X-Told".into(), "1".into())],
        };
        service.add_fault(once("PutBlob", action));
        let headers = [("x-ms-blob-type", "BlockBlob"), ("Content-Length", "9")];
        let head = client.head("PUT", "/data/b", &headers) + "\r\n";
        client.stream.write_all(head.as_bytes()).expect("sent");
        let answer = client.receive(false).expect("an answer");
        assert_eq!(answer.error(), (status, code));
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.header("x-told"), Some("1"));
        assert_eq!(client.stream.read(&mut [0]).expect("the end"), 0);
        assert_eq!(Client::new(&service).get("/data/b").status, 404);
    }
}

#[test]
fn bytes_behind_an_answer() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"content");
    service.add_fault(once("GetBlob", Action::ExtraBytes(b"more".to_vec())));
    assert_eq!(client.get("/data/b").body, b"content");
    assert_eq!(client.received(), b"more");
}

#[test]
fn headers_that_are_not_true() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"content");
    let headers = vec![
        ("etag".into(), "\"0x1\"".into()),
        ("Last-Modified".into(), String::new()),
    ];
    service.add_fault(once("GetBlob", Action::ReplaceHeaders(headers)));
    let got = client.get("/data/b");
    assert_eq!((got.status, &*got.body), (200, &b"content"[..]));
    assert_eq!(got.header("etag"), Some("\"0x1\""));
    assert_eq!(got.header("last-modified"), None);
    assert!(client.get("/data/b").header("last-modified").is_some());
}
