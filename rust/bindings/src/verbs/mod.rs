//! What can be asked of an account, a verb a file: for one blob, and for many.

mod account;
mod containers;
mod copy;
mod delete;
mod directories;
mod download;
mod find;
mod http_headers;
mod lease;
mod list;
mod metadata;
mod properties;
mod read;
mod snapshot;
mod tags;
mod tier;
mod undelete;
mod upload;
mod write;
