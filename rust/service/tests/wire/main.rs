//! The service as its clients see it: over real sockets.

mod authorization;
mod batch;
mod blobs;
mod client;
mod faults;
mod identity_and_vault;
mod not_offered;
mod protocol;
mod structured_message;
