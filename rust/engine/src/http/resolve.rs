//! Names of hosts to addresses, without waiting for a resolver that is silent.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::Arc,
    thread,
    time::Instant,
};

use super::transport_error::TransportError;
use crate::{
    cancel::Cancellation,
    limits::TICK,
    sync::{Condvar, Mutex},
};

type Addresses = Result<Vec<SocketAddr>, Arc<io::Error>>;

/// Finds the addresses of one host. Threads that ask at the same time share one question.
///
/// The system's resolver can be silent for half a minute, and nothing interrupts it; so a thread of its
/// own asks it, and goes on doing so when nobody waits any more. Nothing is kept between questions: that
/// is for the system, which knows how long an address is good.
#[derive(Debug)]
pub(super) struct Resolver {
    host: String,
    port: u16,
    resolve: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
    question: Mutex<Option<Arc<Question>>>,
}

#[derive(Debug, Default)]
struct Question {
    answer: Mutex<Option<Addresses>>,
    answered: Condvar,
}

impl Resolver {
    pub(super) fn new(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            resolve: |host, port| Ok((host, port).to_socket_addrs()?.collect()),
            question: Mutex::default(),
        }
    }

    /// The host's addresses, at least one, or an error by `deadline`.
    pub(super) fn addresses(
        &self,
        deadline: Instant,
        cancellation: &Cancellation,
    ) -> Result<Vec<SocketAddr>, TransportError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let question = self.ask()?;
        let mut answer = question.answer.lock();
        loop {
            match &*answer {
                Some(Ok(addresses)) if addresses.is_empty() => {
                    return Err(TransportError::Lookup(io::Error::new(
                        io::ErrorKind::NotFound,
                        "the host has no address",
                    )));
                }
                Some(Ok(addresses)) => return Ok(addresses.clone()),
                Some(Err(error)) => return Err(TransportError::lookup(error)),
                None => {}
            }
            // Waiting for Python's interpreter may take long, and others need the lock meanwhile.
            drop(answer);
            cancellation.check()?;
            if Instant::now() >= deadline {
                return Err(TransportError::Lookup(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the resolver did not answer in time",
                )));
            }
            answer = question.answer.lock();
            if answer.is_none() {
                (answer, _) = question.answered.wait_for(answer, TICK);
            }
        }
    }

    /// The question that is being asked, or a new one.
    fn ask(&self) -> Result<Arc<Question>, TransportError> {
        let mut current = self.question.lock();
        if let Some(question) = &*current
            && question.answer.lock().is_none()
        {
            return Ok(Arc::clone(question));
        }
        let question = Arc::new(Question::default());
        let (resolve, host, port) = (self.resolve, self.host.clone(), self.port);
        let asked = Arc::clone(&question);
        thread::Builder::new()
            .name("fastblob-resolver".to_owned())
            .spawn(move || {
                let answer = resolve(&host, port).map_err(Arc::new);
                *asked.answer.lock() = Some(answer);
                asked.answered.notify_all();
            })
            .map_err(TransportError::LocalShortage)?;
        *current = Some(Arc::clone(&question));
        Ok(question)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::{
        cancel::{CancelFlag, SignalPoll},
        http::scripted::{GUARD, patient},
    };

    fn with(resolve: fn(&str, u16) -> io::Result<Vec<SocketAddr>>) -> Resolver {
        Resolver {
            resolve,
            ..Resolver::new("account.example".to_owned(), 443)
        }
    }

    fn ask(resolver: &Resolver, timeout: Duration) -> Result<Vec<SocketAddr>, TransportError> {
        patient(|cancellation| resolver.addresses(Instant::now() + timeout, cancellation))
    }

    #[test]
    fn an_address_needs_no_resolver() {
        let never = |_: &str, _| -> io::Result<Vec<SocketAddr>> { panic!("was asked") };
        let resolver = Resolver {
            resolve: never,
            ..Resolver::new("::1".to_owned(), 80)
        };
        assert_eq!(
            ask(&resolver, GUARD).unwrap(),
            [SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 80))]
        );
    }

    #[test]
    fn the_system_is_asked() {
        let resolver = Resolver::new("localhost".to_owned(), 80);
        let addresses = ask(&resolver, GUARD).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn a_name_that_nobody_knows() {
        for resolver in [
            with(|_, _| Err(io::Error::other("no such name"))),
            with(|_, _| Ok(Vec::new())),
        ] {
            let broken = ask(&resolver, GUARD).unwrap_err();
            assert!(matches!(broken, TransportError::Lookup(_)), "{broken:?}");
        }
    }

    /// Answers once the test lets it.
    static GATE: Mutex<()> = Mutex::new(());
    static QUESTIONS: AtomicU32 = AtomicU32::new(0);

    #[test]
    fn a_silent_resolver_is_asked_once_and_keeps_nobody() {
        let resolver = with(|_, port| {
            QUESTIONS.fetch_add(1, Ordering::SeqCst);
            let _gate = GATE.lock();
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        });
        let gate = GATE.lock();
        for _ in 0..3 {
            let broken = ask(&resolver, Duration::from_millis(10)).unwrap_err();
            assert!(matches!(broken, TransportError::Lookup(_)), "{broken:?}");
        }
        let cancel = CancelFlag::default();
        let give_up = || true;
        let cancellation = Cancellation::new(&cancel, SignalPoll::new(&give_up));
        let broken = resolver
            .addresses(Instant::now() + GUARD, &cancellation)
            .unwrap_err();
        assert!(matches!(broken, TransportError::Cancelled));
        drop(gate);
        assert_eq!(ask(&resolver, GUARD).unwrap().len(), 1);
        assert_eq!(QUESTIONS.load(Ordering::SeqCst), 1);
    }
}
