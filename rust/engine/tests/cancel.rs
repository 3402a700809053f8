//! Giving up.

mod support;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use fastblob_engine::{BatchState, ErrorKind, Job, OnError, SignalPoll};
use fastblob_service::Action;
use support::{Folder, Rig, blob, content};

/// Far more than it takes, far less than the delay that is cut short.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn an_interrupt_ends_a_single_operation() {
    let rig = Rig::new();
    rig.write("a", b"content");
    rig.fault("GetBlob", 0, Action::Delay(Duration::from_secs(60)));
    let polls = AtomicUsize::new(0);
    let signals = || polls.fetch_add(1, Ordering::Relaxed) >= 2;
    let start = Instant::now();
    let job = Job::read(blob("a"), Box::new(support::Leaked), 0, None);
    let outcome = rig.client.run(job, SignalPoll::new(&signals));
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Cancelled);
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_cancelled_call_reports_every_item_and_leaves_no_file() {
    let rig = Rig::new();
    let folder = Folder::new();
    rig.write("a", &content(30 << 20));
    rig.fault("GetBlob", 0, Action::Delay(Duration::from_secs(60)));
    let batch = rig.client.batch(OnError::Collect);
    let jobs = (0..1_000)
        .map(|index| Job::download(blob("a"), folder.join(&index.to_string())))
        .collect();
    batch.push(jobs);
    let start = Instant::now();
    while batch.progress().requests == 0 {
        std::thread::yield_now();
    }
    batch.cancel();
    while batch.wait(SOON) != BatchState::Finished {}
    assert!(start.elapsed() < SOON);
    let outcomes = batch.into_outcomes();
    assert_eq!(outcomes.len(), 1_000);
    for outcome in outcomes {
        assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Cancelled);
    }
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn a_failed_download_leaves_no_file() {
    let rig = Rig::with(|config| config.max_retries = 0);
    let folder = Folder::new();
    rig.write("a", &content(30 << 20));
    rig.service.add_fault(fastblob_service::Fault {
        operation: Some("GetBlob".to_owned()),
        method: None,
        path: None,
        after: 2,
        times: 0,
        action: Action::Truncate { after_bytes: 1_000 },
    });
    let target = folder.file("a", b"what was there before");
    let outcome = rig.run(Job::download(blob("a"), target.clone()));
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Network);
    assert_eq!(folder.names(), ["a"]);
    assert_eq!(std::fs::read(target).unwrap(), b"what was there before");
}

#[test]
fn an_interrupt_ends_a_transfer_whose_bytes_flow() {
    let rig = Rig::serving(|options| options.bandwidth = Some(1 << 20), |_| {});
    rig.write("a", &content(1 << 20));
    let signals = || true;
    let start = Instant::now();
    let job = Job::read(blob("a"), Box::new(support::Leaked), 0, None);
    let outcome = rig.client.run(job, SignalPoll::new(&signals));
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Cancelled);
    assert!(start.elapsed() < Duration::from_millis(800));
}
