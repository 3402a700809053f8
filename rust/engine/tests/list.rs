//! Lists, properties, copies.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use fastblob_engine::{
    BlobRef, Conditions, Credential, ErrorKind, Job, ListEntry, ListOptions, OnError, Page,
    SignalPoll,
};
use support::{Expected, Rig, blob};

fn list(rig: &Rig, prefix: &str, one_level: bool) -> Vec<ListEntry> {
    let options = ListOptions {
        one_level,
        ..ListOptions::default()
    };
    let mut listing = rig.client.list(&BlobRef::parse(prefix).unwrap(), options);
    let mut entries = Vec::new();
    loop {
        match listing.next_page(SignalPoll::never()).unwrap() {
            Page::Entries(page) => entries.extend(page),
            Page::NeedsToken => rig.fetch_token(),
            Page::End => return entries,
        }
    }
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
fn a_list_asks_for_a_token() {
    let rig = Rig::with(|config| config.credential = Credential::token());
    rig.tokens.lock().unwrap().lifetimes = vec![3_600];
    assert_eq!(list(&rig, "data", false).len(), 0);
    rig.write("a", b"");
    assert_eq!(list(&rig, "data", false).len(), 1);
    assert_eq!(rig.tokens.lock().unwrap().claims, [None]);
}

#[test]
fn a_copy_is_made_by_the_service() {
    let rig = Rig::new();
    let sent = rig.write("a b", b"content");
    assert_eq!(rig.copy("a b", "b", false).properties().size, 7);
    let read = rig.read("b", 0, None);
    assert_eq!(read.downloaded().crc64, sent.uploaded().crc64);
    let again = rig.copy("a b", "b", false);
    assert_eq!(again.error().kind(), ErrorKind::AlreadyExists);
    assert_eq!(rig.copy("a b", "b", true).properties().size, 7);
    let missing = rig.copy("none", "c", true);
    let error = missing.error();
    assert_eq!(
        (error.kind(), error.blob()),
        (ErrorKind::NotFound, Some("data/none"))
    );
}

#[test]
fn properties_of_what_is_missing() {
    let rig = Rig::new();
    let outcome = rig.properties(blob("none"));
    let error = outcome.error();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::NotFound, Some("BlobNotFound"))
    );
    let elsewhere = rig.properties(BlobRef::parse("elsewhere/x").unwrap());
    assert_eq!(elsewhere.error().code(), Some("ContainerNotFound"));
    let container = rig.properties(BlobRef::parse("data").unwrap());
    assert_eq!(container.error().kind(), ErrorKind::InvalidInput);
}

#[test]
fn properties_of_many() {
    let rig = Rig::new();
    rig.write("a", b"12345");
    let jobs = ["a", "none", "a"].map(|name| Job::properties(blob(name), Conditions::default()));
    let outcomes = rig.batch(jobs.into(), OnError::Collect);
    assert_eq!(outcomes[0].properties().size, 5);
    assert_eq!(outcomes[1].error().kind(), ErrorKind::NotFound);
    assert_eq!(outcomes[2].properties(), outcomes[0].properties());
}
