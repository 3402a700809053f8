//! What was asked for: tests count requests, and read here which.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

use crate::http::Request;

/// The log forgets the oldest beyond this many.
const CAPACITY: usize = 100_000;

/// One request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// HTTP method.
    pub method: String,
    /// Path and query as sent, without the signature of a shared access signature.
    pub target: String,
    /// The operation by its name in Azure's documentation: `GetBlob`, `PutBlock`, `Token`,
    /// `GetSecret`, ...
    pub operation: &'static str,
    /// Status of the answer; 0 if the connection broke before there was one.
    pub status: u16,
    /// Value of `x-ms-client-request-id`.
    pub client_request_id: Option<String>,
    /// Value of `x-ms-range` or, without it, of `Range`.
    pub range: Option<String>,
    /// Value of `x-ms-content-crc64`.
    pub content_crc64: Option<String>,
    /// Number of the connection, counted from the start of the service.
    pub connection: u64,
}

impl RequestRecord {
    pub(crate) fn new(
        request: &Request<'_>,
        operation: &'static str,
        status: u16,
        connection: u64,
    ) -> Self {
        let header = |name| request.header(name).map(Into::into);
        Self {
            method: request.method.into(),
            target: without_signature(request.target),
            operation,
            status,
            client_request_id: header("x-ms-client-request-id"),
            range: header("x-ms-range").or_else(|| header("range")),
            content_crc64: header("x-ms-content-crc64"),
            connection,
        }
    }
}

fn without_signature(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.into();
    };
    let mut clean = path.to_owned();
    let kept = query
        .split('&')
        .filter(|pair| !pair.to_ascii_lowercase().starts_with("sig="));
    for (index, pair) in kept.enumerate() {
        clean.push(if index == 0 { '?' } else { '&' });
        clean.push_str(pair);
    }
    clean
}

/// The latest requests.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    records: Mutex<VecDeque<RequestRecord>>,
}

impl RequestLog {
    pub(crate) fn push(&self, record: RequestRecord) {
        let mut records = self.records.lock();
        if records.len() == CAPACITY {
            records.pop_front();
        }
        records.push_back(record);
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        self.records.lock().iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for record in self.records.lock().iter() {
            *counts.entry(record.operation.to_owned()).or_default() += 1;
        }
        counts
    }

    pub(crate) fn clear(&self) {
        self.records.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_not_kept() {
        assert_eq!(
            without_signature("/c/b?sv=1&sig=x%3D&se=2"),
            "/c/b?sv=1&se=2"
        );
        assert_eq!(without_signature("/c/b?sig=x"), "/c/b");
        assert_eq!(without_signature("/c/b"), "/c/b");
    }
}
