//! Random identifiers.

use std::fmt::Write as _;
use std::io;

use ring::rand::{SecureRandom as _, SystemRandom};

/// Random bytes in hexadecimal.
pub(crate) fn random_hex<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    let random = SystemRandom::new().fill(&mut bytes);
    random.map_err(|_| io::Error::other("no random numbers"))?;
    let mut hex = String::with_capacity(2 * BYTES);
    for byte in bytes {
        write!(hex, "{byte:02x}").map_err(io::Error::other)?;
    }
    Ok(hex)
}

/// A GUID, as ids of leases and copies are.
pub(crate) fn random_guid() -> io::Result<String> {
    let hex = random_hex::<16>()?;
    Ok([
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-"))
}
