//! Bearer tokens: supplied by the thread that drives a call, kept here for all of them.
//!
//! Nothing here calls whoever gives tokens out: it says that one is needed, and the driver of a call, one
//! of them at a time, fetches it on its own thread. So a credential runs where its user expects it, and
//! never with a lock or a permit held.

use std::{
    error::Error as StdError,
    fmt,
    sync::Arc,
    thread::{self, ThreadId},
    time::{Duration, SystemTime},
};

use crate::{
    error::{Error, ErrorKind, InvalidInput},
    http::is_header_value,
    limits::TOKEN_REFRESH_AHEAD,
    sync::{Condvar, Mutex},
};

/// A bearer token.
#[derive(Clone)]
pub struct Token {
    secret: String,
    expires_on: SystemTime,
}

/// No token is believed to live longer; one that says so is asked for again then.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Token {
    /// `secret` is what is sent, without the word `Bearer`; `expires_on` when the service stops
    /// accepting it, in seconds since the epoch.
    ///
    /// # Errors
    /// Where the secret is nothing that a header can hold, or the time is no number.
    pub fn new(secret: String, expires_on: f64) -> Result<Self, InvalidInput> {
        if secret.is_empty() || !is_header_value(&secret) {
            return Err(InvalidInput::new(
                "the credential's token has characters that no header can hold, or none at all",
            ));
        }
        if !expires_on.is_finite() {
            return Err(InvalidInput::new(format!(
                "the credential's token expires at {expires_on}, which is no time"
            )));
        }
        let latest = SystemTime::now() + LONGEST_LIFE;
        let expires_on = Duration::try_from_secs_f64(expires_on.max(0.0))
            .ok()
            .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
            .map_or(latest, |expires_on| expires_on.min(latest));
        Ok(Self { secret, expires_on })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(expires_on: {:?})", self.expires_on)
    }
}

/// Why no token could be had.
pub type TokenError = Box<dyn StdError + Send + Sync>;

/// After a refresh that failed, the next one is tried this much later.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

/// One token for all threads.
#[derive(Default)]
pub(crate) struct TokenCache {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    claims: Option<String>,
    /// Whose turn it is to fetch one.
    fetching: Option<ThreadId>,
    /// Counts fetches, so that those who waited for a failed one share its error.
    fetches: u64,
    failure: Option<Error>,
}

struct Held {
    authorization: Arc<str>,
    expires_on: SystemTime,
    refresh_on: SystemTime,
}

impl State {
    fn valid(&self) -> Option<&Held> {
        self.held
            .as_ref()
            .filter(|held| SystemTime::now() < held.expires_on)
    }
}

impl TokenCache {
    /// The number of fetches so far: those that fail later concern a call that begins now.
    pub(crate) fn fetches(&self) -> u64 {
        self.state.lock().fetches
    }

    /// The value of the Authorization header; None where a token has to be fetched first. An error where
    /// that was tried in vain since `fetches` was counted.
    pub(crate) fn authorization(&self, fetches: u64) -> Result<Option<Arc<str>>, Error> {
        let state = self.state.lock();
        if let Some(held) = state.valid() {
            return Ok(Some(Arc::clone(&held.authorization)));
        }
        match &state.failure {
            Some(failure) if state.fetches > fetches => Err(failure.clone()),
            _ => Ok(None),
        }
    }

    /// The token that is held, valid or not.
    pub(crate) fn secret(&self) -> Option<String> {
        let state = self.state.lock();
        let value = &*state.held.as_ref()?.authorization;
        Some(value.strip_prefix("Bearer ").unwrap_or(value).to_owned())
    }

    /// Whether a token is needed now (or soon, as the one that is there ends), and it is the calling
    /// thread's turn to fetch it: it must answer with `fetched`, `failed` or `give_up`.
    ///
    /// A thread does not wait for itself: where user code switches between tasks on one thread, as gevent
    /// does, both fetch.
    pub(crate) fn begin_fetch(&self, fetches: u64) -> bool {
        let mut state = self.state.lock();
        let wanted = match state.valid() {
            Some(held) => SystemTime::now() >= held.refresh_on,
            None => state.failure.is_none() || state.fetches <= fetches,
        };
        let this = thread::current().id();
        if !wanted || state.fetching.is_some_and(|thread| thread != this) {
            return false;
        }
        state.fetching = Some(this);
        true
    }

    /// Whether a thread is at it.
    pub(crate) fn is_fetching(&self) -> bool {
        self.state.lock().fetching.is_some()
    }

    /// Waits a moment for another thread's fetch.
    pub(crate) fn wait(&self, time: Duration) {
        let state = self.state.lock();
        if state.fetching.is_some() {
            drop(self.changed.wait_for(state, time));
        }
    }

    /// What a challenge asked of the next token (continuous access evaluation).
    pub(crate) fn claims(&self) -> Option<String> {
        self.state.lock().claims.clone()
    }

    pub(crate) fn fetched(&self, token: &Token) {
        let now = SystemTime::now();
        let life = token.expires_on.duration_since(now).unwrap_or_default();
        let ahead = TOKEN_REFRESH_AHEAD.min(life / 5);
        // One that has expired on arrival is tried for a moment, as clocks differ; it is not refreshed all the
        // time meanwhile.
        let tried_until = now + Duration::from_secs(1);
        let mut state = self.state.lock();
        state.held = Some(Held {
            authorization: format!("Bearer {}", token.secret).into(),
            expires_on: token.expires_on.max(tried_until),
            refresh_on: (token.expires_on - ahead).max(tried_until),
        });
        state.claims = None;
        state.failure = None;
        self.end_fetch(state);
        log::debug!("a new token, valid for {} s", life.as_secs());
    }

    pub(crate) fn failed(&self, source: TokenError) {
        let now = SystemTime::now();
        let mut state = self.state.lock();
        if let Some(held) = state.held.as_mut().filter(|held| now < held.expires_on) {
            held.refresh_on = now + REFRESH_PAUSE;
            self.end_fetch(state);
            log::warn!("the token could not be refreshed; the old one is still valid");
            return;
        }
        state.failure = Some(
            Error::new(
                ErrorKind::Authentication,
                format!("the credential gave no token: {source}"),
            )
            .with_source(source.into()),
        );
        self.end_fetch(state);
    }

    /// Whether it is this thread's turn to fetch one.
    pub(crate) fn has_turn(&self, thread: ThreadId) -> bool {
        self.state.lock().fetching == Some(thread)
    }

    /// Leaves the turn to another thread, if this one has it.
    pub(crate) fn give_up(&self, thread: ThreadId) {
        let mut state = self.state.lock();
        state.fetching.take_if(|fetching| *fetching == thread);
        drop(state);
        self.changed.notify_all();
    }

    fn end_fetch(&self, mut state: crate::sync::MutexGuard<'_, State>) {
        state.fetching = None;
        state.fetches += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Drops the token that the service refused, unless another thread did so already.
    pub(crate) fn refused(&self, authorization: &str, claims: Option<String>) {
        let mut state = self.state.lock();
        let same = state
            .held
            .as_ref()
            .is_some_and(|held| *held.authorization == *authorization);
        if same {
            state.held = None;
            state.claims = claims;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn token(secret: &str, life: i32) -> Token {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        Token::new(secret.to_owned(), now + f64::from(life)).unwrap()
    }

    fn sent(cache: &TokenCache, fetches: u64) -> Option<String> {
        let value = cache.authorization(fetches).unwrap()?;
        Some(value.to_string())
    }

    #[test]
    fn one_thread_at_a_time_fetches() {
        let cache = TokenCache::default();
        assert!(cache.begin_fetch(0));
        thread::scope(|scope| {
            scope.spawn(|| assert!(!cache.begin_fetch(0)));
        });
        // The same thread does not wait for itself.
        assert!(cache.begin_fetch(0));
        cache.fetched(&token("1", 3_600));
        assert_eq!(sent(&cache, 0).as_deref(), Some("Bearer 1"));
        assert!(!cache.begin_fetch(0));
    }

    #[test]
    fn near_its_end_a_token_is_used_on_and_refreshed() {
        let cache = TokenCache::default();
        cache.fetched(&token("1", 3_600));
        cache.state.lock().held.as_mut().unwrap().refresh_on = SystemTime::UNIX_EPOCH;
        assert!(cache.begin_fetch(1));
        assert_eq!(sent(&cache, 1).as_deref(), Some("Bearer 1"));
        cache.failed("nothing".into());
        assert_eq!(sent(&cache, 1).as_deref(), Some("Bearer 1"));
        assert!(!cache.begin_fetch(1), "not at every call");
    }

    #[test]
    fn a_short_life_does_not_mean_a_fetch_a_call() {
        let cache = TokenCache::default();
        cache.fetched(&token("1", 200));
        assert!(!cache.begin_fetch(1));
    }

    #[test]
    fn one_that_has_expired_on_arrival_is_tried_and_not_fetched_all_the_time() {
        let cache = TokenCache::default();
        cache.fetched(&token("1", -600));
        assert_eq!(sent(&cache, 0).as_deref(), Some("Bearer 1"));
        assert!(!cache.begin_fetch(1));
    }

    #[test]
    fn a_failure_concerns_those_who_waited_for_it() {
        let cache = TokenCache::default();
        let before = cache.fetches();
        assert!(cache.begin_fetch(before));
        cache.failed("nothing left".into());
        let error = cache.authorization(before).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(
            StdError::source(&error).unwrap().to_string(),
            "nothing left"
        );
        assert!(!cache.begin_fetch(before));
        // A call that begins now tries again.
        let now = cache.fetches();
        assert!(cache.authorization(now).unwrap().is_none());
        assert!(cache.begin_fetch(now));
    }

    #[test]
    fn a_turn_that_is_given_up_is_another_s() {
        let cache = TokenCache::default();
        assert!(cache.begin_fetch(0));
        cache.give_up(thread::current().id());
        thread::scope(|scope| {
            scope.spawn(|| assert!(cache.begin_fetch(0)));
        });
    }

    #[test]
    fn a_refused_token_is_dropped_once_and_the_claims_are_passed_on() {
        let cache = TokenCache::default();
        cache.fetched(&token("1", 3_600));
        cache.refused("Bearer 1", Some("claims".to_owned()));
        assert_eq!(cache.claims().as_deref(), Some("claims"));
        assert!(cache.authorization(1).unwrap().is_none());
        cache.fetched(&token("2", 3_600));
        cache.refused("Bearer 1", None);
        assert_eq!(sent(&cache, 1).as_deref(), Some("Bearer 2"));
        assert_eq!(cache.claims(), None);
    }

    #[test]
    fn odd_tokens() {
        let new = |secret: &str, expires_on| Token::new(secret.to_owned(), expires_on);
        assert!(new("a\r\nx-ms-meta-b: c", 1.0).is_err());
        assert!(new("", 1.0).is_err());
        assert!(new("a", f64::NAN).is_err());
        assert!(new("a", 1e19).is_ok());
        assert!(new("a", -5.0).is_ok());
        let error = new("secret\n", 1.0).unwrap_err().to_string();
        assert!(!error.contains("secret"));
    }
}
