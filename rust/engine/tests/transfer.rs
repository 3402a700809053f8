//! Up and down again, in every size at which something changes.

mod support;

use std::{
    fs,
    io::{self, Read},
    panic::{self, AssertUnwindSafe},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use fastblob_engine::{
    BlobRef, Conditions, DeleteBlob, Error, ErrorKind, Job, MemoryRegion, MemorySource,
    MemoryTarget, Need, OnError, SignalPoll, Source, WriteOptions, checksum::crc64,
    limits::PART_SIZE,
};
use fastblob_service::Action;
use support::{Expected, Folder, Rig, blob, content, delete, download, options, read, write};

const PART: usize = PART_SIZE as usize;
/// Nothing takes longer, unless it hangs.
const HANGS: Duration = Duration::from_secs(30);

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
        let name = format!("sizes/{size}");
        let job = Job::upload(Source::File(source), blob(&name), options(false));
        let sent = rig.run(job);
        let requests = sent.requests;
        let sent = sent.uploaded();
        assert_eq!((sent.size, requests), (size as u64, up), "{size} up");
        assert_eq!(sent.crc64, Some(crc64(0, &bytes)));
        let target = folder.join("deep/er/target");
        let got = rig.run(download(&name, target.clone()));
        let requests = got.requests;
        let got = got.downloaded();
        assert_eq!((got.size, requests), (size as u64, down), "{size} down");
        assert_eq!(
            (got.crc64, got.etag()),
            (sent.crc64.unwrap(), sent.etag.as_deref())
        );
        assert!(fs::read(&target).unwrap() == bytes, "{size}");
        let read = rig.read(&name, 0, None);
        let read = read.downloaded();
        assert_eq!((read.size, read.crc64), (size as u64, sent.crc64.unwrap()));
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
        // As of a file, nothing is there.
        (bytes.len() as u64 + 1, None, 0..0),
    ] {
        let outcome = rig.read("a", offset, length);
        assert_eq!(
            outcome.downloaded().crc64,
            crc64(0, &bytes[expected]),
            "{offset} {length:?}"
        );
    }
}

#[test]
fn streams_of_any_length_are_sent_block_by_block() {
    let rig = Rig::new();
    for (size, requests) in [(0, 1), (5, 1), (PART, 2), (2 * PART + 7, 4)] {
        let bytes = content(size);
        let name = format!("streams/{size}");
        let sent = rig.write_stream(&name, io::Cursor::new(bytes.clone()));
        assert_eq!(
            (sent.uploaded().size, sent.requests),
            (size as u64, requests),
            "{size}"
        );
        let read = rig.read(&name, 0, None);
        assert_eq!(read.downloaded().crc64, crc64(0, &bytes));
    }
}

#[test]
fn a_stream_that_fails_leaves_no_blob() {
    let rig = Rig::new();
    let stream = io::repeat(0).take(PART_SIZE + 3);
    let outcome = rig.write_stream("a", stream.chain(Failing));
    let message = outcome.error().to_string();
    assert!(message.contains("the tape is torn"), "{message}");
    let read = rig.read("a", 0, None);
    assert_eq!(read.error().code(), Some("BlobNotFound"));
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the tape is torn"))
    }
}

#[test]
fn a_stream_ends_with_the_first_block_that_is_refused() {
    let rig = Rig::new();
    let nowhere = BlobRef::parse("elsewhere/a").unwrap();
    let call = rig
        .client
        .call_one(Job::upload(Source::Blocks, nowhere, options(true)));
    let endless: Box<dyn Read> = Box::new(io::repeat(1));
    rig.drive(&call, [(0, endless)].into(), SignalPoll::never());
    let outcome = call.take_outcomes().pop().unwrap();
    assert_eq!(outcome.error().code(), Some("ContainerNotFound"));
}

#[test]
fn a_stream_that_failed_wants_nothing_and_leaves_nothing() {
    let rig = Rig::with(|config| config.memory_limit = Some(PART_SIZE));
    // More often than there is memory for, if any of it were kept.
    for _ in 0..5 {
        // The second block is being read when the first is refused.
        rig.fault("PutBlock", 1, Action::Delay(Duration::from_millis(300)));
        let nowhere = BlobRef::parse("elsewhere/a").unwrap();
        let call = rig
            .client
            .call_one(Job::upload(Source::Blocks, nowhere, options(true)));
        let wait = || call.wait(SignalPoll::never(), Duration::from_secs(60));
        let block = |size| MemorySource::owned(vec![0; usize::try_from(size).unwrap()]);
        assert_eq!(wait(), Need::Block);
        let first = call.next_block().unwrap();
        call.put_block(first.item, block(first.size), false);
        assert_eq!(wait(), Need::Block);
        let second = call.next_block().unwrap();
        assert_eq!(wait(), Need::Nothing);
        call.put_block(second.item, block(second.size), false);
        let outcome = call.take_outcomes().pop().unwrap();
        assert_eq!(outcome.error().code(), Some("ContainerNotFound"));
    }
    rig.write_stream("a", io::repeat(0).take(2 * PART_SIZE))
        .uploaded();
}

#[test]
fn without_overwriting_the_first_one_stays() {
    let rig = Rig::new();
    for size in [5, PART + 1] {
        let name = format!("{size}");
        rig.write(&name, &content(size));
        let other = rig.run(write(&name, b"other", false));
        assert_eq!(other.error().kind(), ErrorKind::AlreadyExists);
        assert_eq!(rig.read(&name, 0, None).downloaded().size, size as u64);
        rig.write(&name, b"other").uploaded();
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
        .map(|size| download(&format!("many/{size}"), folder.join(&size.to_string())))
        .collect();
    let got = rig.batch(jobs, OnError::Raise);
    for ((sent, got), size) in sent.iter().zip(&got).zip(&sizes) {
        let (sent, got) = (sent.uploaded(), got.downloaded());
        assert_eq!((sent.size, got.size), (*size as u64, *size as u64));
        assert_eq!(sent.crc64, Some(got.crc64));
        assert!(fs::read(folder.join(&size.to_string())).unwrap() == content(*size));
    }
    assert_eq!(folder.names().len(), sizes.len());
}

#[test]
fn an_error_is_collected_or_ends_the_call() {
    let rig = Rig::new();
    rig.write("there", b"1");
    let jobs = || {
        let mut jobs = vec![read("missing", 0, None)];
        jobs.extend((0..600).map(|_| read("there", 0, None)));
        jobs
    };
    let only_missing = OnError::CollectOnly(vec![ErrorKind::NotFound]);
    for on_error in [OnError::Collect, only_missing] {
        let collected = rig.batch(jobs(), on_error);
        let failed = collected.iter().filter(|outcome| outcome.result.is_err());
        assert_eq!(failed.count(), 1);
    }
    // The others take their time, or all of them would have ended before the first has failed.
    rig.service.add_fault(fastblob_service::Fault {
        operation: None,
        method: None,
        path: Some("there".to_owned()),
        after: 0,
        times: 0,
        action: Action::Delay(Duration::from_millis(50)),
    });
    let only_others = OnError::CollectOnly(vec![ErrorKind::AlreadyExists]);
    for on_error in [OnError::Raise, only_others] {
        let raised = rig.batch(jobs(), on_error);
        let kinds: Vec<_> = raised
            .iter()
            .filter_map(|outcome| Some(outcome.result.as_ref().err()?.kind()))
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
    assert_eq!(outcomes[2].error().kind(), ErrorKind::InvalidInput);
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
        .map(|index| delete(&format!("d/{index}")))
        .collect();
    jobs.push(delete("d/missing"));
    let outcomes = rig.batch(jobs, OnError::Collect);
    for outcome in &outcomes[..300] {
        outcome.output();
    }
    assert_eq!(outcomes[300].error().kind(), ErrorKind::NotFound);
    let batches = rig
        .operations()
        .iter()
        .filter(|name| name.contains("Batch"))
        .count();
    assert_eq!(batches, 2);
}

#[test]
fn each_of_several_deletes_has_its_own_conditions() {
    let rig = Rig::new();
    let etag = |name: &str| rig.write(name, b"x").uploaded().etag.clone().unwrap();
    let (old, right) = (etag("changed"), etag("unchanged"));
    for name in ["changed", "plain", "leased"] {
        rig.write(name, b"y");
    }
    rig.service.clear_requests();
    let on = |name: &str, if_match: Option<&str>, lease: Option<&str>| {
        let conditions = Conditions {
            if_match: if_match.map(str::to_owned),
            lease: lease.map(str::to_owned),
            ..Conditions::default()
        };
        let delete = DeleteBlob {
            snapshots: None,
            missing_ok: true,
            conditions,
        };
        Job::delete(blob(name), delete)
    };
    let lease = "00000000-0000-0000-0000-000000000001";
    let jobs = vec![
        on("changed", Some(&old), None),
        on("unchanged", Some(&right), None),
        delete("plain"),
        on("missing", None, None),
        delete("missing too"),
        on("leased", None, Some(lease)),
    ];
    let outcomes = rig.batch(jobs, OnError::Collect);
    let kinds: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.result.as_ref().err().map(Error::kind))
        .collect();
    let (modified, not_found) = (Some(ErrorKind::Modified), Some(ErrorKind::NotFound));
    assert_eq!(kinds, [modified, None, None, None, not_found, modified]);
    assert_eq!(rig.operations(), ["BlobBatch"]);
    rig.properties(blob("changed")).properties();
    rig.properties(blob("leased")).properties();
}

/// Says that it is asked, and gives nothing before it may.
struct Stalling(mpsc::Sender<()>, mpsc::Receiver<()>);

impl Read for Stalling {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let _ = self.0.send(());
        let _ = self.1.recv();
        Ok(0)
    }
}

#[test]
fn a_stream_that_stalls_does_not_stop_the_others() {
    let rig = Rig::with(|config| config.max_connections = Some(2));
    rig.write("a", b"content");
    let (asked, stalls) = mpsc::channel();
    let (go_on, stalled) = mpsc::channel();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let stream = io::repeat(0).take(PART_SIZE + 1);
            rig.write_stream("slow", stream.chain(Stalling(asked, stalled)))
        });
        stalls.recv().unwrap();
        let jobs = (0..3).map(|_| read("a", 0, None)).collect();
        for outcome in rig.batch(jobs, OnError::Raise) {
            outcome.downloaded();
        }
        go_on.send(()).unwrap();
        assert_eq!(slow.join().unwrap().uploaded().size, PART_SIZE + 1);
    });
}

struct Panicking;

impl Read for Panicking {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("the reader of this test panics");
    }
}

impl MemoryTarget for Panicking {
    fn allocate(&mut self, _: u64) -> io::Result<MemoryRegion> {
        panic!("the target of this test panics");
    }
}

#[test]
fn a_stream_that_panics_ends_its_call_and_nothing_else() {
    let rig = Rig::with(|config| {
        config.max_connections = Some(1);
        config.memory_limit = Some(PART_SIZE);
    });
    let stream = io::repeat(0).take(PART_SIZE + 1).chain(Panicking);
    // It panics on the thread that drives the call, which goes away with it.
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| rig.write_stream("a", stream)));
    assert!(panicked.is_err());
    rig.write("b", b"content").uploaded();
    rig.write_stream("c", io::repeat(0).take(3 * PART_SIZE))
        .uploaded();
}

/// Memory whose owner panics when it is let go of.
struct PanickingOwner;

impl Drop for PanickingOwner {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the owner of this test panics");
    }
}

#[test]
fn a_block_that_panics_ends_its_item_and_nothing_else() {
    let rig = Rig::new();
    for panicking in [0, 2] {
        let call = rig.client.call(OnError::Collect);
        call.push(vec![Job::upload(Source::Blocks, blob("a"), options(true))]);
        call.end_of_input();
        let mut blocks = 0;
        let start = Instant::now();
        loop {
            match call.wait(SignalPoll::never(), Duration::from_secs(60)) {
                Need::Nothing => break,
                Need::Block => {}
                other => panic!("{other:?}"),
            }
            let Some(wanted) = call.next_block() else {
                continue;
            };
            let bytes = vec![0; wanted.size as usize];
            let block = if blocks == panicking {
                MemorySource::new(bytes.leak(), Box::new(PanickingOwner))
            } else {
                MemorySource::owned(bytes)
            };
            blocks += 1;
            assert!(start.elapsed() < HANGS, "the item does not end");
            // A stream without end: nobody is asked for more of it than what is under way.
            call.put_block(wanted.item, block, false);
        }
        let outcome = call.take_outcomes().pop().unwrap();
        assert_eq!(outcome.error().kind(), ErrorKind::Internal);
    }
    rig.write("b", b"content").uploaded();
}

#[test]
fn a_target_that_panics_ends_its_item_and_nothing_else() {
    let rig = Rig::with(|config| config.max_connections = Some(1));
    rig.write("a", b"content");
    let any = Arc::new(Conditions::default());
    let job = Job::read(blob("a"), Box::new(Panicking), 0, None, any);
    let outcomes = rig.batch(vec![job, read("a", 0, None)], OnError::Collect);
    assert_eq!(outcomes[0].error().kind(), ErrorKind::Internal);
    assert!(outcomes[0].error().to_string().contains("internal error"));
    outcomes[1].downloaded();
    rig.write("b", b"content").uploaded();
}

#[test]
fn metadata_names_are_signed_in_the_services_order() {
    let rig = Rig::new();
    let options = WriteOptions {
        metadata: ["run_1", "run1", "runa", "Run_B"]
            .map(|name| (name.to_owned(), "v".to_owned()))
            .into(),
        ..WriteOptions::default()
    };
    let source = Source::Memory(MemorySource::owned(b"x".to_vec()));
    rig.run(Job::upload(source, blob("a"), Arc::new(options)))
        .uploaded();
}
