//! The blob service: one file an operation or family of them.

mod batch;
mod block_list;
mod call;
mod checksum;
mod conditions;
mod container;
mod copy;
mod delete;
mod get;
mod lease;
mod listing;
mod metadata;
mod operation;
mod page;
mod properties;
mod put;
mod range;
mod service;
mod structured;
mod tag_condition;
mod tags;
mod target;
mod tier;
mod unsupported;

pub(crate) use operation::Need;
pub(crate) use service::BlobService;
pub(crate) use target::Target;
