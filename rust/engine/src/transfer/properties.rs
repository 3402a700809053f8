//! Asking for the properties of many blobs.

use super::item::{Item, Moved};
use crate::{
    blob,
    scheduler::{Work, Worker},
};

/// The work of asking for a blob's properties.
pub(crate) fn work(item: Item) -> Box<dyn Work> {
    Box::new(Properties(item))
}

struct Properties(Item);

impl Work for Properties {
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64 {
        let item = self.0;
        let (mut session, _) = item.session(worker);
        let result = blob::properties(&mut session, &item.blob);
        item.finish(result.map(|properties| Moved {
            size: properties.size,
            etag: properties.etag.clone(),
            properties: Some(Box::new(properties)),
            ..Moved::default()
        }));
        0
    }
}
