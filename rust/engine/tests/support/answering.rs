//! A service that answers each request by its head alone.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use fastblob_engine::{Client, Config, Credential, Endpoint};

type Answer = Arc<dyn Fn(&str) -> String + Send + Sync>;

pub(crate) struct Answering {
    address: SocketAddr,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Answering {
    /// `answer` gets a head and gives status, further headers and body. Every answer has an ETag.
    pub(crate) fn new(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let ending = Arc::new(AtomicBool::new(false));
        let answer: Answer = Arc::new(answer);
        let ended = Arc::clone(&ending);
        let thread = thread::spawn(move || {
            let mut connections = Vec::new();
            while let Ok((socket, _)) = listener.accept() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let answer = Arc::clone(&answer);
                connections.push((
                    socket.try_clone().unwrap(),
                    thread::spawn(move || serve(&socket, &answer)),
                ));
            }
            for (socket, thread) in connections {
                let _ = socket.shutdown(std::net::Shutdown::Both);
                thread.join().unwrap();
            }
        });
        Self {
            address,
            ending,
            thread: Some(thread),
        }
    }

    pub(crate) fn client(&self, configure: impl FnOnce(&mut Config)) -> Client {
        let endpoint = Endpoint::parse(&format!("http://{}/account", self.address)).unwrap();
        let mut config = Config::new(endpoint, Credential::anonymous());
        configure(&mut config);
        Client::new(config).unwrap()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the service failed");
        }
    }
}

fn serve(mut socket: &TcpStream, answer: &Answer) {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match socket.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let id = value("x-ms-client-request-id: ").unwrap();
        let length = value("content-length: ").map_or(0, |length| length.parse().unwrap());
        if std::io::copy(&mut socket.take(length), &mut std::io::sink()).is_err() {
            return;
        }
        let answer = answer(&head);
        let (status, rest) = answer.split_once("\r\n").unwrap();
        let answer = format!(
            "HTTP/1.1 {status}\r\nx-ms-request-id: r\r\nx-ms-client-request-id: {id}\r\netag: \"e\"\r\n{rest}"
        );
        if socket.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
