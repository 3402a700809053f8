//! Deleting many blobs: several of one container go into one request.

use std::sync::Arc;

use super::{
    item::Item,
    job::Output,
    scheduler::{Task, Worker},
    small,
};
use crate::{
    azure::{Answer, Attempts, BatchDelete, DeleteBlob},
    error::Error,
    limits::MAX_BATCH_DELETES,
    retry::{self, Decision},
};

/// What is to be deleted, and on which conditions.
pub(super) type Deletion = (Item, DeleteBlob);

/// The tasks of deleting these blobs.
pub(super) fn tasks(deletions: Vec<Deletion>) -> Vec<Box<dyn Task>> {
    let mut tasks: Vec<Box<dyn Task>> = Vec::new();
    let mut group: Vec<Deletion> = Vec::new();
    for deletion in deletions {
        let full = group.len() == MAX_BATCH_DELETES
            || group
                .first()
                .is_some_and(|(first, _)| first.blob.container() != deletion.0.blob.container());
        if full {
            tasks.push(task(std::mem::take(&mut group)));
        }
        group.push(deletion);
    }
    if !group.is_empty() {
        tasks.push(task(group));
    }
    tasks
}

fn task(mut group: Vec<Deletion>) -> Box<dyn Task> {
    match group.pop() {
        Some((only, delete)) if group.is_empty() => small::task(only, Box::new(delete)),
        last => {
            group.extend(last);
            Box::new(Delete {
                deletions: group,
                attempts: Attempts::default(),
            })
        }
    }
}

/// Blobs of one container, two at least.
struct Delete {
    deletions: Vec<Deletion>,
    attempts: Attempts,
}

impl Task for Delete {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let deletes: Vec<_> = self
            .deletions
            .iter()
            .map(|(item, delete)| (&item.blob, delete))
            .collect();
        let batch = BatchDelete(&deletes);
        let answer = batch.run(&mut self.deletions[0].0.session(worker), &mut self.attempts);
        drop(deletes);
        let ambiguous = self.attempts.ambiguous;
        match answer {
            Err(error) if error.is_token_needed() => return Some(self),
            // Azurite fails at a batch that a SAS authorises, and does the same deletions one by one.
            Err(error) if error.status() == Some(500) && error.code().is_none() => {
                for deletion in self.deletions {
                    again(deletion, ambiguous);
                }
            }
            Err(error) => {
                for (item, _) in self.deletions {
                    item.finish(Err(error.clone()));
                }
            }
            Ok(parts) => {
                for (deletion, part) in self.deletions.into_iter().zip(parts) {
                    finish(deletion, part, ambiguous);
                }
            }
        }
        None
    }
}

/// What the answer says of one blob.
fn finish((item, delete): Deletion, part: Option<(u16, Error)>, ambiguous: bool) {
    let (status, error) = match part {
        Some((202, _)) => return item.finish(Ok(Output::Answer(Answer::Done))),
        Some(failed) => failed,
        // It may have been deleted all the same.
        None => return again((item, delete), true),
    };
    if let Some(answer) = delete.accepts(&error, ambiguous) {
        return item.finish(Ok(Output::Answer(answer)));
    }
    match retry::decide(status, error.code()) {
        Decision::Fail => item.finish(Err(error)),
        // Nothing was done, and that is certain.
        Decision::RetrySlower | Decision::NewToken => again((item, delete), ambiguous),
        Decision::Retry => again((item, delete), true),
    }
}

/// Deletes one by itself that did not succeed together with others.
fn again((item, delete): Deletion, ambiguous: bool) {
    let (scheduler, queue) = (Arc::clone(&item.call.account.scheduler), item.call.queue);
    scheduler.push_front(queue, small::task_after(item, Box::new(delete), ambiguous));
}
