//! A raw HTTP client, so that the tests see what goes over the wire.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use fastblob_service::{Action, Fault, Options, Service};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub(crate) const VERSION: &str = "2024-11-04";

/// A service over plain HTTP with the container `data`.
pub(crate) fn start() -> Service {
    start_with(|_| ())
}

/// The same, with changed options.
pub(crate) fn start_with(change: impl FnOnce(&mut Options)) -> Service {
    let containers = vec!["data".into()];
    let mut options = Options {
        tls: false,
        containers,
        ..Options::default()
    };
    change(&mut options);
    Service::start(options).expect("starts")
}

/// A fault that strikes one operation once.
pub(crate) fn once(operation: &str, action: Action) -> Fault {
    Fault {
        operation: Some(operation.into()),
        method: None,
        path: None,
        after: 0,
        times: 1,
        action,
    }
}

/// Host and port of a URL.
pub(crate) fn address(url: &str) -> &str {
    let rest = url.split_once("://").expect("a URL").1;
    rest.split('/').next().expect("a host")
}

/// An answer as received.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// Status and error code.
    pub(crate) fn error(&self) -> (u16, &str) {
        (
            self.status,
            self.header("x-ms-error-code").unwrap_or_default(),
        )
    }
}

/// One connection to the blob endpoint, with a token.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    authorization: Option<String>,
    received: Vec<u8>,
}

impl Client {
    pub(crate) fn new(service: &Service) -> Self {
        let token = service.issue_token("https://storage.azure.com", Duration::from_secs(600));
        Self {
            authorization: Some(format!("Bearer {token}")),
            ..Self::anonymous(service)
        }
    }

    pub(crate) fn anonymous(service: &Service) -> Self {
        Self::connect(address(&service.blob_endpoint()))
    }

    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_nodelay(true).expect("no delay");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("time-out");
        Self {
            stream,
            authorization: None,
            received: Vec::new(),
        }
    }

    /// Sends a request for a path below the account, and reads the answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.try_send(method, path, headers, body)
            .expect("an answer")
    }

    pub(crate) fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut message = self.head(method, path, headers);
        message.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n"]);
        self.stream
            .write_all(&[message.as_bytes(), body].concat())?;
        self.receive(method == "HEAD")
    }

    /// The head of a request but for what tells the body's length.
    pub(crate) fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} /devstoreaccount1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "x-ms-version") {
            head.extend(["x-ms-version: ", VERSION, "\r\n"]);
        }
        if let Some(authorization) = &self.authorization {
            head.extend(["Authorization: ", authorization, "\r\n"]);
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head
    }

    /// Reads an answer; an error if it ends before its end.
    pub(crate) fn receive(&mut self, to_head: bool) -> io::Result<Response> {
        let end = loop {
            match self
                .received
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                Some(end) => break end + 4,
                None => self.fill()?,
            }
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).expect("UTF-8");
        let status = head[9..12].parse().expect("a status");
        let mut response = Response {
            status,
            head,
            body: Vec::new(),
        };
        if to_head {
            return Ok(response);
        }
        if response.header("transfer-encoding") == Some("chunked") {
            loop {
                let line = self.receive_line()?;
                let length = usize::from_str_radix(&line, 16).expect("the length of a chunk");
                response.body.extend(self.receive_exactly(length)?);
                assert_eq!(self.receive_line()?, "");
                if length == 0 {
                    return Ok(response);
                }
            }
        }
        let length = response
            .header("content-length")
            .map_or(0, |text| text.parse().expect("a length"));
        response.body = self.receive_exactly(length)?;
        Ok(response)
    }

    fn receive_line(&mut self) -> io::Result<String> {
        loop {
            let end = self.received.windows(2).position(|pair| pair == b"\r\n");
            if let Some(end) = end {
                let mut line = self.receive_exactly(end + 2)?;
                line.truncate(end);
                return Ok(String::from_utf8(line).expect("UTF-8"));
            }
            self.fill()?;
        }
    }

    fn receive_exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < length {
            self.fill()?;
        }
        Ok(self.received.drain(..length).collect())
    }

    /// The header's value that it sends.
    pub(crate) fn authorization(&self) -> &str {
        self.authorization.as_deref().unwrap_or_default()
    }

    /// Bytes received that no answer has used yet.
    pub(crate) fn received(&self) -> &[u8] {
        &self.received
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            got => {
                self.received.extend_from_slice(&buffer[..got]);
                Ok(())
            }
        }
    }

    pub(crate) fn put(&mut self, path: &str, body: &[u8]) -> Response {
        self.send("PUT", path, &[("x-ms-blob-type", "BlockBlob")], body)
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }
}

/// A TLS connection that trusts the service's authority and no other.
pub(crate) fn tls_connect(
    service: &Service,
    name: &str,
    socket: TcpStream,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(service.certificate_authority().as_bytes());
    roots.add(authority.expect("PEM")).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    StreamOwned::new(session, socket)
}
