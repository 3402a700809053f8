//! Lists, properties, copies.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use fastblob_engine::{
    BlobRef, Conditions, Credential, ErrorKind, Include, Job, ListEntry, ListOptions, MemorySource,
    OnError, Page, SignalPoll, Source, WriteOptions,
};
use support::{Expected, Rig, blob};

fn list(rig: &Rig, prefix: &str, one_level: bool) -> Vec<ListEntry> {
    let options = ListOptions {
        one_level,
        ..ListOptions::default()
    };
    list_with(rig, &BlobRef::parse(prefix).unwrap(), options)
}

fn list_with(rig: &Rig, prefix: &BlobRef, options: ListOptions) -> Vec<ListEntry> {
    let mut listing = rig.client.list(prefix, options);
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
fn part_of_a_name() {
    let rig = Rig::new();
    for name in [
        "p/run-1",
        "p/run-12/a",
        "p/run-12/b",
        "p/run-2",
        "p/other",
        "run-1",
    ] {
        rig.write(name, b"");
    }
    let found = |one_level, name_prefix: &str| {
        let options = ListOptions {
            one_level,
            name_prefix: name_prefix.to_owned(),
            ..ListOptions::default()
        };
        let entries = list_with(&rig, &BlobRef::parse("data/p").unwrap(), options);
        entries
            .into_iter()
            .map(|entry| (entry.name, entry.is_prefix))
            .collect::<Vec<_>>()
    };
    let expected = |names: &[(&str, bool)]| -> Vec<_> {
        let owned = |(name, is_prefix): &(&str, bool)| ((*name).to_owned(), *is_prefix);
        names.iter().map(owned).collect()
    };
    assert_eq!(
        found(false, "run-1"),
        expected(&[
            ("p/run-1", false),
            ("p/run-12/a", false),
            ("p/run-12/b", false)
        ])
    );
    assert_eq!(
        found(true, "run-1"),
        expected(&[("p/run-1", false), ("p/run-12", true)])
    );
    assert_eq!(found(true, "run-12/a"), expected(&[("p/run-12/a", false)]));
    assert_eq!(found(false, "none"), []);
}

#[test]
fn what_is_included() {
    let rig = Rig::new();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = WriteOptions {
        metadata: vec![pair("Name", "n"), pair("ResourceType", "directory")],
        tags: vec![pair("a b", "c")],
        ..WriteOptions::default()
    };
    let source = Source::Memory(MemorySource::owned(Vec::new()));
    rig.run(Job::upload(source, blob("p/a"), options.into()))
        .uploaded();
    rig.write("p/b", b"");
    let of = |include: &[Include], one_level| {
        let options = ListOptions {
            one_level,
            include: include.to_vec(),
            ..ListOptions::default()
        };
        list_with(&rig, &BlobRef::parse("data/p").unwrap(), options)
    };
    for one_level in [false, true] {
        let entries = of(&[Include::Metadata, Include::Tags], one_level);
        assert_eq!(names(&entries), ["p/a", "p/b"]);
        assert_eq!(
            entries[0].metadata,
            Some(vec![pair("Name", "n"), pair("ResourceType", "directory")])
        );
        assert_eq!(entries[0].tags, Some(vec![pair("a b", "c")]));
        assert_eq!(
            (&entries[1].metadata, &entries[1].tags),
            (&Some(vec![]), &Some(vec![]))
        );
        assert_eq!(of(&[], one_level)[0].metadata, None);
    }
}

#[test]
fn what_one_level_lists_can_be_listed_again() {
    let rig = Rig::new();
    let blobs = ["a/b/c", "a//b", "a///", "/x", "//", "///y", "d/e", "f/"];
    for name in blobs {
        let source = Source::Memory(MemorySource::owned(Vec::new()));
        let odd = BlobRef::verbatim("data", name).unwrap();
        rig.run(Job::upload(source, odd, support::options(true)))
            .uploaded();
    }
    let mut found = Vec::new();
    let mut waiting = vec![(BlobRef::parse("data").unwrap(), "")];
    while let Some((prefix, name_prefix)) = waiting.pop() {
        let options = ListOptions {
            one_level: true,
            name_prefix: name_prefix.to_owned(),
            ..ListOptions::default()
        };
        for entry in list_with(&rig, &prefix, options) {
            if !entry.is_prefix {
                found.push(entry.name);
            } else if entry.name.is_empty() {
                waiting.push((BlobRef::parse("data").unwrap(), "/"));
            } else {
                waiting.push((BlobRef::verbatim("data", &entry.name).unwrap(), ""));
            }
        }
        assert!(found.len() + waiting.len() < 100, "the walk does not end");
    }
    found.sort();
    let mut blobs = blobs;
    blobs.sort_unstable();
    assert_eq!(found, blobs);
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
fn a_list_for_which_no_token_can_be_had_ends() {
    let rig = Rig::with(|config| config.credential = Credential::token());
    let container = BlobRef::parse("data").unwrap();
    let mut listing = rig.client.list(&container, ListOptions::default());
    let next = |listing: &mut fastblob_engine::Listing| listing.next_page(SignalPoll::never());
    assert!(matches!(next(&mut listing), Ok(Page::NeedsToken)));
    rig.fetch_token();
    let error = next(&mut listing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    // Asked for again, it is tried again.
    assert!(matches!(next(&mut listing), Ok(Page::NeedsToken)));
    rig.tokens.lock().unwrap().lifetimes = vec![3_600];
    rig.fetch_token();
    assert!(matches!(next(&mut listing), Ok(Page::Entries(_))));
}

#[test]
fn a_copy_is_made_by_the_service() {
    let rig = Rig::new();
    let sent = rig.write("a b", b"content");
    assert_eq!(rig.copy("a b", "b", false).properties().size, 7);
    let read = rig.read("b", 0, None);
    assert_eq!(Some(read.downloaded().crc64), sent.uploaded().crc64);
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
