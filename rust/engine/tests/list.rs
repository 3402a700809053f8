//! Lists, properties, copies.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use fastblob_engine::{BlobPath, ErrorKind, Job, ListEntry, OnError, SignalPoll};
use support::{Rig, blob};

fn list(rig: &Rig, prefix: &str, one_level: bool) -> Vec<ListEntry> {
    let mut listing = rig
        .client
        .list(&BlobPath::parse(prefix).unwrap(), one_level);
    let mut entries = Vec::new();
    while let Some(page) = listing.next_page(SignalPoll::never()).unwrap() {
        entries.extend(page);
    }
    entries
}

fn names(entries: &[ListEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[test]
fn a_prefix_stands_for_whole_segments() {
    let rig = Rig::new();
    for name in ["p/a", "p/b c/%+#?😀.", "p/d/e", "pq", "q/x"] {
        rig.write(name, b"12345");
    }
    let all = list(&rig, "data/p", false);
    assert_eq!(names(&all), ["p/a", "p/b c/%+#?😀.", "p/d/e"]);
    assert_eq!(all[0].size, Some(5));
    let level = list(&rig, "data/p", true);
    assert_eq!(names(&level), ["p/a", "p/b c", "p/d"]);
    assert_eq!(
        level
            .iter()
            .map(|entry| entry.is_prefix)
            .collect::<Vec<_>>(),
        [false, true, true]
    );
    assert_eq!(list(&rig, "data", false).len(), 5);
    assert_eq!(list(&rig, "data/none", false).len(), 0);
}

#[test]
fn pages_follow_one_another() {
    let rig = Rig::new();
    let jobs = (0..5_001)
        .map(|index| support::write(&format!("n/{index:05}"), b"", true))
        .collect();
    rig.batch(jobs, OnError::Raise);
    rig.service.clear_requests();
    assert_eq!(list(&rig, "data/n", false).len(), 5_001);
    assert_eq!(rig.operations().len(), 2);
}

#[test]
fn a_copy_is_made_by_the_service() {
    let rig = Rig::new();
    let sent = rig.write("a b", b"content");
    let never = SignalPoll::never();
    let copy = rig
        .client
        .copy(&blob("a b"), &blob("b"), false, never)
        .unwrap();
    assert_eq!(copy.size, 7);
    assert_eq!(rig.read("b", 0, None).crc64, sent.crc64);
    let error = rig
        .client
        .copy(&blob("a b"), &blob("b"), false, never)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(
        rig.client
            .copy(&blob("a b"), &blob("b"), true, never)
            .is_ok()
    );
    let error = rig
        .client
        .copy(&blob("none"), &blob("c"), true, never)
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.blob()),
        (ErrorKind::NotFound, Some("data/none"))
    );
}

#[test]
fn properties_of_what_is_missing() {
    let rig = Rig::new();
    let never = SignalPoll::never();
    let error = rig.client.properties(&blob("none"), never).unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::NotFound, Some("BlobNotFound"))
    );
    let elsewhere = BlobPath::parse("elsewhere/x").unwrap();
    let error = rig.client.properties(&elsewhere, never).unwrap_err();
    assert_eq!(error.code(), Some("ContainerNotFound"));
    let container = BlobPath::parse("data").unwrap();
    assert!(rig.client.properties(&container, never).is_err());
}

#[test]
fn properties_of_many() {
    let rig = Rig::new();
    rig.write("a", b"12345");
    let jobs = ["a", "none", "a"].map(|name| Job::properties(blob(name)));
    let outcomes = rig.batch(jobs.into(), OnError::Collect);
    assert_eq!(outcomes[0].properties.as_ref().unwrap().size, 5);
    assert_eq!(
        outcomes[1].error.as_ref().unwrap().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(outcomes[2].properties, outcomes[0].properties);
}
