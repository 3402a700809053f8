//! Which of two came first: a blob, or an attempt to write it whose answer got lost.

use std::time::{Duration, SystemTime};

use super::{get_properties::BlobProperties, small_operation::date};
use crate::http::ResponseHead;

/// Headers tell whole seconds.
const SECOND: Duration = Duration::from_secs(1);
/// Clocks that are set by the network may differ by so much.
const CLOCKS_DIFFER: Duration = Duration::from_millis(100);
/// From the beginning of the year 1, where the service counts from, to 1970; in 100 ns.
const TICKS_TO_1970: u64 = 621_355_968_000_000_000;

/// Whether a blob was created after a moment of this machine's clock, as far as the service tells. `head`
/// is an answer that came just now: its date tells how the clocks differ.
pub(super) fn was_created_since(
    found: &BlobProperties,
    head: &ResponseHead,
    since: Option<SystemTime>,
) -> bool {
    let (Some(created), Some(service_now), Some(since)) =
        (latest_creation(found), date(head, "date"), since)
    else {
        return false;
    };
    let now = SystemTime::now();
    let clocks_agree =
        now + CLOCKS_DIFFER >= service_now && now <= service_now + SECOND + CLOCKS_DIFFER;
    let earliest = if clocks_agree {
        Some(since)
    } else {
        service_now.checked_sub(now.duration_since(since).unwrap_or_default())
    };
    earliest.is_some_and(|earliest| created > earliest)
}

/// The last moment at which the blob may have been created.
fn latest_creation(found: &BlobProperties) -> Option<SystemTime> {
    let second = found.creation_time?;
    let unchanged = found.last_modified == Some(second);
    let exact = ticks(found).filter(|time| *time >= second && *time < second + SECOND);
    Some(match exact {
        Some(time) if unchanged => time + CLOCKS_DIFFER,
        _ => second + SECOND,
    })
}

/// An ETag of Azure is the time of the last change in 100 ns, in hexadecimal: so it is in every recorded
/// answer, though no document says it. Hence it is believed only where the headers say the same second.
fn ticks(found: &BlobProperties) -> Option<SystemTime> {
    let digits = found
        .etag
        .as_deref()?
        .trim_matches('"')
        .strip_prefix("0x")?;
    let ticks = u64::from_str_radix(digits, 16).ok()?;
    let since_1970 = Duration::from_nanos(ticks.checked_sub(TICKS_TO_1970)?.checked_mul(100)?);
    SystemTime::UNIX_EPOCH.checked_add(since_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now_of(service: SystemTime) -> ResponseHead {
        let head = format!(
            "HTTP/1.1 200 OK\r\ndate: {}\r\n\r\n",
            httpdate::fmt_http_date(service)
        );
        ResponseHead::parse(head.as_bytes(), false)
            .unwrap()
            .unwrap()
            .0
    }

    fn whole_second(time: SystemTime) -> SystemTime {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
    }

    fn blob(created: SystemTime, etag: String) -> BlobProperties {
        BlobProperties {
            creation_time: Some(whole_second(created)),
            last_modified: Some(whole_second(created)),
            etag: Some(etag),
            ..BlobProperties::default()
        }
    }

    fn etag(time: SystemTime) -> String {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let ticks = u64::try_from(since.as_nanos() / 100).unwrap() + TICKS_TO_1970;
        format!("\"0x{ticks:X}\"")
    }

    #[test]
    fn ticks_of_a_recorded_answer() {
        // Etag and Last-Modified of one answer of the service.
        let found = BlobProperties {
            etag: Some("\"0x8D83B58BDF51D75\"".to_owned()),
            ..BlobProperties::default()
        };
        let time = httpdate::fmt_http_date(ticks(&found).unwrap());
        assert_eq!(time, "Sat, 08 Aug 2020 05:06:00 GMT");
    }

    #[test]
    fn one_that_was_there_before_is_somebody_else_s() {
        let begun = SystemTime::now();
        let head = now_of(begun);
        for (ago, ours) in [
            (0, true),
            (50, true),
            (300, false),
            (500, false),
            (1_000, false),
        ] {
            let created = begun - Duration::from_millis(ago);
            let found = blob(created, etag(created));
            assert_eq!(
                was_created_since(&found, &head, Some(begun)),
                ours,
                "{ago} ms"
            );
        }
        let later = begun + Duration::from_millis(20);
        assert!(was_created_since(
            &blob(later, etag(later)),
            &head,
            Some(begun)
        ));
    }

    #[test]
    fn without_ticks_whole_seconds_decide() {
        let begun = SystemTime::now();
        let head = now_of(begun);
        let random = "\"0x1A2B3C4D5E6F700\"".to_owned();
        assert!(was_created_since(
            &blob(begun, random.clone()),
            &head,
            Some(begun)
        ));
        let earlier = begun - Duration::from_millis(1_200);
        assert!(!was_created_since(
            &blob(earlier, random),
            &head,
            Some(begun)
        ));
    }

    #[test]
    fn what_cannot_be_known_is_not_ours() {
        let begun = SystemTime::now();
        let mut found = blob(begun, etag(begun));
        assert!(!was_created_since(&found, &now_of(begun), None));
        found.creation_time = None;
        assert!(!was_created_since(&found, &now_of(begun), Some(begun)));
    }

    #[test]
    fn clocks_that_differ() {
        let begun = SystemTime::now();
        let day = Duration::from_secs(86_400);
        let head = now_of(begun + day);
        let created = begun + day;
        assert!(was_created_since(
            &blob(created, etag(created)),
            &head,
            Some(begun)
        ));
        let earlier = begun + day - Duration::from_secs(3);
        assert!(!was_created_since(
            &blob(earlier, etag(earlier)),
            &head,
            Some(begun)
        ));
    }
}
