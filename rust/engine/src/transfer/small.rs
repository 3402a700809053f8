//! Operations that move no content, as tasks.

use super::{
    item::Item,
    job::Output,
    scheduler::{Task, Worker},
};
use crate::azure::{Attempts, SmallOperation};

/// The task of carrying out an operation.
pub(super) fn task(item: Item, operation: Box<dyn SmallOperation>) -> Box<dyn Task> {
    task_after(item, operation, false)
}

/// The same, where it may have been carried out already: `ambiguous`.
pub(super) fn task_after(
    item: Item,
    operation: Box<dyn SmallOperation>,
    ambiguous: bool,
) -> Box<dyn Task> {
    let mut attempts = Attempts::default();
    attempts.ambiguous = ambiguous;
    Box::new(Small {
        item,
        operation,
        attempts,
    })
}

struct Small {
    item: Item,
    operation: Box<dyn SmallOperation>,
    attempts: Attempts,
}

impl Task for Small {
    fn run(mut self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>> {
        let mut session = self.item.session(worker);
        let result = self
            .operation
            .run(&mut session, &mut self.attempts, &self.item.blob);
        match result {
            Err(error) if error.is_token_needed() => Some(self),
            result => {
                self.item.finish(result.map(Output::Answer));
                None
            }
        }
    }
}
