//! Moves Azure block blobs: many at once, bounded in memory, verified end to end.
//!
//! A [`Client`] belongs to one account. A [`Batch`] is a call of many [`Job`]s, [`Client::run`] one of a
//! single job. Threads block on their connections, one request each; there is no async runtime.
//!
//! This crate knows nothing of Python; credentials come through [`TokenProvider`], memory through
//! [`MemoryTarget`] and [`MemorySource`].

mod account;
mod answer;
mod auth;
mod blob;
mod cancel;
pub mod checksum;
mod client;
mod concurrency;
mod config;
pub mod directory;
mod endpoint;
mod error;
mod http;
pub mod limits;
mod listing;
mod memory;
mod parts;
mod path;
mod progress;
mod random;
mod retry;
mod scheduler;
mod session;
mod sync;
mod transfer;

pub use auth::{Credential, Token, TokenProvider};
pub use blob::BlobProperties;
pub use cancel::SignalPoll;
pub use checksum::Checksum;
pub use client::Client;
pub use config::{Config, WorkloadType};
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, InvalidInput, Result};
pub use listing::{ListEntry, Listing};
pub use memory::{MemoryRegion, MemorySource, MemoryTarget};
pub use path::BlobPath;
pub use progress::ProgressSnapshot;
pub use transfer::{Batch, BatchState, Job, OnError, Outcome, Source, UploadOptions};
