//! An MD5, which only works from one end to the other, of pieces that come in any order.
//!
//! Each is hashed as soon as all before it are, by one thread at a time, while the others go on moving
//! bytes: nobody waits for it, and nothing is left to hash at the end but what was not at hand before.

use std::{collections::BTreeMap, mem};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use crate::{error::Result, sync::Mutex};

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

    /// Takes a piece, and hashes with `update`, which gets offset, length and piece, what can be hashed
    /// now. Returns the pieces that are done with, each once: not always that one.
    pub(super) fn add(
        &self,
        offset: u64,
        length: u64,
        piece: P,
        update: impl Fn(&mut Md5, u64, u64, &P) -> Result<()>,
    ) -> Vec<(P, Result<()>)> {
        let mut state = self.0.lock();
        if state.abandoned {
            return vec![(piece, Ok(()))];
        }
        state.waiting.insert(offset, (length, piece));
        let mut done = Vec::new();
        // Whoever is at it finds the new piece too: it looks under the lock before it stops.
        while let Some(mut hash) = state.hash.take() {
            let offset = state.next;
            let Some((length, piece)) = state.waiting.remove(&offset) else {
                state.hash = Some(hash);
                break;
            };
            drop(state);
            let updated = update(&mut hash, offset, length, &piece);
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
    use crate::{checksum::encode_md5, error::Error};

    #[expect(clippy::unnecessary_wraps, reason = "as what reads from a file")]
    fn update(hash: &mut Md5, _: u64, _: u64, piece: &Vec<u8>) -> Result<()> {
        hash.update(piece);
        Ok(())
    }

    #[test]
    fn pieces_in_any_order_are_hashed_in_theirs() {
        let content: Vec<u8> = (0..=255).collect();
        let digest = OrderedDigest::new();
        let done = thread::scope(|scope| {
            let threads: Vec<_> = [3_usize, 1, 0, 2]
                .into_iter()
                .map(|index| {
                    let piece = content[index * 64..][..64].to_vec();
                    let digest = &digest;
                    scope.spawn(move || digest.add(index as u64 * 64, 64, piece, update).len())
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum::<usize>()
        });
        assert_eq!(done, 4);
        assert_eq!(digest.value(), Some(encode_md5(&content)));
    }

    #[test]
    fn a_piece_that_is_missing_keeps_none_back() {
        let digest = OrderedDigest::new();
        assert!(digest.add(1, 1, vec![1], update).is_empty());
        assert_eq!(digest.abandon(), [[1]]);
        assert_eq!(digest.add(2, 1, vec![2], update).len(), 1);
    }

    #[test]
    fn a_piece_that_cannot_be_read_is_said() {
        let digest = OrderedDigest::new();
        let done = digest.add(0, 1, (), |_, _, _, ()| Err(Error::cancelled()));
        assert!(done[0].1.is_err());
    }
}
