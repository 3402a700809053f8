//! Random numbers that two processes do not share: a thread's own generator is copied by a fork.

use ring::rand::{SecureRandom, SystemRandom};

/// A number from the operating system.
pub(crate) fn unique() -> u64 {
    let mut bytes = [0; 8];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        // Systems without random numbers do not speak TLS either.
        Err(_) => fastrand::u64(..) ^ u64::from(std::process::id()),
    }
}
