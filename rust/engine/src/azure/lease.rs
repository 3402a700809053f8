//! Lease Blob: <https://learn.microsoft.com/rest/api/storageservices/lease-blob>

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::is_guid,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
};
use crate::{
    error::{Error, ErrorKind, InvalidInput, Result},
    http::{Request, ResponseHead, number},
    random::unique,
};

/// The service's own limits of a lease that ends by itself, and the longest break, in seconds.
const SECONDS: std::ops::RangeInclusive<i64> = 15..=60;
const MAX_BREAK: i64 = 60;

/// What is done with the lease on a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    /// For so many seconds; without a number until it is released or broken.
    Acquire {
        id: String,
        seconds: Option<i64>,
    },
    Renew {
        id: String,
    },
    Change {
        id: String,
        new_id: String,
    },
    Release {
        id: String,
    },
    /// Ends the lease of whomever in so many seconds; without a number when it would end by itself, an
    /// infinite one at once.
    Break {
        seconds: Option<i64>,
    },
}

/// An operation on the lease on a blob.
#[derive(Clone, Debug)]
pub struct Lease(Action);

impl Lease {
    /// Acquires a lease for 15 to 60 seconds, or for ever. The id is chosen here where none is given: an
    /// attempt whose answer got lost can be repeated with it.
    ///
    /// # Errors
    /// Names the argument and the rule, here and below.
    pub fn acquire(id: Option<String>, seconds: Option<i64>) -> Result<Self, InvalidInput> {
        if let Some(seconds) = seconds.filter(|seconds| !SECONDS.contains(seconds)) {
            return Err(InvalidInput::new(format!(
                "a lease lasts 15 to 60 seconds, or for ever (None), not {seconds}"
            )));
        }
        let id = checked(id.unwrap_or_else(new_id))?;
        Ok(Self(Action::Acquire { id, seconds }))
    }

    /// Lets a lease last as long as it did when it was acquired, from now on.
    ///
    /// # Errors
    /// See above.
    pub fn renew(id: String) -> Result<Self, InvalidInput> {
        checked(id).map(|id| Self(Action::Renew { id }))
    }

    /// Gives a lease another id.
    ///
    /// # Errors
    /// See above.
    pub fn change(id: String, new_id: String) -> Result<Self, InvalidInput> {
        let (id, new_id) = (checked(id)?, checked(new_id)?);
        Ok(Self(Action::Change { id, new_id }))
    }

    /// Ends a lease at once.
    ///
    /// # Errors
    /// See above.
    pub fn release(id: String) -> Result<Self, InvalidInput> {
        checked(id).map(|id| Self(Action::Release { id }))
    }

    /// Ends a lease whose id need not be known, within at most so many seconds.
    ///
    /// # Errors
    /// See above.
    pub fn break_within(seconds: Option<i64>) -> Result<Self, InvalidInput> {
        if let Some(seconds) = seconds.filter(|seconds| !(0..=MAX_BREAK).contains(seconds)) {
            return Err(InvalidInput::new(format!(
                "a lease is broken within 0 to 60 seconds, not {seconds}"
            )));
        }
        Ok(Self(Action::Break { seconds }))
    }

    /// What an answer says of the lease.
    fn read(&self, head: &ResponseHead) -> Result<Answer> {
        let odd = |reason: &str| Err(Error::new(ErrorKind::Service, reason));
        match &self.0 {
            Action::Release { .. } => Ok(Answer::Done),
            Action::Break { .. } => match head.get("x-ms-lease-time").and_then(number) {
                Some(seconds) => Ok(Answer::LeaseEndsIn(seconds)),
                None => odd("the answer does not say when the lease ends"),
            },
            Action::Acquire { id, .. }
            | Action::Renew { id }
            | Action::Change { new_id: id, .. } => match head.get("x-ms-lease-id") {
                Some(answered) if answered.eq_ignore_ascii_case(id) => {
                    Ok(Answer::Leased(id.clone()))
                }
                _ => odd("the answer is about another lease"),
            },
        }
    }

    /// Whether an error says what is so because an attempt, whose answer got lost, was carried out.
    fn was_carried_out(&self, error: &Error) -> bool {
        matches!(self.0, Action::Release { .. })
            && matches!(
                error.code(),
                Some(
                    "LeaseIdMismatchWithLeaseOperation"
                        | "LeaseNotPresentWithLeaseOperation"
                        | "BlobNotFound"
                )
            )
    }
}

/// An id as the service has it.
fn checked(id: String) -> Result<String, InvalidInput> {
    if is_guid(&id) {
        Ok(id)
    } else {
        Err(InvalidInput::new(
            "the id of a lease is a GUID, such as 1f812371-a41d-49e6-b123-f4b542e851c5",
        ))
    }
}

/// A GUID that nobody else has, nor a child of `fork`.
fn new_id() -> String {
    let (high, low) = (unique(), unique());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

struct Call<'a> {
    path: String,
    action: &'a Action,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        match self.action {
            Action::Acquire { .. } => &[201],
            Action::Break { .. } => &[202],
            _ => &[200],
        }
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = Request::new("PUT", &*self.path).query("comp", "lease");
        let named = |action: &'static str, id: &'r str| {
            let request = Request::new("PUT", &*self.path).query("comp", "lease");
            request
                .header("x-ms-lease-action", action)
                .header("x-ms-lease-id", id)
        };
        match self.action {
            Action::Acquire { id, seconds } => request
                .header("x-ms-lease-action", "acquire")
                .header("x-ms-lease-duration", seconds.unwrap_or(-1).to_string())
                .header("x-ms-proposed-lease-id", id.as_str()),
            Action::Renew { id } => named("renew", id),
            Action::Change { id, new_id } => {
                named("change", id).header("x-ms-proposed-lease-id", new_id.as_str())
            }
            Action::Release { id } => named("release", id),
            Action::Break { seconds } => {
                let request = request.header("x-ms-lease-action", "break");
                match seconds {
                    Some(seconds) => request.header("x-ms-lease-break-period", seconds.to_string()),
                    None => request,
                }
            }
        }
    }
}

impl SmallOperation for Lease {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        let mut call = Call {
            path: session.account.endpoint.path_of(blob),
            action: &self.0,
        };
        match session.call(attempts, &mut call) {
            Ok((head, _)) => self.read(&head),
            Err(error) if attempts.ambiguous && self.was_carried_out(&error) => Ok(Answer::Done),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "fa57b10b-0000-4000-8000-00000000000a";
    const OTHER: &str = "fa57b10b-0000-4000-8000-00000000000b";

    fn sent(lease: &Lease) -> Vec<String> {
        let call = Call {
            path: "/c/b".to_owned(),
            action: &lease.0,
        };
        let request = call.request(None);
        assert_eq!(request.query, [("comp", "lease".into())]);
        let headers = request.headers.iter();
        headers
            .map(|(name, value)| format!("{}: {value}", name.trim_start_matches("x-ms-")))
            .collect()
    }

    #[test]
    fn each_action_names_what_it_needs() {
        let id = || ID.to_owned();
        for (lease, headers) in [
            (
                Lease::acquire(Some(id()), Some(15)),
                vec![
                    "lease-action: acquire".to_owned(),
                    "lease-duration: 15".to_owned(),
                    format!("proposed-lease-id: {ID}"),
                ],
            ),
            (
                Lease::acquire(Some(id()), None),
                vec![
                    "lease-action: acquire".to_owned(),
                    "lease-duration: -1".to_owned(),
                    format!("proposed-lease-id: {ID}"),
                ],
            ),
            (
                Lease::renew(id()),
                vec!["lease-action: renew".to_owned(), format!("lease-id: {ID}")],
            ),
            (
                Lease::change(id(), OTHER.to_owned()),
                vec![
                    "lease-action: change".to_owned(),
                    format!("lease-id: {ID}"),
                    format!("proposed-lease-id: {OTHER}"),
                ],
            ),
            (
                Lease::release(id()),
                vec![
                    "lease-action: release".to_owned(),
                    format!("lease-id: {ID}"),
                ],
            ),
            (
                Lease::break_within(None),
                vec!["lease-action: break".to_owned()],
            ),
            (
                Lease::break_within(Some(0)),
                vec![
                    "lease-action: break".to_owned(),
                    "lease-break-period: 0".to_owned(),
                ],
            ),
        ] {
            assert_eq!(sent(&lease.unwrap()), headers);
        }
    }

    #[test]
    fn an_id_is_made_where_none_is_given() {
        let ids = [(); 2].map(|()| match Lease::acquire(None, None).unwrap().0 {
            Action::Acquire { id, .. } => id,
            other => panic!("{other:?}"),
        });
        assert!(
            ids.iter().all(|id| id.len() == 36 && is_guid(id)),
            "{ids:?}"
        );
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for seconds in [-1, 0, 14, 61, i64::MAX] {
            assert!(Lease::acquire(None, Some(seconds)).is_err(), "{seconds}");
        }
        for seconds in [-1, 61] {
            assert!(Lease::break_within(Some(seconds)).is_err(), "{seconds}");
        }
        for id in ["", "mine", "a\r\nb: c"] {
            assert!(Lease::renew(id.to_owned()).is_err(), "{id:?}");
            assert!(
                Lease::change(ID.to_owned(), id.to_owned()).is_err(),
                "{id:?}"
            );
        }
    }

    fn answer(lease: &Lease, headers: &str) -> Option<Answer> {
        let text = format!(
            "HTTP/1.1 200 OK\r\nETag: \"0x8DAD326CA8CBE87\"\r\nContent-Length: 0\r\n{headers}\r\n"
        );
        let head = ResponseHead::parse(text.as_bytes(), false).unwrap();
        lease.read(&head.unwrap().0).ok()
    }

    #[test]
    fn what_an_answer_says() {
        let acquired = Lease::acquire(Some(ID.to_owned()), Some(60)).unwrap();
        // The service gives every id in small letters, however it was proposed.
        let upper = Lease::renew(ID.to_uppercase()).unwrap();
        let changed = Lease::change(ID.to_owned(), OTHER.to_owned()).unwrap();
        let broken = Lease::break_within(None).unwrap();
        let of = |id: &str| format!("x-ms-lease-id: {id}\r\n");
        assert_eq!(
            answer(&acquired, &of(ID)),
            Some(Answer::Leased(ID.to_owned()))
        );
        assert!(matches!(answer(&upper, &of(ID)), Some(Answer::Leased(_))));
        assert_eq!(
            answer(&changed, &of(OTHER)),
            Some(Answer::Leased(OTHER.to_owned()))
        );
        assert_eq!(
            answer(&broken, "x-ms-lease-time: 12\r\n"),
            Some(Answer::LeaseEndsIn(12))
        );
        assert!(answer(&acquired, &of(OTHER)).is_none());
        assert!(answer(&acquired, "").is_none());
        assert!(answer(&broken, "x-ms-lease-time: -3\r\n").is_none());
    }
}
