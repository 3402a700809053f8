//! Times as Azure writes them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

/// Ticks of 100 ns between the year 1 and 1970.
const TICKS_AT_UNIX_EPOCH: u64 = 621_355_968_000_000_000;

/// Seconds since 1970, which is the resolution of `Last-Modified`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    pub(crate) fn now() -> Self {
        Self(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| elapsed.as_secs()),
        )
    }

    pub(crate) fn from_unix(seconds: u64) -> Self {
        Self(seconds)
    }

    /// From the form of HTTP headers: `Mon, 23 Nov 2026 15:32:25 GMT`.
    pub(crate) fn from_http(text: &str) -> Option<Self> {
        let time = httpdate::parse_http_date(text).ok()?;
        time.duration_since(UNIX_EPOCH)
            .ok()
            .map(|elapsed| Self(elapsed.as_secs()))
    }

    /// From the forms of ISO 8601 that a shared access signature may use, a date alone among them.
    pub(crate) fn from_iso8601(text: &str) -> Option<Self> {
        let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
        let date = format_description!("[year]-[month]-[day]");
        let time = OffsetDateTime::parse(text, &Rfc3339)
            .or_else(|_| PrimitiveDateTime::parse(text, minutes).map(PrimitiveDateTime::assume_utc))
            .or_else(|_| Date::parse(text, date).map(|date| date.midnight().assume_utc()))
            .ok()?;
        u64::try_from(time.unix_timestamp()).ok().map(Self)
    }

    pub(crate) fn as_unix(self) -> u64 {
        self.0
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_secs())
    }

    pub(crate) fn to_http(self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(self.0))
    }
}

/// The time as errors tell it, to 100 ns: `2026-11-23T15:32:25.1234567Z`.
pub(crate) fn now_to_the_tick() -> String {
    let now = OffsetDateTime::now_utc();
    let (date, (hour, minute, second, nanos)) = (now.date(), now.to_hms_nano());
    format!(
        "{date}T{hour:02}:{minute:02}:{second:02}.{:07}Z",
        nanos / 100
    )
}

/// Makes `ETags`: the time in ticks, as in Azure, and never the same twice.
#[derive(Debug, Default)]
pub(crate) struct Etags {
    last: AtomicU64,
}

impl Etags {
    /// The next one, in quotes.
    pub(crate) fn next(&self) -> String {
        let elapsed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = TICKS_AT_UNIX_EPOCH + elapsed.as_nanos() as u64 / 100;
        let last = self.last.fetch_max(now, Ordering::Relaxed);
        let ticks = if last < now {
            now
        } else {
            self.last.fetch_add(1, Ordering::Relaxed) + 1
        };
        format!("\"0x{ticks:X}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso8601_in_the_forms_of_a_signature() {
        let day = Timestamp::from_iso8601("2026-11-23").map(Timestamp::as_unix);
        assert_eq!(
            day,
            Timestamp::from_iso8601("2026-11-23T00:00Z").map(Timestamp::as_unix)
        );
        assert_eq!(
            day,
            Timestamp::from_iso8601("2026-11-23T00:00:00Z").map(Timestamp::as_unix)
        );
        assert_eq!(
            day,
            Timestamp::from_iso8601("2026-11-23T00:00:00.0000000Z").map(Timestamp::as_unix)
        );
        assert_eq!(Timestamp::from_iso8601("tomorrow"), None);
    }

    #[test]
    fn etags_never_repeat() {
        let etags = Etags::default();
        let mut made: Vec<String> = (0..10_000).map(|_| etags.next()).collect();
        made.sort();
        made.dedup();
        assert_eq!(made.len(), 10_000);
        assert!(made[0].starts_with("\"0x8D"), "{}", made[0]);
    }
}
