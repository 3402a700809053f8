//! Deleting many blobs: several of one container go into one request.

use super::{
    item::Item,
    job::Output,
    scheduler::{Task, Worker},
    small,
};
use crate::{
    azure::{Answer, Attempts, BatchDelete, Conditions, DeleteBlob},
    limits::MAX_BATCH_DELETES,
    retry::{self, Decision},
};

/// The tasks of deleting these blobs, which have neither conditions nor other options.
pub(super) fn tasks(items: Vec<Item>) -> Vec<Box<dyn Task>> {
    let mut tasks: Vec<Box<dyn Task>> = Vec::new();
    let mut group: Vec<Item> = Vec::new();
    for item in items {
        let full = group.len() == MAX_BATCH_DELETES
            || group
                .first()
                .is_some_and(|first| first.blob.container() != item.blob.container());
        if full {
            tasks.push(task(std::mem::take(&mut group)));
        }
        group.push(item);
    }
    if !group.is_empty() {
        tasks.push(task(group));
    }
    tasks
}

fn task(mut group: Vec<Item>) -> Box<dyn Task> {
    match group.pop() {
        Some(only) if group.is_empty() => small::task(only, Box::<DeleteBlob>::default()),
        last => {
            group.extend(last);
            Box::new(Delete {
                items: group,
                attempts: Attempts::default(),
            })
        }
    }
}

/// Blobs of one container, two at least.
struct Delete {
    items: Vec<Item>,
    attempts: Attempts,
}

impl Task for Delete {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let blobs: Vec<_> = self.items.iter().map(|item| &item.blob).collect();
        let batch = BatchDelete {
            blobs: &blobs,
            conditions: &Conditions::default(),
        };
        let answer = batch.run(&mut self.items[0].session(worker), &mut self.attempts);
        drop(blobs);
        let mut again = Vec::new();
        match answer {
            Err(error) if error.is_token_needed() => return Some(self),
            // Azurite fails at a batch that a SAS authorises, and does the same deletions one by one.
            Err(error) if error.status() == Some(500) && error.code().is_none() => {
                again = self.items;
            }
            Err(error) => {
                for item in self.items {
                    item.finish(Err(error.clone()));
                }
            }
            Ok(parts) => {
                for (item, part) in self.items.into_iter().zip(parts) {
                    let done = || Ok(Output::Answer(Answer::Done));
                    match part {
                        Some((202, _)) => item.finish(done()),
                        Some((404, error))
                            if self.attempts.ambiguous && error.code() == Some("BlobNotFound") =>
                        {
                            item.finish(done());
                        }
                        Some((status, error))
                            if retry::decide(status, error.code()) == Decision::Fail =>
                        {
                            item.finish(Err(error));
                        }
                        _ => again.push(item),
                    }
                }
            }
        }
        for item in again {
            let (scheduler, queue) = (
                std::sync::Arc::clone(&item.call.account.scheduler),
                item.call.queue,
            );
            let alone = small::task(item, Box::<DeleteBlob>::default());
            scheduler.push_front(queue, alone);
        }
        None
    }
}
