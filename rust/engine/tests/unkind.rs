//! Services that answer what they were not asked, or before they were.
#![allow(clippy::unwrap_used, reason = "a server that fails fails the test")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use fastblob_engine::{
    Answer, BlobRef, Client, Conditions, Config, CopyBlob, Credential, Endpoint, ErrorKind, Job,
    ListOptions, Outcome, Output, Token, WriteOptions,
};
use support::{Expected, answering::Answering, read, run_with, write};

/// What a server does with its connections, one after another.
struct Server {
    endpoint: Endpoint,
    thread: JoinHandle<()>,
}

impl Server {
    /// `answers[n]` gets the n-th connection.
    fn new(answers: Vec<fn(&mut TcpStream)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            for answer in answers {
                let (mut socket, _) = listener.accept().unwrap();
                socket
                    .set_read_timeout(Some(Duration::from_secs(30)))
                    .unwrap();
                answer(&mut socket);
            }
        });
        Self {
            endpoint: Endpoint::parse(&format!("http://127.0.0.1:{port}/account")).unwrap(),
            thread,
        }
    }

    fn client(&self) -> Client {
        self.client_with(|_| {})
    }

    fn client_with(&self, configure: impl FnOnce(&mut Config)) -> Client {
        let mut config = Config::new(self.endpoint.clone(), Credential::anonymous());
        configure(&mut config);
        Client::new(config).unwrap()
    }

    /// Once all connections have come.
    fn end(self) {
        self.thread.join().unwrap();
    }
}

fn read_head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap()
}

/// Takes the whole request and says that the blob was written.
fn created(socket: &mut TcpStream) {
    let head = read_head(socket);
    let length: usize = header(&head, "content-length").parse().unwrap();
    socket.read_exact(&mut vec![0; length]).unwrap();
    let id = header(&head, "x-ms-client-request-id");
    write!(
        socket,
        "HTTP/1.1 201 Created\r\nx-ms-request-id: r\r\nx-ms-client-request-id: {id}\r\n\
         etag: \"e\"\r\nlast-modified: Fri, 01 Mar 2024 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
}

fn created_too_early(socket: &mut TcpStream) {
    socket.set_nodelay(true).unwrap();
    read_head(socket);
    socket
        .write_all(
            b"HTTP/1.1 201 Created\r\nx-ms-request-id: r\r\netag: \"e\"\r\n\
              last-modified: Fri, 01 Mar 2024 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n",
        )
        .unwrap();
}

#[test]
fn a_success_before_its_time_is_none() {
    let server = Server::new(vec![created_too_early, created]);
    let outcome = run_with(&server.client(), write("a", &vec![7; 6 << 20], true));
    outcome.uploaded();
    assert_eq!((outcome.requests, outcome.retries), (2, 1));
    server.end();
}

fn content_for_another(socket: &mut TcpStream) {
    read_head(socket);
    socket
        .write_all(
            b"HTTP/1.1 200 OK\r\nx-ms-request-id: r\r\nx-ms-client-request-id: another\r\n\
              etag: \"e\"\r\nlast-modified: Fri, 01 Mar 2024 00:00:00 GMT\r\n\
              content-length: 5\r\n\r\nwrong",
        )
        .unwrap();
}

fn content(socket: &mut TcpStream) {
    let head = read_head(socket);
    let id = header(&head, "x-ms-client-request-id");
    write!(
        socket,
        "HTTP/1.1 200 OK\r\nx-ms-request-id: r\r\nx-ms-client-request-id: {id}\r\n\
         etag: \"e\"\r\nlast-modified: Fri, 01 Mar 2024 00:00:00 GMT\r\n\
         content-length: 6\r\n\r\nproper"
    )
    .unwrap();
}

#[test]
fn an_answer_to_another_request_is_not_taken() {
    let server = Server::new(vec![content_for_another, content]);
    let outcome = run_with(&server.client(), read("a", 0, None));
    assert_eq!((outcome.downloaded().size, outcome.retries), (6, 1));
    server.end();
}

#[test]
fn a_token_cannot_add_a_header() {
    let token = Token::new("t0ken\r\nx-evil: 1".to_owned(), 4e9);
    let error = token.unwrap_err().to_string();
    assert!(error.contains("header"), "{error}");
    assert!(!error.contains("t0ken"), "{error}");
}

/// One byte of a million, wherever that is asked for.
fn one_byte(socket: &mut TcpStream) {
    let head = read_head(socket);
    let id = header(&head, "x-ms-client-request-id");
    let range = header(&head, "x-ms-range");
    let first: u64 = range["bytes=".len()..]
        .split('-')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    write!(
        socket,
        "HTTP/1.1 206 Partial Content\r\nx-ms-request-id: r\r\nx-ms-client-request-id: {id}\r\n\
         etag: \"e\"\r\ncontent-range: bytes {first}-999999/1000000\r\ncontent-length: {}\r\n\r\nx",
        1_000_000 - first
    )
    .unwrap();
}

#[test]
fn a_byte_a_connection_is_no_progress() {
    let server = Server::new(vec![one_byte; 3]);
    let client = server.client_with(|config| config.max_retries = 2);
    let outcome = run_with(&client, read("a", 0, None));
    assert_eq!(outcome.error().kind(), ErrorKind::Network);
    assert_eq!(outcome.requests, 3);
    server.end();
}

fn answer(socket: &mut TcpStream, status: &str, headers: &str) {
    let head = read_head(socket);
    let id = header(&head, "x-ms-client-request-id");
    write!(
        socket,
        "HTTP/1.1 {status}\r\nx-ms-request-id: r\r\nx-ms-client-request-id: {id}\r\netag: \"e\"\r\n\
         connection: close\r\n{headers}\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
}

fn begins_to_copy(socket: &mut TcpStream) {
    answer(
        socket,
        "202 Accepted",
        "x-ms-copy-id: copy-1\r\nx-ms-copy-status: pending",
    );
}

fn copies_on(socket: &mut TcpStream) {
    answer(
        socket,
        "200 OK",
        "x-ms-copy-id: copy-1\r\nx-ms-copy-status: pending\r\nx-ms-copy-progress: 3/7",
    );
}

fn copied(socket: &mut TcpStream) {
    answer(
        socket,
        "200 OK",
        "x-ms-copy-id: copy-1\r\nx-ms-copy-status: success",
    );
}

fn copied_by_somebody_else(socket: &mut TcpStream) {
    answer(
        socket,
        "200 OK",
        "x-ms-copy-id: copy-2\r\nx-ms-copy-status: success",
    );
}

fn written_by_somebody_else(socket: &mut TcpStream) {
    answer(socket, "200 OK", "x-ms-blob-type: BlockBlob");
}

fn copy(answers: Vec<fn(&mut TcpStream)>) -> Outcome {
    let server = Server::new(answers);
    let client = server.client_with(|config| config.timeout = Duration::from_millis(200));
    let options = WriteOptions::default();
    let copy = CopyBlob::new(support::blob("a"), Conditions::default(), options, true).unwrap();
    let outcome = run_with(&client, Job::copy(support::blob("b"), copy));
    server.end();
    outcome
}

#[test]
fn a_copy_in_the_background_is_waited_for() {
    copy(vec![begins_to_copy, copies_on, copied]).properties();
}

#[test]
fn a_copy_that_makes_no_progress_is_given_up() {
    // The time-out runs from the first answer that shows this progress, with a look in between.
    let outcome = copy(vec![begins_to_copy, copies_on, copies_on]);
    let error = outcome.error();
    assert_eq!(error.kind(), ErrorKind::Service);
    for part in ["copy-1", "3/7", "0.2 s"] {
        assert!(error.message().contains(part), "{error}");
    }
}

fn copies_back(socket: &mut TcpStream) {
    answer(
        socket,
        "200 OK",
        "x-ms-copy-id: copy-1\r\nx-ms-copy-status: pending\r\nx-ms-copy-progress: 2/7",
    );
}

#[test]
fn a_copy_that_goes_to_and_fro_is_given_up() {
    let outcome = copy(vec![begins_to_copy, copies_on, copies_back]);
    assert_eq!(outcome.error().kind(), ErrorKind::Service);
    assert!(outcome.error().message().contains("no progress"));
}

#[test]
fn the_end_of_another_copy_is_not_that_of_ours() {
    for answer in [copied_by_somebody_else, written_by_somebody_else] {
        let outcome = copy(vec![begins_to_copy, copies_on, answer]);
        assert_eq!(outcome.error().kind(), ErrorKind::Modified);
    }
}

#[test]
fn a_copy_of_which_nothing_is_told_any_more_is_not_done() {
    let outcome = copy(vec![
        |socket| answer(socket, "202 Accepted", "x-ms-copy-status: pending"),
        written_by_somebody_else,
    ]);
    assert_eq!(outcome.error().kind(), ErrorKind::Modified);
}

fn page(socket: &mut TcpStream, entries: &str, next: &str) {
    let head = read_head(socket);
    let id = header(&head, "x-ms-client-request-id");
    let body = format!(
        "<EnumerationResults><Blobs>{entries}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
    );
    write!(
        socket,
        "HTTP/1.1 200 OK\r\nx-ms-request-id: r\r\nx-ms-client-request-id: {id}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
}

const A: &str = "<Blob><Name>a</Name></Blob>";
const B: &str = "<Blob><Name>b</Name></Blob>";

fn list(answers: Vec<fn(&mut TcpStream)>) -> Outcome {
    let server = Server::new(answers);
    let container = BlobRef::parse("data").unwrap();
    let outcome = run_with(
        &server.client(),
        Job::list(container, ListOptions::default()),
    );
    server.end();
    outcome
}

#[test]
fn an_answer_that_needs_no_body_has_no_long_one() {
    for (length, is_taken) in [(1_000, true), (100_000, false)] {
        let server = Answering::new(move |_| {
            let body = "x".repeat(length);
            format!("201 x\r\ncontent-length: {length}\r\n\r\n{body}")
        });
        let client = server.client(|config| config.max_retries = 0);
        let outcome = run_with(&client, write("a", b"content", true));
        assert_eq!(outcome.result.is_ok(), is_taken, "{length}");
    }
}

#[test]
fn what_is_not_below_the_prefix_ends_a_list() {
    for name in ["b", "dirs/a", "dir", "Dir/a"] {
        let answer = format!("<Blob><Name>dir/a</Name></Blob><Blob><Name>{name}</Name></Blob>");
        let server = Answering::new(move |head| {
            assert!(head.contains("prefix=dir%2F"), "{head}");
            let body = format!("<EnumerationResults><Blobs>{answer}</Blobs></EnumerationResults>");
            format!("200 x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        });
        let folder = BlobRef::parse("data/dir").unwrap();
        let list = Job::list(folder, ListOptions::default());
        let outcome = run_with(&server.client(|_| {}), list);
        let error = outcome.error();
        assert_eq!(error.kind(), ErrorKind::Service, "{name}");
        assert!(error.message().contains("prefix"), "{error}");
    }
}

#[test]
fn pages_that_repeat_end_a_list() {
    let repeat: Vec<Vec<fn(&mut TcpStream)>> = vec![
        vec![|socket| page(socket, A, "1"), |socket| page(socket, B, "1")],
        vec![|socket| page(socket, A, "1"), |socket| page(socket, A, "2")],
        vec![
            |socket| page(socket, A, "1"),
            |socket| page(socket, B, "2"),
            |socket| page(socket, A, "3"),
        ],
    ];
    for answers in repeat {
        let outcome = list(answers);
        assert_eq!(outcome.error().kind(), ErrorKind::Service);
        assert!(outcome.error().message().starts_with("the list does not"));
    }
}

#[test]
fn a_prefix_that_goes_on_behind_the_end_of_a_page_is_named_once() {
    let outcome = list(vec![
        |socket| page(socket, "<BlobPrefix><Name>p/</Name></BlobPrefix>", "1"),
        |socket| page(socket, "", "2"),
        |socket| {
            let again = "<BlobPrefix><Name>p/</Name></BlobPrefix>";
            page(socket, &format!("{again}<Blob><Name>p</Name></Blob>"), "");
        },
    ]);
    let Output::Answer(Answer::Entries(entries)) = outcome.output() else {
        panic!("{outcome:?}");
    };
    let found: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.is_prefix))
        .collect();
    assert_eq!(found, [("p", true), ("p", false)]);
}

/// Takes a part of the request, and breaks the connection off: what was not read makes it a reset.
fn breaks_off(socket: &mut TcpStream) {
    read_head(socket);
    socket.read_exact(&mut [0; 1 << 10]).unwrap();
}

/// Takes the whole request, and breaks the connection off.
fn takes_and_breaks_off(socket: &mut TcpStream) {
    let head = read_head(socket);
    let length: usize = header(&head, "content-length").parse().unwrap();
    socket.read_exact(&mut vec![0; length]).unwrap();
}

fn exists_already(socket: &mut TcpStream) {
    let head = read_head(socket);
    let length: usize = header(&head, "content-length").parse().unwrap();
    socket.read_exact(&mut vec![0; length]).unwrap();
    let id = header(&head, "x-ms-client-request-id");
    write!(
        socket,
        "HTTP/1.1 409 Conflict\r\nx-ms-request-id: r\r\nx-ms-client-request-id: {id}\r\n\
         x-ms-error-code: BlobAlreadyExists\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
}

fn gone(socket: &mut TcpStream) {
    answer(socket, "404 Not Found", "x-ms-error-code: BlobNotFound");
}

#[test]
fn a_request_that_was_not_sent_whole_was_not_carried_out() {
    let content = vec![7; 8 << 20];
    // A conflict that leaves nothing open is not looked into.
    for (first, requests) in [
        (breaks_off as fn(&mut TcpStream), 2),
        (takes_and_breaks_off, 3),
    ] {
        let mut answers = vec![first, exists_already];
        answers.resize(requests, gone);
        let server = Server::new(answers);
        let outcome = run_with(&server.client(), write("a", &content, false));
        assert_eq!(outcome.error().kind(), ErrorKind::AlreadyExists);
        assert_eq!(outcome.requests as usize, requests);
        server.end();
    }
}
