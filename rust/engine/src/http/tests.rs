//! Exchanges with a service that does not behave.

use std::{fs::File, io::Write as _, time::Duration};

use super::{
    body::BodyReader,
    connection::Connection,
    message::{Body, Request, ResponseHead},
    scripted::{GUARD, Scripted, Signals, Stream, patient},
    transport_error::TransportError,
};
use crate::cancel::{CancelFlag, Cancellation, SignalPoll};

const LARGE: usize = 24 << 20;
const REFUSAL: &str = "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nno!";
pub(super) const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
/// Enough for a loopback connection, little enough to wait for.
const SHORT: Duration = Duration::from_millis(400);

pub(super) fn exchange(
    connection: &mut Connection,
    body: Body,
) -> Result<ResponseHead, TransportError> {
    let request = Request::new("PUT", "/account/c/b").body(body);
    let mut head = String::new();
    request.write_head(&mut head, "", "host", None).unwrap();
    let mut buffer = vec![0; 1 << 20];
    patient(|cancellation| connection.exchange(&head, &request, &mut buffer, cancellation))
}

fn read_all(connection: &mut Connection, head: &ResponseHead) -> Result<Vec<u8>, TransportError> {
    let cancel = CancelFlag::default();
    let cancellation = Cancellation::new(&cancel, SignalPoll::never());
    BodyReader::new(connection, head, cancellation).read_all(1 << 20)
}

/// A file without a name.
fn file(length: usize) -> File {
    let name = format!("fastblob-test-{}", crate::random::unique());
    let path = std::env::temp_dir().join(name);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(&vec![7; length]).unwrap();
    file
}

/// Sends a large body from memory and from a file, plain and over TLS.
fn refused_early(script: fn(&mut dyn Stream, &Signals)) {
    let bytes = vec![7; LARGE];
    let file = file(LARGE);
    let in_file = Body::File {
        file: &file,
        offset: 0,
        length: LARGE as u64,
    };
    for (tls, body) in [
        (false, Body::Bytes(&bytes)),
        (true, Body::Bytes(&bytes)),
        (false, in_file),
        (true, in_file),
    ] {
        let server = Scripted::new(tls, script);
        let mut connection = server.open(GUARD).unwrap();
        let head = exchange(&mut connection, body).unwrap();
        assert_eq!(head.status, 403, "TLS {tls}");
        assert!(head.answered_early && !head.keep_alive);
        assert_eq!(read_all(&mut connection, &head).unwrap(), b"no!");
    }
}

#[test]
fn an_answer_before_the_body_was_read_and_a_close() {
    refused_early(|stream, _| {
        stream.read_head();
        stream.say(REFUSAL);
    });
}

#[test]
fn an_answer_to_a_body_that_nobody_reads() {
    refused_early(|stream, signals| {
        stream.read_head();
        stream.say(REFUSAL);
        signals.wait();
    });
}

#[test]
fn an_answer_in_the_middle_while_the_body_is_read_on() {
    refused_early(|stream, _| {
        stream.read_head();
        stream.say(REFUSAL);
        let mut buffer = vec![0; 1 << 16];
        while matches!(stream.read(&mut buffer), Ok(1..)) {}
    });
}

#[test]
fn an_interim_answer_does_not_end_the_request() {
    for tls in [false, true] {
        let server = Scripted::new(tls, |stream, _| {
            stream.read_head();
            stream.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 10");
            stream.read_exact(&mut vec![0; LARGE]).unwrap();
            stream.say("2 Processing\r\n\r\n");
            stream.say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        });
        let mut connection = server.open(GUARD).unwrap();
        let head = exchange(&mut connection, Body::Bytes(&vec![7; LARGE])).unwrap();
        assert_eq!(head.status, 201);
        assert!(!head.answered_early && head.keep_alive);
    }
}

#[test]
fn a_close_without_an_answer_is_an_error() {
    for tls in [false, true] {
        let server = Scripted::new(tls, |stream, _| {
            stream.read_head();
        });
        let mut connection = server.open(GUARD).unwrap();
        let broken = exchange(&mut connection, Body::Bytes(&vec![7; LARGE])).unwrap_err();
        assert!(matches!(broken, TransportError::Io(_)), "{broken:?}");
    }
}

#[test]
fn a_connection_is_used_again_where_it_is_quiet() {
    // Over TLS 1.3 there are session tickets behind the handshake.
    for tls in [false, true] {
        let server = Scripted::new(tls, |stream, signals| {
            stream.read_head();
            stream.say(EMPTY);
            signals.wait();
        });
        let mut connection = server.open(GUARD).unwrap();
        exchange(&mut connection, Body::Empty).unwrap();
        assert!(!connection.has_unread());
        assert!(connection.is_usable(), "TLS {tls}");
    }
}

#[test]
fn an_answer_that_nobody_asked_for_ends_the_connection() {
    for tls in [false, true] {
        let server = Scripted::new(tls, |stream, signals| {
            stream.read_head();
            stream.say(EMPTY);
            signals.wait();
            stream.say(EMPTY);
            signals.go_on();
            signals.wait();
        });
        let mut connection = server.open(GUARD).unwrap();
        exchange(&mut connection, Body::Empty).unwrap();
        server.signals().go_on();
        server.signals().wait();
        assert!(!connection.is_usable(), "TLS {tls}");
    }
}

#[test]
fn bytes_behind_an_answer_end_the_connection() {
    for tls in [false, true] {
        let server = Scripted::new(tls, |stream, signals| {
            stream.read_head();
            stream.say(&EMPTY.repeat(2));
            signals.wait();
        });
        let mut connection = server.open(GUARD).unwrap();
        exchange(&mut connection, Body::Empty).unwrap();
        assert!(connection.has_unread() && !connection.is_usable());
    }
}

#[test]
fn a_closed_connection_is_not_used_again() {
    for tls in [false, true] {
        let server = Scripted::new(tls, |stream, _| {
            stream.read_head();
            stream.say(EMPTY);
        });
        let mut connection = server.open(GUARD).unwrap();
        exchange(&mut connection, Body::Empty).unwrap();
        drop(server);
        assert!(!connection.is_usable(), "TLS {tls}");
    }
}

#[test]
fn a_close_notify_ends_the_connection() {
    let server = Scripted::new(true, |stream, signals| {
        stream.read_head();
        stream.say(EMPTY);
        signals.wait();
        stream.close();
        signals.go_on();
        signals.wait();
    });
    let mut connection = server.open(GUARD).unwrap();
    exchange(&mut connection, Body::Empty).unwrap();
    server.signals().go_on();
    server.signals().wait();
    assert!(!connection.is_usable());
}

#[test]
fn a_trickle_of_a_head_ends_in_time() {
    for tls in [false, true] {
        let server = Scripted::new(tls, |stream, signals| {
            stream.read_head();
            stream.say("HTTP/1.1 200 OK\r\nA: ");
            signals.trickle(stream, "x");
        });
        let mut connection = server.open(SHORT).unwrap();
        let broken = exchange(&mut connection, Body::Empty).unwrap_err();
        assert!(matches!(broken, TransportError::Idle(SHORT)), "{broken:?}");
    }
}

#[test]
fn a_trickle_of_a_body_ends_in_time() {
    for (rest_of_head, trickle) in [
        ("Content-Length: 1000000\r\n\r\n", "x"),
        ("Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        ("Transfer-Encoding: chunked\r\n\r\n", "0;"),
        ("Transfer-Encoding: chunked\r\n\r\n0", "\r\nA: b"),
        ("Connection: close\r\n\r\n", "x"),
    ] {
        let server = Scripted::new(false, move |stream, signals| {
            stream.read_head();
            stream.say(&format!("HTTP/1.1 200 OK\r\n{rest_of_head}"));
            signals.trickle(stream, trickle);
        });
        let mut connection = server.open(SHORT).unwrap();
        let head = exchange(&mut connection, Body::Empty).unwrap();
        let broken = read_all(&mut connection, &head).unwrap_err();
        assert!(
            matches!(broken, TransportError::Idle(SHORT)),
            "{rest_of_head:?}: {broken:?}"
        );
    }
}

#[test]
fn the_end_of_a_body_whose_content_is_here() {
    const CHUNKED: &str = "Transfer-Encoding: chunked";
    for (framing, body, is_end, is_finished) in [
        ("Content-Length: 5", "hello", true, true),
        ("Content-Length: 6", "hello", false, false),
        (CHUNKED, "5\r\nhello\r\n0\r\n\r\n", true, true),
        (CHUNKED, "6\r\nhello", false, false),
        (CHUNKED, "5\r\nhello\r\n1\r\n", false, false),
        (CHUNKED, "5\r\nhello\r\n1\r\n!", false, false),
        (CHUNKED, "5\r\nhello!\r\n", false, false),
        ("Connection: close", "hello!", false, false),
        // What never comes is waited for a moment, whatever the time-out is.
        (CHUNKED, "5\r\nhello\r\n", true, false),
        (CHUNKED, "5\r\nhello\r\n0\r\nA: b\r\n", true, false),
        ("Connection: close", "hello", true, false),
    ] {
        let server = Scripted::new(false, move |stream, signals| {
            stream.read_head();
            stream.say(&format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}"));
            signals.wait();
        });
        let mut connection = server.open(GUARD * 100).unwrap();
        let head = exchange(&mut connection, Body::Empty).unwrap();
        let cancel = CancelFlag::default();
        let cancellation = Cancellation::new(&cancel, SignalPoll::never());
        let mut reader = BodyReader::new(&mut connection, &head, cancellation);
        let mut content = [0; 5];
        let mut filled = 0;
        while filled < content.len() {
            filled += reader.read_some(&mut content[filled..]).unwrap();
        }
        assert_eq!(reader.ends_here(), is_end, "{framing}, {body:?}");
        assert_eq!(reader.is_finished(), is_finished, "{framing}, {body:?}");
    }
}

#[test]
fn an_explanation_must_come_within_the_time_out() {
    let server = Scripted::new(false, |stream, signals| {
        stream.read_head();
        stream.say("HTTP/1.1 403 No\r\nContent-Length: 1000000\r\n\r\n");
        signals.trickle(stream, "x");
    });
    let mut connection = server.open(SHORT).unwrap();
    let head = exchange(&mut connection, Body::Empty).unwrap();
    let cancel = CancelFlag::default();
    let cancellation = Cancellation::new(&cancel, SignalPoll::never());
    let text = BodyReader::new(&mut connection, &head, cancellation).read_all_at_once(1 << 20);
    assert!(matches!(text, Err(TransportError::Idle(SHORT))));
}

#[test]
fn a_trickle_of_a_handshake_ends_in_time() {
    // The head of a handshake record of 16 KiB, and then its bytes.
    let server = Scripted::raw(true, |mut socket, signals| {
        socket.write_all(&[22, 3, 3, 64, 0, 2, 0, 63, 252]).unwrap();
        signals.trickle(&mut socket, "\u{3}");
    });
    let broken = server.open(SHORT).unwrap_err();
    assert!(matches!(broken, TransportError::Idle(SHORT)), "{broken:?}");
}

#[test]
fn what_is_not_tls_is_not_the_network() {
    let server = Scripted::raw(true, |mut socket, signals| {
        socket
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        signals.wait();
    });
    let broken = server.open(GUARD).unwrap_err();
    assert!(matches!(broken, TransportError::Handshake(_)), "{broken:?}");
}

fn connect_answer(answer: &'static str) -> TransportError {
    let server = Scripted::new(false, move |stream, _| {
        assert!(stream.read_head().starts_with("CONNECT a.example:443 "));
        stream.say(answer);
        // The client's first TLS record, where the tunnel stands, or nothing.
        let _ = stream.read(&mut [0; 1]);
    });
    server.open_through("https://a.example").unwrap_err()
}

#[test]
fn any_success_of_connect_opens_the_tunnel() {
    for answer in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 299 Odd\r\nContent-Length: 9\r\n\r\n",
    ] {
        // The script has no TLS to offer; what matters is that the client begins with it.
        let broken = connect_answer(answer);
        assert!(matches!(broken, TransportError::Io(_)), "{broken:?}");
    }
}

#[test]
fn bytes_behind_the_answer_to_connect_are_not_believed() {
    let broken = connect_answer("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    assert!(
        matches!(broken, TransportError::Protocol(reason) if reason.contains("into the tunnel")),
        "{broken:?}"
    );
}

#[test]
fn refusals_of_connect_are_named() {
    for (answer, expected) in [
        ("HTTP/1.1 407 Who?\r\n\r\n", 407),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 502),
        ("HTTP/1.1 302 Found\r\n\r\n", 302),
    ] {
        let broken = connect_answer(answer);
        assert!(
            matches!(broken, TransportError::Proxy(status) if status == expected),
            "{broken:?}"
        );
    }
}
