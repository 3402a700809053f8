//! Up and down again, in every size at which something changes.

mod support;

use std::{
    fs,
    io::{self, Read},
    sync::Arc,
};

use fastblob_engine::{
    Checksum, ErrorKind, Job, OnError, Source, UploadOptions, checksum::crc64, limits::PART_SIZE,
};
use fastblob_service::Action;
use support::{Folder, Rig, blob, content, write};

const PART: usize = PART_SIZE as usize;

#[test]
fn every_size_comes_back_and_costs_what_it_must() {
    let rig = Rig::new();
    let folder = Folder::new();
    for (size, up, down) in [
        (0, 1, 2), // a range of an empty blob is refused; its properties are asked for
        (1, 1, 1),
        ((1 << 20) + 1, 1, 1),
        (PART, 1, 1),
        (PART + 1, 3, 2),
        (3 * PART + 5, 5, 4),
    ] {
        let bytes = content(size);
        let source = folder.file("source", &bytes);
        let options = Arc::new(UploadOptions::default());
        let name = format!("sizes/{size}");
        let sent = rig.run(Job::upload(Source::File(source), blob(&name), options));
        assert!(sent.error.is_none(), "{:?}", sent.error);
        assert_eq!((sent.size, sent.requests), (size as u64, up), "{size} up");
        assert_eq!(sent.crc64, Some(crc64(0, &bytes)));
        let target = folder.join("deep/er/target");
        let got = rig.run(Job::download(blob(&name), target.clone()));
        assert!(got.error.is_none(), "{:?}", got.error);
        assert_eq!((got.size, got.requests), (size as u64, down), "{size} down");
        assert_eq!((got.crc64, &got.etag), (sent.crc64, &sent.etag));
        assert!(fs::read(&target).unwrap() == bytes, "{size}");
        let read = rig.read(&name, 0, None);
        assert_eq!((read.size, read.crc64), (size as u64, sent.crc64));
    }
    assert_eq!(fs::read_dir(folder.join("deep/er")).unwrap().count(), 1);
}

#[test]
fn ranges_are_cut_at_the_end() {
    let rig = Rig::new();
    let bytes = content(2 * PART + 10);
    rig.write("a", &bytes);
    for (offset, length, expected) in [
        (0, Some(5), 0..5),
        (7, None, 7..bytes.len()),
        (PART as u64 - 1, Some(PART_SIZE + 2), PART - 1..2 * PART + 1),
        (
            bytes.len() as u64 - 3,
            Some(100),
            bytes.len() - 3..bytes.len(),
        ),
        (bytes.len() as u64, None, 0..0),
        (3, Some(0), 0..0),
    ] {
        let outcome = rig.read("a", offset, length);
        assert!(
            outcome.error.is_none(),
            "{offset} {length:?} {:?}",
            outcome.error
        );
        assert_eq!(outcome.crc64, Some(crc64(0, &bytes[expected])));
    }
    let beyond = rig.read("a", bytes.len() as u64 + 1, None).error.unwrap();
    assert_eq!(beyond.status(), Some(416));
}

#[test]
fn streams_of_any_length_are_sent_block_by_block() {
    let rig = Rig::new();
    for (size, requests) in [(0, 1), (5, 1), (PART, 2), (2 * PART + 7, 4)] {
        let bytes = content(size);
        let stream = Box::new(io::Cursor::new(bytes.clone()));
        let options = Arc::new(UploadOptions::default());
        let name = format!("streams/{size}");
        let sent = rig.run(Job::upload(Source::Stream(stream), blob(&name), options));
        assert!(sent.error.is_none(), "{:?}", sent.error);
        assert_eq!(
            (sent.size, sent.requests),
            (size as u64, requests),
            "{size}"
        );
        assert_eq!(rig.read(&name, 0, None).crc64, Some(crc64(0, &bytes)));
    }
}

#[test]
fn a_stream_that_fails_leaves_no_blob() {
    struct Failing(u64);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the tape is torn"));
            }
            let count = buffer.len().min(usize::try_from(self.0).unwrap());
            self.0 -= count as u64;
            Ok(count)
        }
    }
    let rig = Rig::new();
    let stream = Box::new(Failing(PART_SIZE + 3));
    let options = Arc::new(UploadOptions::default());
    let outcome = rig.run(Job::upload(Source::Stream(stream), blob("a"), options));
    assert!(
        outcome
            .error
            .unwrap()
            .to_string()
            .contains("the tape is torn")
    );
    assert_eq!(
        rig.read("a", 0, None).error.unwrap().code(),
        Some("BlobNotFound")
    );
}

#[test]
fn without_overwriting_the_first_one_stays() {
    let rig = Rig::new();
    for size in [5, PART + 1] {
        let name = format!("{size}");
        rig.write(&name, &content(size));
        let error = rig.run(write(&name, b"other", false)).error.unwrap();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(rig.read(&name, 0, None).size, size as u64);
        assert!(rig.write(&name, b"other").error.is_none());
    }
}

#[test]
fn many_items_keep_their_order_and_share_what_is_large() {
    let rig = Rig::new();
    let folder = Folder::new();
    let sizes: Vec<_> = (0..300)
        .map(|index| {
            if index % 100 == 7 {
                2 * PART + index
            } else {
                index * 11
            }
        })
        .collect();
    let jobs = sizes
        .iter()
        .map(|size| write(&format!("many/{size}"), &content(*size), false))
        .collect();
    let sent = rig.batch(jobs, OnError::Raise);
    assert_eq!(sent.len(), sizes.len());
    let jobs = sizes
        .iter()
        .map(|size| {
            Job::download(
                blob(&format!("many/{size}")),
                folder.join(&size.to_string()),
            )
        })
        .collect();
    let got = rig.batch(jobs, OnError::Raise);
    for ((sent, got), size) in sent.iter().zip(&got).zip(&sizes) {
        assert!(got.error.is_none(), "{:?}", got.error);
        assert_eq!((sent.size, got.size), (*size as u64, *size as u64));
        assert_eq!(sent.crc64, got.crc64);
        assert!(fs::read(folder.join(&size.to_string())).unwrap() == content(*size));
    }
    assert_eq!(folder.names().len(), sizes.len());
}

#[test]
fn an_error_is_collected_or_ends_the_call() {
    let rig = Rig::new();
    rig.write("there", b"1");
    let jobs = || {
        let mut jobs = vec![Job::read(
            blob("missing"),
            Box::new(support::Leaked),
            0,
            None,
        )];
        jobs.extend((0..600).map(|_| Job::read(blob("there"), Box::new(support::Leaked), 0, None)));
        jobs
    };
    let only_missing = OnError::CollectOnly(vec![ErrorKind::NotFound]);
    for on_error in [OnError::Collect, only_missing] {
        let collected = rig.batch(jobs(), on_error);
        let failed = collected.iter().filter(|outcome| outcome.error.is_some());
        assert_eq!(failed.count(), 1);
    }
    // The others take their time, or all of them would have ended before the first has failed.
    rig.service.add_fault(fastblob_service::Fault {
        operation: None,
        method: None,
        path: Some("there".to_owned()),
        after: 0,
        times: 0,
        action: Action::Delay(std::time::Duration::from_millis(50)),
    });
    let only_others = OnError::CollectOnly(vec![ErrorKind::AlreadyExists]);
    for on_error in [OnError::Raise, only_others] {
        let raised = rig.batch(jobs(), on_error);
        let kinds: Vec<_> = raised
            .iter()
            .filter_map(|outcome| Some(outcome.error.as_ref()?.kind()))
            .collect();
        assert_eq!(kinds[0], ErrorKind::NotFound);
        assert!(kinds.len() > 1 && kinds[1..].iter().all(|kind| *kind == ErrorKind::Cancelled));
    }
}

#[test]
fn two_items_for_one_target_are_refused_before_anything_is_sent() {
    let rig = Rig::new();
    let twice = vec![
        write("a", b"1", true),
        write("b", b"1", true),
        write("a", b"2", true),
    ];
    let outcomes = rig.batch(twice, OnError::Raise);
    assert_eq!(
        outcomes[2].error.as_ref().unwrap().kind(),
        ErrorKind::InvalidInput
    );
    assert!(rig.operations().is_empty());
}

#[test]
fn several_blobs_are_deleted_by_one_request() {
    let rig = Rig::new();
    for index in 0..300 {
        rig.write(&format!("d/{index}"), b"x");
    }
    rig.service.clear_requests();
    let mut jobs: Vec<_> = (0..300)
        .map(|index| Job::delete(blob(&format!("d/{index}"))))
        .collect();
    jobs.push(Job::delete(blob("d/missing")));
    let outcomes = rig.batch(jobs, OnError::Collect);
    assert!(
        outcomes[..300]
            .iter()
            .all(|outcome| outcome.error.is_none())
    );
    assert_eq!(
        outcomes[300].error.as_ref().unwrap().kind(),
        ErrorKind::NotFound
    );
    let batches = rig
        .operations()
        .iter()
        .filter(|name| name.contains("Batch"))
        .count();
    assert_eq!(batches, 2);
}

#[test]
fn damage_on_the_way_is_noticed_where_crc64_is_asked_for() {
    let rig = Rig::with(|config| config.checksum = Some(Checksum::Crc64));
    for size in [100, PART + 100] {
        let name = format!("{size}");
        rig.write(&name, &content(size));
        assert!(rig.read(&name, 0, None).error.is_none());
        rig.fault("GetBlob", 1, Action::Corrupt { at: 50 });
        let error = rig.read(&name, 0, None).error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Integrity);
    }
}

#[test]
fn a_stream_that_stalls_does_not_stop_the_others() {
    struct Stalling(std::sync::mpsc::Receiver<()>, u64);
    impl Read for Stalling {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.1 == 0 {
                let _ = self.0.recv();
                return Ok(0);
            }
            let count = buffer.len().min(usize::try_from(self.1).unwrap());
            self.1 -= count as u64;
            Ok(count)
        }
    }
    let rig = Rig::with(|config| config.max_connections = Some(2));
    rig.write("a", b"content");
    let (go_on, stalled) = std::sync::mpsc::channel();
    let stream = Box::new(Stalling(stalled, PART_SIZE + 1));
    let options = Arc::new(UploadOptions::default());
    let batch = rig.client.batch(OnError::Collect);
    batch.push(vec![Job::upload(
        Source::Stream(stream),
        blob("slow"),
        options,
    )]);
    let read = || Job::read(blob("a"), Box::new(support::Leaked), 0, None);
    let outcomes = rig.batch(vec![read(), read(), read()], OnError::Raise);
    assert!(outcomes.iter().all(|outcome| outcome.error.is_none()));
    go_on.send(()).unwrap();
    let outcomes = support::finish(batch);
    assert!(outcomes[0].error.is_none(), "{:?}", outcomes[0].error);
}

#[test]
fn a_stream_that_panics_ends_its_call_and_nothing_else() {
    struct Panicking(u64);
    impl Read for Panicking {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(self.0 > 0, "the reader of this test panics");
            let count = buffer.len().min(usize::try_from(self.0).unwrap());
            self.0 -= count as u64;
            Ok(count)
        }
    }
    let rig = Rig::with(|config| config.max_connections = Some(1));
    let stream = Box::new(Panicking(PART_SIZE + 1));
    let options = Arc::new(UploadOptions::default());
    let job = Job::upload(Source::Stream(stream), blob("a"), options);
    let outcomes = rig.batch(vec![job], OnError::Raise);
    assert!(
        outcomes[0]
            .error
            .as_ref()
            .unwrap()
            .to_string()
            .contains("internal error")
    );
    assert!(rig.write("b", b"content").error.is_none());
}

#[test]
fn metadata_names_are_signed_in_the_services_order() {
    let rig = Rig::new();
    let content: &'static [u8] = b"x";
    let options = UploadOptions {
        metadata: ["run_1", "run1", "runa", "Run_B"]
            .map(|name| (name.to_owned(), "v".to_owned()))
            .into(),
        ..UploadOptions::default()
    };
    let source = Source::Memory(fastblob_engine::MemorySource::new(content, Box::new(())));
    let outcome = rig.run(Job::upload(source, blob("a"), Arc::new(options)));
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
}
