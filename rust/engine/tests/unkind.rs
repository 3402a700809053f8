//! Services that answer what they were not asked, or before they were.
#![allow(clippy::unwrap_used, reason = "a server that fails fails the test")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use fastblob_engine::{Client, Config, Credential, Endpoint, Token};
use support::{Expected, read, run_with, write};

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
        Client::new(Config::new(self.endpoint.clone(), Credential::anonymous())).unwrap()
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
