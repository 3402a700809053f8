//! Scripted failures.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// One scripted failure.
///
/// It concerns the requests that match all of `operation`, `method` and `path` that are given. It
/// lets the first `after` of them pass and strikes the next `times`. Where several faults concern a
/// request, the one added first strikes.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Name of the operation as in [`RequestRecord`](crate::RequestRecord): `GetBlob`, `PutBlock`,
    /// `Token`, ...
    pub operation: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// Part of the path and query as sent.
    pub path: Option<String>,
    /// How many matching requests pass before the first is struck.
    pub after: u32,
    /// How many requests are struck; 0 for all.
    pub times: u32,
    /// What happens to them.
    pub action: Action,
}

/// What a [`Fault`] does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Answers this instead of doing what was asked. The body is read first, so that the connection
    /// can go on.
    Status {
        /// Status of the answer.
        status: u16,
        /// Error code, for header and body.
        code: String,
        /// Further headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// Waits before the request is carried out.
    Delay(Duration),
    /// Resets the connection.
    Reset {
        /// After so many bytes of the answer's body; None: before anything is done or answered.
        after_bytes: Option<u64>,
    },
    /// Resets the connection while the client sends.
    ResetUpload {
        /// After so many bytes of the request's body.
        after_bytes: u64,
    },
    /// Closes the connection in mid-body, in good order but short of its `Content-Length`.
    Truncate {
        /// After so many bytes of the answer's body.
        after_bytes: u64,
    },
    /// Inverts one byte of the answer's body.
    Corrupt {
        /// Offset of the byte in the body.
        at: u64,
    },
    /// Carries the request out, then closes the connection without an answer.
    LoseAnswer,
    /// Sends the answer's body at so many bytes a second, and closes the connection.
    Trickle {
        /// At least 1.
        bytes_per_second: u64,
    },
    /// Answers when only the head of the request was read, and closes the connection.
    AnswerBeforeBody {
        /// Status of the answer; from 300 on it is an error with `code`.
        status: u16,
        /// Error code, for header and body.
        code: String,
        /// Further headers.
        headers: Vec<(String, String)>,
    },
    /// Carries the request out, and sends these bytes behind the answer.
    ExtraBytes(Vec<u8>),
    /// Carries the request out, and answers with other values of these headers, or without those of
    /// which the value is empty. (`Content-Length` and `Date` stay.)
    ReplaceHeaders(Vec<(String, String)>),
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    matched: u32,
}

/// The faults that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Lets requests pass without the lock while no fault is set.
    any: AtomicBool,
    armed: Mutex<Vec<Armed>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.armed.lock().push(Armed { fault, matched: 0 });
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn clear(&self) {
        let mut armed = self.armed.lock();
        armed.clear();
        self.any.store(false, Ordering::Release);
    }

    /// What happens to a request, if anything.
    pub(crate) fn strike(&self, operation: &str, method: &str, target: &str) -> Option<Action> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut action = None;
        for Armed { fault, matched } in self.armed.lock().iter_mut() {
            if !fault.concerns(operation, method, target) {
                continue;
            }
            let due = *matched >= fault.after;
            let spent = fault.times > 0 && *matched >= fault.after.saturating_add(fault.times);
            if due && !spent {
                if action.is_some() {
                    continue;
                }
                action = Some(fault.action.clone());
            }
            *matched = matched.saturating_add(1);
        }
        action
    }
}

impl Fault {
    fn concerns(&self, operation: &str, method: &str, target: &str) -> bool {
        self.operation
            .as_ref()
            .is_none_or(|wanted| wanted == operation)
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self
                .path
                .as_ref()
                .is_none_or(|wanted| target.contains(wanted.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(after: u32, times: u32, action: Action) -> Fault {
        Fault {
            operation: Some("GetBlob".into()),
            method: None,
            path: None,
            after,
            times,
            action,
        }
    }

    fn struck(faults: &Faults) -> Vec<bool> {
        (0..5)
            .map(|_| faults.strike("GetBlob", "GET", "/c/b").is_some())
            .collect()
    }

    #[test]
    fn counts_what_it_skips_and_strikes() {
        let faults = Faults::default();
        faults.add(fault(1, 2, Action::LoseAnswer));
        assert!(faults.strike("PutBlob", "PUT", "/c/b").is_none());
        assert_eq!(struck(&faults), [false, true, true, false, false]);
        faults.clear();
        faults.add(fault(0, 0, Action::LoseAnswer));
        assert_eq!(struck(&faults), [true; 5]);
    }

    #[test]
    fn faults_follow_one_another() {
        let faults = Faults::default();
        faults.add(fault(0, 1, Action::LoseAnswer));
        faults.add(fault(0, 1, Action::Corrupt { at: 0 }));
        assert!(matches!(
            faults.strike("GetBlob", "GET", "/"),
            Some(Action::LoseAnswer)
        ));
        assert!(matches!(
            faults.strike("GetBlob", "GET", "/"),
            Some(Action::Corrupt { at: 0 })
        ));
        assert!(faults.strike("GetBlob", "GET", "/").is_none());
    }
}
