//! A process that has no descriptor left. In a binary of its own, as the limit is the process's.

mod support;

use std::{cell::RefCell, fs::File, time::Duration};

use fastblob_engine::{ErrorKind, SignalPoll};
use rustix::{
    io::Errno,
    process::{Resource, Rlimit, setrlimit},
};
use support::{Expected, Rig, read};

/// Takes all descriptors that are left.
fn take_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn a_lack_of_descriptors_is_waited_out() {
    let limit = Rlimit {
        current: Some(128),
        maximum: Some(128),
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let rig = Rig::with(|config| {
        config.max_retries = 2;
        config.timeout = Duration::from_secs(30);
    });

    // Nothing is idle, so nothing can be closed; the caller has some to give back while it is waited.
    let taken = RefCell::new(take_descriptors());
    let give_back = || {
        taken.take();
        false
    };
    let outcome = rig.run_until(read("a", 0, None), SignalPoll::new(&give_back));
    assert_eq!(outcome.error().code(), Some("BlobNotFound"));
    assert!(outcome.retries > 0);

    drop(rig);
    let rig = Rig::with(|config| config.max_retries = 1);
    let taken = take_descriptors();
    let outcome = rig.read("a", 0, None);
    drop(taken);
    let error = outcome.error();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(error.os_error(), Some(Errno::MFILE.raw_os_error()));
    assert!(error.to_string().contains("ulimit -n"), "{error}");
}
