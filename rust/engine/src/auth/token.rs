//! Bearer tokens: fetched from outside, kept here, refreshed by one thread for all.

use std::{
    error::Error as StdError,
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{
    cancel::Cancellation,
    error::{Error, ErrorKind},
    limits::{TICK, TOKEN_REFRESH_AHEAD},
    sync::lock,
};

/// A bearer token.
#[derive(Clone)]
pub struct Token {
    /// What is sent, without the word `Bearer`.
    pub secret: String,
    /// When the service stops accepting it.
    pub expires_on: SystemTime,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(expires_on: {:?})", self.expires_on)
    }
}

/// Where tokens come from, such as Python's `DefaultAzureCredential`.
pub trait TokenProvider: Send + Sync {
    /// Fetches a token for Azure Storage. May take seconds; never called by two threads at once.
    ///
    /// `claims` is what a challenge asked for: a token that was kept is no good then.
    ///
    /// # Errors
    /// Whatever went wrong; it becomes the source of the transfer's error.
    fn token(&self, claims: Option<&str>) -> Result<Token, Box<dyn StdError + Send + Sync>>;
}

/// After a refresh that failed, the next one is tried this much later.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

/// One token for all threads.
pub(crate) struct TokenCache {
    provider: Arc<dyn TokenProvider>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    claims: Option<String>,
    fetching: bool,
    /// Counts fetches, so that those who waited for a failed one share its error.
    fetches: u64,
    failure: Option<Error>,
}

struct Held {
    authorization: Arc<str>,
    expires_on: SystemTime,
    refresh_on: SystemTime,
}

impl TokenCache {
    pub(crate) fn new(provider: Arc<dyn TokenProvider>) -> Self {
        Self {
            provider,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The value of the Authorization header.
    ///
    /// Near its end the token is refreshed by the first thread that comes along; the others go on with
    /// the old one, and only once that has expired wait for the new.
    pub(crate) fn authorization(&self, cancellation: &Cancellation) -> Result<Arc<str>, Error> {
        let mut state = lock(&self.state);
        let waited_for = state.fetches + 1;
        loop {
            let now = SystemTime::now();
            let valid = state.held.as_ref().filter(|held| now < held.expires_on);
            if let Some(held) = valid
                && (now < held.refresh_on || state.fetching)
            {
                return Ok(Arc::clone(&held.authorization));
            }
            if !state.fetching {
                if state.fetches >= waited_for
                    && let Some(failure) = &state.failure
                {
                    return Err(failure.clone());
                }
                return self.fetch(state);
            }
            state = self
                .changed
                .wait_timeout(state, TICK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if cancellation.check().is_err() {
                return Err(Error::cancelled());
            }
        }
    }

    fn fetch(&self, mut state: MutexGuard<'_, State>) -> Result<Arc<str>, Error> {
        state.fetching = true;
        let claims = state.claims.take();
        drop(state);
        // Whoever waits must hear of the end, also of this one.
        let fetch =
            panic::catch_unwind(AssertUnwindSafe(|| self.provider.token(claims.as_deref())));
        let fetched = fetch.unwrap_or_else(|_| Err("the credential panicked".into()));
        let now = SystemTime::now();
        let mut state = lock(&self.state);
        state.fetching = false;
        state.fetches += 1;
        self.changed.notify_all();
        match fetched {
            Ok(token) => {
                let life = token.expires_on.duration_since(now).unwrap_or_default();
                let ahead = TOKEN_REFRESH_AHEAD.min(life / 5);
                let authorization: Arc<str> = format!("Bearer {}", token.secret).into();
                state.failure = None;
                state.held = Some(Held {
                    authorization: Arc::clone(&authorization),
                    expires_on: token.expires_on,
                    refresh_on: token.expires_on - ahead,
                });
                Ok(authorization)
            }
            Err(source) => {
                state.claims = claims;
                if let Some(held) = state.held.as_mut().filter(|held| now < held.expires_on) {
                    held.refresh_on = now + REFRESH_PAUSE;
                    log::warn!("the token could not be refreshed; the old one is still valid");
                    return Ok(Arc::clone(&held.authorization));
                }
                let failure = Error::new(
                    ErrorKind::Authentication,
                    format!("the credential gave no token: {source}"),
                )
                .with_source(source.into());
                state.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Drops the token that the service refused, unless another thread did so already.
    pub(crate) fn refused(&self, authorization: &str, claims: Option<String>) {
        let mut state = lock(&self.state);
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
    use std::{sync::Barrier, thread};

    use super::*;
    use crate::cancel::{CancelFlag, SignalPoll};

    /// Gives tokens `1`, `2`, ... of the given lifetimes; fails where there is none.
    struct Scripted(Mutex<(Vec<u64>, Vec<Option<String>>)>);

    impl Scripted {
        fn cache(lifetimes: &[u64]) -> (Arc<Self>, TokenCache) {
            let mut lifetimes = lifetimes.to_vec();
            lifetimes.reverse();
            let provider = Arc::new(Self(Mutex::new((lifetimes, Vec::new()))));
            (Arc::clone(&provider), TokenCache::new(provider))
        }

        fn calls(&self) -> Vec<Option<String>> {
            self.0.lock().unwrap().1.clone()
        }
    }

    impl TokenProvider for Scripted {
        fn token(&self, claims: Option<&str>) -> Result<Token, Box<dyn StdError + Send + Sync>> {
            let mut script = self.0.lock().unwrap();
            script.1.push(claims.map(str::to_owned));
            let secret = script.1.len().to_string();
            let life = script.0.pop().ok_or("nothing left")?;
            Ok(Token {
                secret,
                expires_on: SystemTime::now() + Duration::from_secs(life),
            })
        }
    }

    fn get(cache: &TokenCache) -> Result<String, Error> {
        let cancel = CancelFlag::default();
        let cancellation = Cancellation::new(&cancel, SignalPoll::never());
        cache
            .authorization(&cancellation)
            .map(|value| value.to_string())
    }

    #[test]
    fn many_threads_fetch_once() {
        let (provider, cache) = Scripted::cache(&[3_600]);
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(get(&cache).unwrap(), "Bearer 1");
                });
            }
        });
        assert_eq!(provider.calls().len(), 1);
    }

    #[test]
    fn a_short_life_does_not_mean_a_fetch_a_call() {
        let (provider, cache) = Scripted::cache(&[200]);
        for _ in 0..5 {
            get(&cache).unwrap();
        }
        assert_eq!(provider.calls().len(), 1);
    }

    #[test]
    fn an_expired_token_is_replaced() {
        let (_, cache) = Scripted::cache(&[0, 3_600]);
        assert_eq!(get(&cache).unwrap(), "Bearer 1");
        assert_eq!(get(&cache).unwrap(), "Bearer 2");
    }

    #[test]
    fn a_failed_refresh_is_no_error_while_the_old_token_lives() {
        let (provider, cache) = Scripted::cache(&[3_600]);
        get(&cache).unwrap();
        lock(&cache.state).held.as_mut().unwrap().refresh_on = SystemTime::UNIX_EPOCH;
        assert_eq!(get(&cache).unwrap(), "Bearer 1");
        assert_eq!(get(&cache).unwrap(), "Bearer 1");
        assert_eq!(provider.calls().len(), 2);
    }

    #[test]
    fn a_refused_token_is_dropped_once_and_the_claims_are_passed_on() {
        let (provider, cache) = Scripted::cache(&[3_600, 3_600]);
        get(&cache).unwrap();
        cache.refused("Bearer 1", Some("claims".to_owned()));
        assert_eq!(get(&cache).unwrap(), "Bearer 2");
        cache.refused("Bearer 1", None);
        assert_eq!(get(&cache).unwrap(), "Bearer 2");
        assert_eq!(provider.calls(), [None, Some("claims".to_owned())]);
    }

    #[test]
    fn a_failure_names_its_source() {
        let (_, cache) = Scripted::cache(&[]);
        let error = get(&cache).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(
            StdError::source(&error).unwrap().to_string(),
            "nothing left"
        );
    }
}
