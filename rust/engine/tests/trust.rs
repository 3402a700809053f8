//! Certificates and proxies that the user names.
#![allow(clippy::unwrap_used, reason = "a server that fails fails the test")]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread,
};

use fastblob_engine::{Client, Config, Credential, Endpoint, ErrorKind};
use fastblob_service::{Options, Service};
use support::{Expected, Folder, read, run_with, write};

fn service_with_tls() -> Service {
    Service::start(Options {
        containers: vec!["data".to_owned()],
        ..Options::default()
    })
    .unwrap()
}

fn client(service: &Service, ca: &str) -> Client {
    let folder = Folder::new();
    let endpoint = Endpoint::parse(&service.blob_endpoint()).unwrap();
    let key = Credential::shared_key(service.account(), service.account_key()).unwrap();
    let mut config = Config::new(endpoint, key);
    config.trust.ca_file = Some(folder.file("ca.pem", ca.as_bytes()));
    // The file may go once the client is there.
    Client::new(config).unwrap()
}

#[test]
fn the_certificates_of_a_file_are_trusted_and_no_others() {
    let service = service_with_tls();
    let other = service_with_tls();
    let trusting = client(&service, service.certificate_authority());
    run_with(&trusting, write("a", b"content", true)).uploaded();
    let not_trusting = client(&service, other.certificate_authority());
    let outcome = run_with(&not_trusting, write("a", b"content", true));
    assert_eq!(outcome.error().kind(), ErrorKind::Network);
    assert!(outcome.error().message().contains("no trusted TLS"));
}

#[test]
fn a_proxy_that_is_named_is_on_the_way_to_this_machine_too() {
    let proxy = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = proxy.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let mut stream = BufReader::new(proxy.accept().unwrap().0);
        let head: Vec<_> = stream
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        head
    });
    // Nobody is at the endpoint itself.
    let endpoint = Endpoint::parse("http://127.0.0.1:1/account").unwrap();
    let mut config = Config::new(endpoint, Credential::anonymous());
    config.trust.proxy = Some(format!("http://me:pa55word@127.0.0.1:{port}"));
    let outcome = run_with(&Client::new(config).unwrap(), read("a", 0, None));
    assert_eq!(outcome.error().status(), Some(404));
    let head = thread.join().unwrap();
    assert!(
        head[0].starts_with("GET http://127.0.0.1:1/account/data/a"),
        "{head:?}"
    );
    assert!(
        head.iter()
            .any(|line| line.starts_with("proxy-authorization: Basic "))
    );
}
