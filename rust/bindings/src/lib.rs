//! `fastblob._fastblob`: the engine and the loopback service as Python sees them.
//!
//! Everything that is more than a translation lives in the engine; what users see, and its
//! documentation, is Python, in `python/fastblob`. No code of the user is called from here: what a call
//! needs of the thread that drives it, it says.

mod arguments;
mod blob;
mod buffers;
mod call;
mod driving;
mod engine;
mod exceptions;
mod fork;
mod log;
mod native;
mod pages;
mod pipe;
mod results;
mod service;
mod shutdown;
mod values;
mod verbs;

/// The compiled part of fastblob.
#[pyo3::pymodule(gil_used = false)]
mod _fastblob {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::{
        blob::{check_path, parse_path},
        buffers::crc64,
        call::Call,
        engine::Engine,
        pages::Pages,
        results::{
            AccountInformation, ContainerProperties, ListEntry, Outcome, Progress, Properties,
        },
        service::Service,
        values::{Conditions, Trust, WriteOptions},
    };

    #[pymodule_export]
    const FINISHED: u8 = crate::call::FINISHED;
    #[pymodule_export]
    const ITEMS: u8 = crate::call::ITEMS;
    #[pymodule_export]
    const TOKEN: u8 = crate::call::TOKEN;
    #[pymodule_export]
    const BLOCK: u8 = crate::call::BLOCK;

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::log::set_up();
        crate::shutdown::set_up(module)
    }
}
