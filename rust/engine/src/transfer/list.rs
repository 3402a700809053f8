//! Listing below many prefixes.

use super::item::{Item, Moved};
use crate::{
    listing,
    scheduler::{Work, Worker},
};

/// The work of listing what is below the item's prefix, or directly below it.
pub(crate) fn work(item: Item, one_level: bool) -> Box<dyn Work> {
    Box::new(List { item, one_level })
}

struct List {
    item: Item,
    one_level: bool,
}

impl Work for List {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let Self { item, one_level } = *self;
        let (mut session, _) = item.session(worker);
        let result = listing::complete(&mut session, &item.blob, one_level);
        item.finish(result.map(|entries| Moved {
            entries,
            ..Moved::default()
        }));
        0
    }
}
