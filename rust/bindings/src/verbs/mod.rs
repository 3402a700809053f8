//! What can be asked of an account, a verb a file: for one blob, and for many.

mod copy;
mod copy_from;
mod delete;
mod directories;
mod download;
mod http_headers;
mod list;
mod metadata;
mod properties;
mod read;
mod sas;
mod tags;
mod tier;
mod upload;
mod write;

pub(crate) use copy_from::CopySource;
pub(crate) use list::Pages;
