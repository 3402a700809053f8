//! `fastblob._fastblob`: the engine and the loopback service as Python sees them.
//!
//! Everything that is more than a translation lives in the engine; what is convenience lives in
//! `python/fastblob`. Users' documentation is in `python/fastblob/_fastblob.pyi`.

mod arguments;
mod blob_ops;
mod blob_path;
mod buffers;
mod client;
mod drive;
mod exceptions;
mod file_object;
mod fork;
mod log;
mod many;
mod pipe;
mod progress;
mod results;
mod runtime;
mod service;
mod transfer;

/// The compiled part of fastblob.
#[pyo3::pymodule(gil_used = false)]
mod _fastblob {
    #[pymodule_export]
    use crate::{
        blob_ops::BlobIterator,
        blob_path::BlobPath,
        buffers::crc64,
        client::BaseClient,
        progress::Progress,
        results::{BlobItem, BlobProperties, TransferResult},
        service::Service,
    };

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init() {
        crate::log::set_up();
    }
}
