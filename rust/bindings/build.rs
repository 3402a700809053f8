//! Refuses an interpreter that fastblob is not made for.
#![allow(clippy::print_stdout)] // this is how a build script speaks to cargo

use pyo3_build_config::{BuildFlag, PythonImplementation};

fn main() {
    let interpreter = pyo3_build_config::get();
    let implementation = interpreter.implementation();
    let flags = &interpreter.build_flags().0;
    let found = if implementation != PythonImplementation::CPython {
        implementation.to_string()
    } else if flags.contains(&BuildFlag::Py_GIL_DISABLED) {
        "a free-threaded build".to_owned()
    } else {
        return;
    };
    println!(
        "cargo::error=fastblob is for CPython with its global interpreter lock, and this is {found}"
    );
}
