//! Moving blobs: one or many, whole or in parts.

mod batch;
mod delete;
mod download;
mod file;
mod item;
mod job;
mod list;
mod options;
mod parts;
mod properties;
mod put;
mod range;
mod shared;
mod upload;

pub(crate) use self::{delete::delete_blob, file::PARTIAL_SUFFIX};

pub use self::{
    batch::{Batch, BatchState},
    job::{Job, Outcome, Source},
    options::UploadOptions,
    shared::OnError,
};
