//! Folders on this side, prefixes on the other.

mod local_entries;
mod target_folder;

pub use self::{
    local_entries::{LocalEntry, LocalEntryKind, entries_below},
    target_folder::TargetFolder,
};
