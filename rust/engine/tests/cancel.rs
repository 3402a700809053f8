//! Giving up.

mod support;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use fastblob_engine::{ErrorKind, OnError, SignalPoll};
use fastblob_service::Action;
use support::{Expected, Folder, Rig, content, download, read};

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
    let outcome = rig.run_until(read("a", 0, None), SignalPoll::new(&signals));
    assert_eq!(outcome.error().kind(), ErrorKind::Cancelled);
    assert!(start.elapsed() < SOON);
}

#[test]
fn an_interrupt_ends_a_call_of_many() {
    let rig = Rig::new();
    rig.write("a", b"content");
    rig.fault("GetBlob", 0, Action::Delay(Duration::from_secs(60)));
    let call = rig.client.call(OnError::Collect);
    call.push((0..20).map(|_| read("a", 0, None)).collect());
    call.end_of_input();
    let polls = AtomicUsize::new(0);
    let signals = || polls.fetch_add(1, Ordering::Relaxed) >= 2;
    let start = Instant::now();
    rig.drive(&call, HashMap::new(), SignalPoll::new(&signals));
    assert!(start.elapsed() < SOON);
    let outcomes = call.take_outcomes();
    assert_eq!(outcomes.len(), 20);
    for outcome in outcomes {
        assert_eq!(outcome.error().kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn a_cancelled_call_reports_every_item_and_leaves_no_file() {
    let rig = Rig::new();
    let folder = Folder::new();
    rig.write("a", &content(30 << 20));
    rig.fault("GetBlob", 0, Action::Delay(Duration::from_secs(60)));
    let call = rig.client.call(OnError::Collect);
    let jobs = (0..1_000)
        .map(|index| download("a", folder.join(&index.to_string())))
        .collect();
    call.push(jobs);
    let start = Instant::now();
    while call.progress().requests == 0 {
        std::thread::yield_now();
    }
    call.cancel();
    rig.drive(&call, HashMap::new(), SignalPoll::never());
    assert!(start.elapsed() < SOON);
    let outcomes = call.take_outcomes();
    assert_eq!(outcomes.len(), 1_000);
    for outcome in outcomes {
        assert_eq!(outcome.error().kind(), ErrorKind::Cancelled);
    }
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn a_failed_download_leaves_no_file() {
    let rig = Rig::with(|config| config.max_retries = 0);
    let folder = Folder::new();
    rig.write("a", &content(30 << 20));
    rig.fault_after("GetBlob", 2, 0, Action::Truncate { after_bytes: 1_000 });
    let target = folder.file("a", b"what was there before");
    let outcome = rig.run(download("a", target.clone()));
    assert_eq!(outcome.error().kind(), ErrorKind::Network);
    assert_eq!(folder.names(), ["a"]);
    assert_eq!(std::fs::read(target).unwrap(), b"what was there before");
}

#[test]
fn an_interrupt_ends_a_transfer_whose_bytes_flow() {
    let rig = Rig::serving(|options| options.bandwidth = Some(1 << 20), |_| {});
    rig.write("a", &content(1 << 20));
    let signals = || true;
    let start = Instant::now();
    let outcome = rig.run_until(read("a", 0, None), SignalPoll::new(&signals));
    assert_eq!(outcome.error().kind(), ErrorKind::Cancelled);
    assert!(start.elapsed() < Duration::from_millis(800));
}
