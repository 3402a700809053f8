//! Azure Blob Storage, its managed-identity token endpoint and Key Vault, in a box on 127.0.0.1.
//!
//! Tests, demo and benchmarks run against this server, in their own process, so that nobody needs
//! an account (or Node, for Azurite) to try fastblob. It verifies what Azurite leaves out
//! (`SharedKey` signatures, CRC64, MD5) and breaks connections on demand ([`Fault`]). What it does, it
//! does as the real service was recorded to do it (`docs/azure-fidelity.md`); what it does not offer,
//! it refuses with 501.
//!
//! It speaks HTTP/1.1 by blocking threads, one a connection, rather than by hyper: a scripted reset
//! after so many bytes is then one line at the place where the bytes are written, an upload is read
//! straight into the memory where it stays, and the server takes less of the two cores that it
//! shares with the client being measured.
//!
//! ```
//! use fastblob_service::{Options, Service};
//!
//! let containers = vec!["data".into()];
//! let service = Service::start(Options { containers, ..Options::default() })?;
//! println!("{}", service.blob_endpoint());
//! # std::io::Result::Ok(())
//! ```

mod auth;
mod blob;
mod certificates;
mod clock;
mod context;
mod errors;
mod faults;
mod http;
mod identity;
mod key_vault;
mod options;
mod random;
mod request_log;
mod secrets;
mod server;
mod service;
mod shutdown;
mod store;
mod structured_message;
mod tokens;

pub use faults::{Action, Fault};
pub use options::Options;
pub use request_log::RequestRecord;
pub use service::Service;
