//! An MD5, which only works from one end to the other, of pieces that come in any order.
//!
//! Each is hashed as soon as all before it are, by one thread at a time, while the others go on moving
//! bytes: nobody waits for it, and nothing is left to hash at the end but what was not at hand before.

use std::{collections::BTreeMap, mem, ops::Range, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use crate::{
    cancel::Cancellation,
    error::{Error, Result},
    limits::{BUFFER_SIZE, TICK},
    sync::Mutex,
};

#[derive(Debug)]
pub(super) struct OrderedDigest<P>(Mutex<State<P>>);

#[derive(Debug)]
struct State<P> {
    /// None while a thread is at it.
    hash: Option<Md5>,
    next: u64,
    /// By offset: length and piece.
    waiting: BTreeMap<u64, (u64, P)>,
    abandoned: bool,
}

impl<P> OrderedDigest<P> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            hash: Some(Md5::new()),
            next: 0,
            waiting: BTreeMap::new(),
            abandoned: false,
        }))
    }

    /// Takes a piece, and hashes what can be hashed now: `update` gets some bytes of a piece, by where they
    /// are in it. Returns the pieces that are done with, each once: not always that one.
    pub(super) fn add(
        &self,
        offset: u64,
        length: u64,
        piece: P,
        cancellation: &Cancellation,
        update: impl Fn(&mut Md5, &P, Range<u64>) -> Result<()>,
    ) -> Vec<(P, Result<()>)> {
        let mut state = self.0.lock();
        if state.abandoned {
            return vec![(piece, Ok(()))];
        }
        state.waiting.insert(offset, (length, piece));
        let mut done = Vec::new();
        let mut checked = Instant::now();
        // Whoever is at it finds the new piece too: it looks under the lock before it stops.
        while let Some(mut hash) = state.hash.take() {
            let offset = state.next;
            let Some((length, piece)) = state.waiting.remove(&offset) else {
                state.hash = Some(hash);
                break;
            };
            drop(state);
            let mut updated = Ok(());
            let mut start = 0;
            while start < length && updated.is_ok() {
                let end = length.min(start + BUFFER_SIZE as u64);
                updated = update(&mut hash, &piece, start..end);
                start = end;
                if checked.elapsed() >= TICK {
                    checked = Instant::now();
                    let asked = cancellation.check();
                    updated = updated.and(asked.map_err(|_| Error::cancelled()));
                }
            }
            done.push((piece, updated));
            state = self.0.lock();
            state.hash = Some(hash);
            state.next = offset + length;
        }
        done
    }

    /// There will be no digest, as a piece is missing: hands back those that wait.
    pub(super) fn abandon(&self) -> Vec<P> {
        let mut state = self.0.lock();
        state.abandoned = true;
        let waiting = mem::take(&mut state.waiting);
        waiting.into_values().map(|(_, piece)| piece).collect()
    }

    /// The MD5 of all pieces, base64, once each of them is done with.
    pub(super) fn value(&self) -> Option<String> {
        let hash = self.0.lock().hash.clone()?;
        Some(STANDARD.encode(hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::{
        cancel::{CancelFlag, SignalPoll},
        checksum::encode_md5,
    };

    fn add(digest: &OrderedDigest<Vec<u8>>, offset: usize, piece: &[u8]) -> usize {
        let flag = CancelFlag::default();
        let cancellation = Cancellation::new(&flag, SignalPoll::never());
        let (start, length) = (offset as u64, piece.len() as u64);
        let done = digest.add(
            start,
            length,
            piece.to_vec(),
            &cancellation,
            |hash, piece, bytes| {
                hash.update(&piece[bytes.start as usize..bytes.end as usize]);
                Ok(())
            },
        );
        assert!(done.iter().all(|(_, updated)| updated.is_ok()));
        done.len()
    }

    #[test]
    fn pieces_in_any_order_are_hashed_in_theirs() {
        let size = (5 << 20) / 2;
        let content: Vec<u8> = (0..4 * size).map(|index| (index % 251) as u8).collect();
        let digest = OrderedDigest::new();
        let done = thread::scope(|scope| {
            let threads: Vec<_> = [3, 1, 0, 2]
                .map(|index| {
                    let piece = &content[index * size..][..size];
                    let digest = &digest;
                    scope.spawn(move || add(digest, index * size, piece))
                })
                .into_iter()
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.sum::<usize>()
        });
        assert_eq!(done, 4);
        assert_eq!(digest.value(), Some(encode_md5(&content)));
    }

    #[test]
    fn a_piece_that_is_missing_keeps_none_back() {
        let digest = OrderedDigest::new();
        assert_eq!(add(&digest, 1, b"b"), 0);
        assert_eq!(digest.abandon(), [b"b"]);
        assert_eq!(add(&digest, 2, b"c"), 1);
    }

    #[test]
    fn a_piece_that_cannot_be_read_is_said_and_so_is_the_end_of_the_call() {
        let flag = CancelFlag::default();
        let interrupted = || true;
        let cancellation = Cancellation::new(&flag, SignalPoll::new(&interrupted));
        let unreadable = OrderedDigest::new();
        let done = unreadable.add(0, 1, (), &cancellation, |_, (), _| Err(Error::internal()));
        assert!(matches!(done[..], [((), Err(_))]));
        let endless = OrderedDigest::new();
        let done = endless.add(0, u64::MAX, (), &cancellation, |_, (), _| Ok(()));
        assert!(matches!(&done[..], [((), Err(error))] if error.is_cancelled()));
    }
}
