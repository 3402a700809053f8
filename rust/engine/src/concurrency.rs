//! How many requests to have in flight.
//!
//! As many as help: the number doubles for as long as that raises throughput, as TCP's slow start does,
//! and is halved when the service says that it is busy. Measured: at 10 ms of latency 128 connections
//! are 3.8 times as fast as 32, on a loopback service with 2 cores they are no faster than 8.

use std::time::{Duration, Instant};

/// What a request costs apart from its bytes, in bytes: makes small and large requests comparable.
pub(crate) const REQUEST_WEIGHT: u64 = 32 << 10;
/// Throughput must rise by this factor, or more requests in flight were of no use.
const GROWTH: f64 = 1.25;
/// Rounds without growth before the search ends.
const PATIENCE: u32 = 2;
/// A round ends after this time, however few requests have ended: over slow connections a large one takes
/// seconds, and what moves meanwhile tells enough.
const ROUND: Duration = Duration::from_millis(200);
/// A new search begins after this time: networks change, and throttling passes.
const SEARCH_AGAIN: Duration = Duration::from_secs(5);
/// Several answers of ServerBusy within this time are one event.
const ONE_EVENT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Concurrency {
    limit: usize,
    most: usize,
    round: Round,
    best: Option<(f64, usize)>,
    rounds_without_growth: u32,
    settled: Option<Instant>,
    throttled: Option<Instant>,
}

#[derive(Debug)]
struct Round {
    start: Instant,
    requests: usize,
    weight: u64,
}

impl Round {
    fn new(start: Instant) -> Self {
        Self {
            start,
            requests: 0,
            weight: 0,
        }
    }
}

impl Concurrency {
    pub(crate) fn new(start: usize, most: usize) -> Self {
        Self {
            limit: start.clamp(1, most),
            most,
            round: Round::new(Instant::now()),
            best: None,
            rounds_without_growth: 0,
            settled: None,
            throttled: None,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// So much has moved, and so many requests have ended, since this was last said. `saturated`: more
    /// work waits than may run, so the limit is what limits.
    pub(crate) fn moved(&mut self, requests: usize, bytes: u64, saturated: bool, now: Instant) {
        if !saturated {
            self.round = Round::new(now);
            return;
        }
        if let Some(settled) = self.settled {
            if now.duration_since(settled) < SEARCH_AGAIN {
                return;
            }
            self.settled = None;
            self.best = None;
            // Half as many may do as well; if not, the search comes back.
            self.limit = (self.limit / 2).max(1);
            self.rounds_without_growth = 0;
            self.round = Round::new(now);
        }
        self.round.requests += requests;
        self.round.weight += bytes + requests as u64 * REQUEST_WEIGHT;
        let enough = self.round.requests >= 2 * self.limit;
        if enough || now.duration_since(self.round.start) >= ROUND {
            self.end_round(now);
        }
    }

    fn end_round(&mut self, now: Instant) {
        let seconds = now.duration_since(self.round.start).as_secs_f64().max(1e-9);
        let rate = self.round.weight as f64 / seconds;
        match self.best {
            Some((best, _)) if rate < best * GROWTH => self.rounds_without_growth += 1,
            _ => {
                self.best = Some((rate, self.limit));
                self.rounds_without_growth = 0;
            }
        }
        if self.rounds_without_growth >= PATIENCE || self.limit == self.most {
            self.settled = Some(now);
            if let Some((_, limit)) = self.best {
                self.limit = limit;
            }
        } else {
            self.limit = (self.limit * 2).min(self.most);
        }
        self.round = Round::new(now);
    }

    /// The service is busy, or this machine is short of descriptors; true where that is news.
    pub(crate) fn throttled(&mut self, now: Instant) -> bool {
        if self
            .throttled
            .is_some_and(|last| now.duration_since(last) < ONE_EVENT)
        {
            return false;
        }
        self.throttled = Some(now);
        self.limit = (self.limit / 2).max(1);
        self.settled = Some(now);
        self.best = None;
        self.round = Round::new(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs rounds in which throughput grows with concurrency up to `knee`.
    fn run(concurrency: &mut Concurrency, knee: usize, now: &mut Instant, rounds: usize) {
        for _ in 0..rounds {
            let limit = concurrency.limit();
            let time = Duration::from_millis(10).mul_f64(limit as f64 / limit.min(knee) as f64);
            for _ in 0..2 * limit {
                *now += time.div_f64(limit as f64);
                concurrency.moved(1, 1_000, true, *now);
            }
        }
    }

    #[test]
    fn grows_while_it_helps() {
        let mut now = Instant::now();
        let mut concurrency = Concurrency::new(8, 128);
        run(&mut concurrency, 1_000, &mut now, 8);
        assert_eq!(concurrency.limit(), 128);
        let mut concurrency = Concurrency::new(8, 128);
        run(&mut concurrency, 16, &mut now, 8);
        assert_eq!(concurrency.limit(), 16);
    }

    #[test]
    fn grows_before_the_first_request_has_ended() {
        let mut now = Instant::now();
        let mut concurrency = Concurrency::new(8, 128);
        // Each connection moves 5 MB/s, so that a part of 8 MiB takes 1.7 s.
        for _ in 0..150 {
            now += Duration::from_millis(10);
            concurrency.moved(0, 50_000 * concurrency.limit() as u64, true, now);
        }
        assert_eq!(concurrency.limit(), 128);
    }

    #[test]
    fn halves_once_an_event_and_recovers() {
        let mut now = Instant::now();
        let mut concurrency = Concurrency::new(32, 32);
        assert!(concurrency.throttled(now));
        assert!(!concurrency.throttled(now));
        assert_eq!(concurrency.limit(), 16);
        now += SEARCH_AGAIN;
        run(&mut concurrency, 1_000, &mut now, 4);
        assert_eq!(concurrency.limit(), 32);
    }

    #[test]
    fn stays_where_there_is_too_little_work() {
        let mut concurrency = Concurrency::new(8, 128);
        for _ in 0..100 {
            concurrency.moved(1, 1_000, false, Instant::now());
        }
        assert_eq!(concurrency.limit(), 8);
    }
}
