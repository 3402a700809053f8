//! HTTP itself: connections, codings, odd requests, TLS, the end of the service.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fastblob_service::{Options, Service};

use crate::client::{Client, start, start_with, tls_connect};

#[test]
fn chunked_bodies() {
    let service = start();
    let mut client = Client::new(&service);
    let mut message = client.head("PUT", "/data/b", &[("x-ms-blob-type", "BlockBlob")]);
    message.push_str("Transfer-Encoding: chunked\r\n\r\n");
    message.push_str("5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n");
    client.stream.write_all(message.as_bytes()).expect("sent");
    assert_eq!(client.receive(false).expect("an answer").status, 201);
    assert_eq!(client.get("/data/b").body, b"hello world");

    // One that outgrows its first buffer.
    let mut message = client
        .head("PUT", "/data/b", &[("x-ms-blob-type", "BlockBlob")])
        .into_bytes();
    message.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    for _ in 0..20 {
        message.extend_from_slice(b"c350\r\n");
        message.extend_from_slice(&vec![9; 50_000]);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"0\r\n\r\n");
    client.stream.write_all(&message).expect("sent");
    assert_eq!(client.receive(false).expect("an answer").status, 201);
    assert_eq!(client.get("/data/b").body, vec![9; 1_000_000]);
}

#[test]
fn expect_continue() {
    let service = start();
    let mut client = Client::new(&service);
    let headers = [
        ("x-ms-blob-type", "BlockBlob"),
        ("Expect", "100-continue"),
        ("Content-Length", "5"),
    ];
    let head = client.head("PUT", "/data/b", &headers) + "\r\n";
    client.stream.write_all(head.as_bytes()).expect("sent");
    assert_eq!(client.receive(false).expect("leave to go on").status, 100);
    client.stream.write_all(b"hello").expect("sent");
    assert_eq!(client.receive(false).expect("an answer").status, 201);

    // Refused without the body: the connection ends, for nobody knows whether the body comes.
    let head = client.head("PUT", "/none/b", &headers) + "\r\n";
    client.stream.write_all(head.as_bytes()).expect("sent");
    let refused = client.receive(false).expect("an answer");
    assert_eq!(refused.error(), (404, "ContainerNotFound"));
    assert_eq!(refused.header("connection"), Some("close"));
    assert_eq!(client.stream.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn requests_sent_ahead() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/b", b"hello");
    let head = client.head("GET", "/data/b", &[]) + "\r\n";
    client
        .stream
        .write_all(head.repeat(3).as_bytes())
        .expect("sent");
    for _ in 0..3 {
        assert_eq!(client.receive(false).expect("an answer").body, b"hello");
    }
}

#[test]
fn connections_end_when_asked() {
    let service = start();
    let mut client = Client::new(&service);
    assert_eq!(
        client
            .send("GET", "/data/b", &[("Connection", "close")], b"")
            .status,
        404
    );
    assert_eq!(client.stream.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn what_is_no_request_is_refused() {
    let service = start();
    let answer = |message: &[u8]| {
        let mut client = Client::anonymous(&service);
        client.stream.write_all(message).expect("sent");
        let mut all = String::new();
        // A peer that had sent more than was read resets instead of ending.
        let _ = client.stream.read_to_string(&mut all);
        all
    };
    assert!(answer(b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(answer(b"PUT / HTTP/1.1\r\nContent-Length: many\r\n\r\n").starts_with("HTTP/1.1 400"));
    let both = b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(answer(both).starts_with("HTTP/1.1 400"));
    assert_eq!(answer(&vec![b'x'; 70_000]), "");
    let mut client = Client::new(&service);
    let large = "y".repeat(30_000);
    assert_eq!(
        client
            .send("GET", "/data/b", &[("x-large", &large)], b"")
            .status,
        404
    );
}

#[test]
fn a_length_is_needed_to_upload() {
    let service = start();
    let mut client = Client::new(&service);
    let head = client.head("PUT", "/data/b", &[("x-ms-blob-type", "BlockBlob")]) + "\r\n";
    client.stream.write_all(head.as_bytes()).expect("sent");
    let refused = client.receive(false).expect("an answer");
    assert_eq!(refused.error(), (411, "MissingContentLengthHeader"));
}

#[test]
fn host_style_urls() {
    let service = start();
    let mut client = Client::new(&service);
    client.put("/data/dir/b", b"hello");
    let head = client.head("GET", "/data/dir/b", &[]) + "\r\n";
    let head = head.replace("/devstoreaccount1/", "/").replace(
        "Host: 127.0.0.1",
        "Host: devstoreaccount1.blob.core.windows.net",
    );
    client.stream.write_all(head.as_bytes()).expect("sent");
    assert_eq!(client.receive(false).expect("an answer").body, b"hello");
}

#[test]
fn a_given_port_and_a_taken_one() {
    let first = start();
    let port = crate::client::address(&first.blob_endpoint())
        .split(':')
        .nth(1)
        .map(str::to_owned);
    let port = port.and_then(|text| text.parse().ok()).expect("a port");
    let second = Service::start(Options {
        port,
        ..Options::default()
    });
    assert_eq!(
        second.expect_err("taken").kind(),
        std::io::ErrorKind::AddrInUse
    );
    first.stop();
    let second = Service::start(Options {
        port,
        ..Options::default()
    })
    .expect("free again");
    assert!(second.blob_endpoint().starts_with("https://127.0.0.1:"));
}

#[test]
fn the_end_is_quick() {
    let service = start();
    let _idle: Vec<_> = (0..20).map(|_| Client::new(&service)).collect();
    let mut busy = Client::new(&service);
    let head = busy.head("PUT", "/data/b", &[("x-ms-blob-type", "BlockBlob")]);
    let head = head + "Content-Length: 1000\r\n\r\nsome";
    busy.stream.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    service.stop();
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn tls_with_the_authority_of_the_service() {
    let service = start_with(|options| options.tls = true);
    for name in [
        "127.0.0.1",
        "localhost",
        "acct.blob.core.windows.net",
        "v.vault.azure.net",
    ] {
        let endpoint = service.blob_endpoint();
        let socket = TcpStream::connect(crate::client::address(&endpoint)).expect("connects");
        let mut stream = tls_connect(&service, name, socket);
        stream
            .write_all(b"GET /devstoreaccount1/data/b HTTP/1.1\r\nConnection: close\r\n\r\n")
            .expect("sent");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("an answer and a clean end");
        assert!(answer.starts_with("HTTP/1.1 404 Not Found"), "{answer}");
    }
}
