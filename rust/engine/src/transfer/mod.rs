//! Moving blobs: one or many, whole or in parts. What is asked of the service, and how, is in `azure/`.

mod arriving;
mod blocks;
mod call;
mod call_state;
mod copy_from;
mod delete;
pub mod directory;
mod download;
mod file;
mod item;
mod job;
mod left_overs;
mod memory;
mod ordered_digest;
mod part_tracker;
mod plan;
mod range;
mod range_parts;
mod scheduler;
mod small;
mod source;
mod stream;
mod upload;
mod vouching;

pub(crate) use self::{left_overs::LeftOvers, scheduler::Scheduler};

pub use self::{
    call::{Call, Need, WantedBlock},
    call_state::OnError,
    job::{Job, Outcome, Output, Source, Uploaded},
    memory::{MemoryRegion, MemorySource, MemoryTarget},
};
