//! Puts load on the service in this process, and prints what a request costs.
//!
//! `cargo run --release -p fastblob-service --example load -- [connections] [requests] [bytes]`

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use fastblob_service::{Options, Service};

#[allow(clippy::print_stdout, reason = "a program's output")]
fn main() -> io::Result<()> {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok());
    let connections: usize = numbers.next().unwrap_or(4);
    let requests: usize = numbers.next().unwrap_or(40_000);
    let size: usize = numbers.next().unwrap_or(64 << 10);
    let service = Service::start(Options {
        tls: false,
        containers: vec!["load".into()],
        ..Options::default()
    })?;
    let token = service.issue_token("https://storage.azure.com", Duration::from_secs(3600));
    let endpoint = service.blob_endpoint();
    let address = endpoint
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default()
        .to_owned();

    let common =
        format!("Host: {address}\r\nAuthorization: Bearer {token}\r\nx-ms-version: 2024-11-04\r\n");
    // As fastblob sends it; without one the service would compute an MD5, as Azure does.
    let body = vec![0; size];
    let crc64 = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, &body);
    let crc64 = BASE64_STANDARD.encode(crc64.to_le_bytes());
    let put = |name: usize| {
        let mut message = format!(
            "PUT /devstoreaccount1/load/{name} HTTP/1.1\r\n{common}x-ms-blob-type: BlockBlob\r\nx-ms-content-crc64: {crc64}\r\nContent-Length: {size}\r\n\r\n"
        )
        .into_bytes();
        message.extend_from_slice(&body);
        message
    };
    let get = |name: usize| {
        format!("GET /devstoreaccount1/load/{name} HTTP/1.1\r\n{common}\r\n").into_bytes()
    };
    for (verb, message) in [
        ("PUT", &put as &(dyn Fn(usize) -> Vec<u8> + Sync)),
        ("GET", &get),
    ] {
        let each = requests / connections;
        let began = Instant::now();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..connections)
                .map(|name| {
                    scope.spawn({
                        let address = &address;
                        move || exchange(address, &message(name), each)
                    })
                })
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| io::Error::other("panic"))?)
        })?;
        let took = began.elapsed();
        let count = (each * connections) as f64;
        println!(
            "{verb} {size} bytes, {connections} connections: {:.0} a second, {:.1} us each",
            count / took.as_secs_f64(),
            took.as_secs_f64() * 1e6 / count
        );
    }
    Ok(())
}

/// Sends the message over and over, and reads an answer to each.
fn exchange(address: &str, message: &[u8], times: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 256 << 10];
    for _ in 0..times {
        stream.write_all(message)?;
        let mut filled = 0;
        let (head, length) = loop {
            filled += stream.read(&mut buffer[filled..])?;
            if let Some(found) = content_length(&buffer[..filled]) {
                break found;
            }
        };
        let mut left = (head + length).saturating_sub(filled);
        while left > 0 {
            let part = left.min(buffer.len());
            left -= stream.read(&mut buffer[..part])?;
        }
    }
    Ok(())
}

/// Where the body begins, and how long it is.
fn content_length(received: &[u8]) -> Option<(usize, usize)> {
    let end = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?
        + 4;
    let head = std::str::from_utf8(&received[..end]).ok()?;
    assert!(head.starts_with("HTTP/1.1 2"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))?;
    Some((end, length.parse().ok()?))
}
