//! What a service is asked to do so that what it sends can be verified, and what instead where it cannot.

use crate::{
    account::Account, azure::Vouching, checksum::Checksum, error::Error, limits::MAX_CHECKSUM_RANGE,
};

/// How the service is asked to vouch for what it sends.
pub(super) fn vouching(account: &Account) -> Vouching {
    match account.checksum {
        None => Vouching::Length,
        Some(_) if !account.structured_messages.is_absent() => Vouching::StructuredMessage,
        Some(_) => without_messages(account),
    }
}

/// As [`vouching`], of a service that knows no structured messages.
pub(super) fn without_messages(account: &Account) -> Vouching {
    let is_needed = account.checksum == Some(Checksum::Crc64);
    if is_needed && !account.checked_ranges.is_absent() {
        Vouching::RangeCrc64
    } else {
        Vouching::Length
    }
}

/// Whether what comes plain has to be asked for again, with something else to vouch for it.
pub(super) fn is_asked_twice(account: &Account) -> bool {
    without_messages(account) != Vouching::Length
}

/// Bytes that one request asks for at most.
pub(super) fn longest(vouching: Vouching) -> u64 {
    match vouching {
        Vouching::RangeCrc64 => MAX_CHECKSUM_RANGE,
        Vouching::Length | Vouching::StructuredMessage => u64::MAX,
    }
}

/// What was asked for and did not come, until the request is answered in another form: only then is it clear
/// that the form was the reason. Of each whether the service explained it.
#[derive(Debug, Default)]
pub(super) struct Missed {
    message: Option<bool>,
    crc64: Option<bool>,
}

impl Missed {
    pub(super) fn add(&mut self, vouching: Vouching, is_explained: bool) {
        match vouching {
            Vouching::StructuredMessage => self.message = Some(is_explained),
            Vouching::RangeCrc64 => self.crc64 = Some(is_explained),
            Vouching::Length => {}
        }
    }

    /// The request has succeeded without.
    pub(super) fn remember(&self, account: &Account) {
        if let Some(is_explained) = self.message {
            account.without_structured_messages(is_explained);
        }
        if let Some(is_explained) = self.crc64 {
            account.without_checked_ranges(is_explained);
        }
    }
}

/// Whether an answer that comes without what was asked for is not to be believed: the endpoint has it.
pub(super) fn is_proven(account: &Account, vouching: Vouching) -> bool {
    match vouching {
        Vouching::Length => false,
        Vouching::RangeCrc64 => account.checked_ranges.is_proven(),
        Vouching::StructuredMessage => account.structured_messages.is_proven(),
    }
}

/// Whether the service may have refused the form that was asked for, and not the range.
pub(super) fn is_refusal(account: &Account, vouching: Vouching, error: &Error) -> bool {
    if is_proven(account, vouching) {
        return false;
    }
    match vouching {
        Vouching::Length => false,
        Vouching::RangeCrc64 => error.is_not_supported(),
        // As an emulator does that knows the version but not its headers.
        Vouching::StructuredMessage => error.status() == Some(400) || error.is_not_supported(),
    }
}
