//! Which failures are worth another attempt, and when.

use std::time::Duration;

use crate::http::number;

/// What to do about an answer that is not a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Final.
    Fail,
    /// Try again after a while.
    Retry,
    /// As `Retry`; the service has too much to do, so send fewer requests at a time.
    RetrySlower,
    /// Get a new token, then try again; once a request.
    NewToken,
}

/// The decision for a status and the service's error code.
///
/// Codes: <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes> and
/// <https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes>.
pub(crate) fn decide(status: u16, code: Option<&str>) -> Decision {
    match (status, code) {
        (429 | 503, _) => Decision::RetrySlower,
        // Azurite says 500 for what it has not implemented. And a source that the service may not read is read
        // no better with another token of this client.
        (500, Some("FeatureNotSupported" | "NotImplemented"))
        | (401, Some("CannotVerifyCopySource")) => Decision::Fail,
        (408 | 500 | 502 | 504, _) => Decision::Retry,
        (401, _) => Decision::NewToken,
        _ => Decision::Fail,
    }
}

/// How often and how long to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) max_retries: u32,
}

/// First delay; it doubles with each attempt.
const BASE: Duration = Duration::from_millis(250);
/// Longest delay of our own choice.
const CAP: Duration = Duration::from_secs(30);
/// Longest delay that is accepted from the service.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(120);
/// Retries where something else seems to be at the address: whoever mistyped it should not wait for a
/// minute.
const MAX_RETRIES_UNKNOWN: u32 = 2;

impl Policy {
    /// The delay before the next attempt, or None when there is to be none.
    ///
    /// `failures` counts failed attempts in a row; `known` tells whether the service itself is at the other
    /// end, as far as can be seen.
    pub(crate) fn delay(
        self,
        failures: u32,
        retry_after: Option<Duration>,
        known: bool,
    ) -> Option<Duration> {
        let most = if known {
            self.max_retries
        } else {
            self.max_retries.min(MAX_RETRIES_UNKNOWN)
        };
        if failures > most {
            return None;
        }
        let doubled = BASE.saturating_mul(1 << (failures.max(1) - 1).min(16));
        // Jitter keeps many clients that failed together from coming back together.
        let own = doubled.min(CAP).mul_f64(0.5 + fastrand::f64() / 2.0);
        Some(match retry_after {
            // Those who were told the same time do not come at the same moment.
            Some(asked) => asked.min(RETRY_AFTER_CAP) + own.mul_f64(fastrand::f64() / 4.0),
            None => own,
        })
    }
}

/// The delay that an answer asks for: `x-ms-retry-after-ms`, `retry-after-ms`, or `Retry-After` in
/// seconds or as a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    for name in ["x-ms-retry-after-ms", "retry-after-ms"] {
        if let Some(value) = header(name).and_then(number) {
            return Some(Duration::from_millis(value));
        }
    }
    let value = header("retry-after")?;
    if let Some(seconds) = number(value) {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    date.duration_since(std::time::SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_where_it_was_refused_and_not_where_a_source_was() {
        let refused = decide(401, Some("InvalidAuthenticationInfo"));
        assert_eq!(refused, Decision::NewToken);
        let source = decide(401, Some("CannotVerifyCopySource"));
        assert_eq!(source, Decision::Fail);
    }

    #[test]
    fn delays_grow_and_end() {
        let policy = Policy { max_retries: 3 };
        for failures in 1..=3 {
            let delay = policy.delay(failures, None, true).unwrap();
            let doubled = BASE * (1 << (failures - 1));
            assert!(delay <= doubled && delay >= doubled / 2);
        }
        assert_eq!(policy.delay(4, None, true), None);
        assert_eq!(policy.delay(3, None, false), None);
        assert!(Policy { max_retries: 50 }.delay(50, None, true).unwrap() <= CAP);
    }

    #[test]
    fn the_service_may_ask_for_more() {
        let policy = Policy { max_retries: 3 };
        let asked = Duration::from_secs(7);
        let delay = policy.delay(1, Some(asked), true).unwrap();
        assert!(delay >= asked && delay < asked + BASE);
        let most = policy
            .delay(1, Some(Duration::from_secs(9_999)), true)
            .unwrap();
        assert!(most < RETRY_AFTER_CAP + BASE);
        assert!(policy.delay(1, Some(Duration::ZERO), true).unwrap() < BASE);
    }

    #[test]
    fn forms_of_retry_after() {
        let with = |name: &'static str, value: &'static str| {
            retry_after(move |asked| (asked == name).then_some(value))
        };
        assert_eq!(with("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(
            with("x-ms-retry-after-ms", "20"),
            Some(Duration::from_millis(20))
        );
        assert!(
            with("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT").unwrap() > Duration::from_secs(9)
        );
        for odd in ["soon", "-2", "+2", "2 s"] {
            assert_eq!(with("retry-after", odd), None, "{odd}");
        }
        assert_eq!(with("date", "2"), None);
    }
}
