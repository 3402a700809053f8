//! What the attempts at one request have come to.

use std::time::SystemTime;

/// How a request has fared so far.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pub(super) count: u32,
    /// In a row, without progress in between.
    pub(super) failures: u32,
    /// The next attempt takes a new connection.
    pub(super) reconnect: bool,
    pub(super) asked_for_token: bool,
    pub(super) first: Option<SystemTime>,
    /// Whether an attempt failed in a way that leaves open whether the service carried it out.
    pub(crate) ambiguous: bool,
}

impl Attempts {
    /// When the first attempt began.
    pub(crate) fn first(&self) -> Option<SystemTime> {
        self.first
    }

    /// The request is sent in another form, as the service does not know the one before: no repetition.
    pub(crate) fn in_another_form(&mut self) {
        self.count = 0;
        self.failures = 0;
    }

    /// Enough bytes have arrived: the failures before do not count.
    pub(crate) fn progressed(&mut self) {
        self.failures = 0;
    }
}
