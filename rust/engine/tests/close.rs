//! Clients that are closed, and what the service closes meanwhile.
#![allow(clippy::unwrap_used, reason = "a server that fails fails the test")]

mod support;

use std::collections::HashMap;

use fastblob_engine::{BlobRef, ErrorKind, ListOptions, OnError, SignalPoll};
use support::{Expected, Rig, delete, read, write};

const CLOSED: &str = "is closed; make a new one";

#[test]
fn a_closed_client_says_so() {
    let rig = Rig::new();
    rig.write("a", b"content");
    rig.service.clear_requests();
    let clone = rig.client.clone();
    clone.close();
    clone.close();
    for job in [read("a", 0, None), write("a", b"x", true), delete("a")] {
        let outcome = rig.run(job);
        assert_eq!(outcome.error().kind(), ErrorKind::InvalidInput);
        assert!(outcome.error().to_string().contains(CLOSED));
        assert!(
            outcome
                .error()
                .to_string()
                .contains(&rig.service.blob_endpoint())
        );
    }
    for outcome in rig.batch(vec![read("a", 0, None), delete("b")], OnError::Collect) {
        assert_eq!(outcome.error().kind(), ErrorKind::InvalidInput);
    }
    let container = BlobRef::parse("data").unwrap();
    let mut pages = rig.client.list(&container, ListOptions::default());
    let error = pages.next_page(SignalPoll::never()).unwrap_err();
    assert!(error.to_string().contains(CLOSED), "{error}");
    assert_eq!(rig.operations(), [""; 0]);
}

#[test]
fn what_has_begun_goes_on() {
    let rig = Rig::new();
    let call = rig.client.call(OnError::Raise);
    call.push(vec![write("a", b"1", true)]);
    rig.client.close();
    call.push(vec![write("b", b"2", true)]);
    call.end_of_input();
    rig.drive(&call, HashMap::new(), SignalPoll::never());
    for outcome in call.take_outcomes() {
        outcome.uploaded();
    }
}
