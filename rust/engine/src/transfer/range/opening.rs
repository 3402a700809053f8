//! Asking for a range, in the form that the service knows, until an answer begins that may be taken.

use super::{RangeDownload, Version};
use crate::{
    account::Account,
    azure::{Attempts, GetBlob, Opened, ReceivedRange, Session, Vouching, check_version},
    error::{Error, ErrorKind, Result},
    transfer::{
        download::{Download, changed},
        vouching::{Missed, is_asked_twice, is_proven, is_refusal, longest, without_messages},
    },
};

/// Answers to one request without the checksum that the endpoint has sent before, after which the call fails.
const MAX_UNVOUCHED: u32 = 3;

impl RangeDownload {
    /// Asks for what is missing; the answer is of the version that the first one was of.
    pub(in super::super) fn open<'a>(
        &mut self,
        session: &mut Session<'a>,
        attempts: &mut Attempts,
        download: &Download,
        first: bool,
    ) -> Result<(Opened<'a>, ReceivedRange)> {
        let account = session.account;
        let mut missed = Missed::default();
        let mut unvouched = 0;
        loop {
            let from = self.start + self.reached.bytes;
            let end = self.start
                + self
                    .length
                    .min(self.reached.bytes.saturating_add(self.most));
            let mut get = GetBlob {
                address: &download.item.address,
                first: from,
                last: end - 1,
                etag: self
                    .version
                    .as_ref()
                    .and_then(|version| version.etag.as_deref())
                    .filter(|_| !first),
                conditions: Some(&download.conditions),
                buffer: self.buffer,
                vouching: self.vouching,
            };
            let opened = match session.open(attempts, &mut get) {
                Err(error) if is_refusal(account, self.vouching, &error) => {
                    log::debug!("asked for in another form: {error}");
                    missed.add(self.vouching, error.is_about_a_header());
                    self.ask_for_other_form(account);
                    attempts.in_another_form();
                    continue;
                }
                opened => opened?,
            };
            let received = match ReceivedRange::read(&opened.head, from, end, self.vouching) {
                Ok(received) => received,
                Err(error) => {
                    drop(opened);
                    session.broken(attempts, error)?;
                    continue;
                }
            };
            check_version(&opened.head, &download.item.blob, session)?;
            if received.is_message {
                account.structured_messages.prove();
            }
            let asked = self.vouching;
            let is_vouched_for = match asked {
                Vouching::Length => true,
                Vouching::RangeCrc64 => opened.head.get("x-ms-content-crc64").is_some(),
                Vouching::StructuredMessage => received.is_message,
            };
            if !is_vouched_for && is_proven(account, asked) {
                drop(opened);
                unvouched += 1;
                if unvouched == MAX_UNVOUCHED {
                    return Err(stopped_vouching().with_attempts(unvouched));
                }
                session.again(attempts, stopped_vouching())?;
                continue;
            }
            if !is_vouched_for {
                // A message that is not sent costs nothing, and is asked for again, unless something else
                // has to take its place.
                if asked == Vouching::RangeCrc64 || is_asked_twice(account) {
                    missed.add(asked, false);
                }
                self.ask_for_other_form(account);
                if self.vouching == Vouching::RangeCrc64 {
                    attempts.in_another_form();
                    continue;
                }
            }
            missed.remember(account);
            let version = Version::read(&opened.head, received.total);
            if self.version.as_ref().is_some_and(|known| *known != version) {
                return Err(changed());
            }
            return Ok((opened, received));
        }
    }

    fn ask_for_other_form(&mut self, account: &Account) {
        self.vouching = match self.vouching {
            Vouching::StructuredMessage => without_messages(account),
            Vouching::RangeCrc64 | Vouching::Length => Vouching::Length,
        };
        self.most = self.most.min(longest(self.vouching));
    }
}

fn stopped_vouching() -> Error {
    Error::new(
        ErrorKind::Integrity,
        "the answer comes without the checksum that the service has sent before, and is not believed; \
         something on the way removes it: check proxies and caches, or give checksum=None to do without",
    )
}
