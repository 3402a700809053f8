//! Moves Azure block blobs: many at once, bounded in memory, verified end to end.
//!
//! A [`Client`] belongs to one account. A [`Call`] is any number of [`Job`]s, driven by the thread that
//! began it. Threads block on their connections, one request each; there is no async runtime.
//!
//! This crate knows nothing of Python. It calls no code of its user's: a call says what it [needs](Need),
//! tokens and the blocks of streams among it, and its driver supplies that.

mod account;
mod admission;
mod auth;
mod azure;
mod cancel;
pub mod checksum;
mod client;
mod concurrency;
mod config;
mod endpoint;
mod error;
mod http;
pub mod limits;
mod os;
pub mod pipe;
mod progress;
mod random;
mod retry;
#[cfg(test)]
mod scratch;
mod sync;
mod transfer;

pub use auth::{Credential, Token, TokenError};
pub use azure::{
    AccountInformation, Answer, BlobProperties, BlobRef, Conditions, ContainerListOptions,
    ContainerProperties, ContentHeaders, CopyBlob, CreateContainer, DeleteBlob, DeleteContainer,
    DeleteSnapshots, Details, Downloaded, Encryption, EncryptionKey, GetContainerProperties,
    GetTags, Include, Lease, ListEntry, ListOptions, PublicAccess, RehydratePriority, Revision,
    SetContainerMetadata, SetHttpHeaders, SetMetadata, SetTags, SetTier, SnapshotBlob, Tier,
    UndeleteBlob, Updated, WriteOptions,
};
pub use cancel::SignalPoll;
pub use checksum::Checksum;
pub use client::{Client, Listing, Page};
pub use config::{Config, Trust, WorkloadType};
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, InvalidInput, Result};
pub use progress::ProgressSnapshot;
pub use transfer::{
    Call, Job, MemoryRegion, MemorySource, MemoryTarget, Need, OnError, Outcome, Output, Source,
    Uploaded, WantedBlock, directory,
};
