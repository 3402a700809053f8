//! Limits of the service and constants of the engine, each with its reason.

use std::time::Duration;

/// Version of the REST protocol that every request names.
///
/// New enough for everything used here (encoded names in lists since 2021-02-12, the cold tier since
/// 2021-12-02, details of refused signatures since 2024-08-04, structured messages since 2025-01-05), and the
/// newest that the Azurite of the tests accepts without being told to.
pub(crate) const SERVICE_VERSION: &str = "2025-11-05";

/// Most blocks that a block blob can have:
/// <https://learn.microsoft.com/rest/api/storageservices/understanding-block-blobs--append-blobs--and-page-blobs>
pub const MAX_BLOCKS: u64 = 50_000;

/// Largest block, 4,000 MiB (same page).
pub const MAX_BLOCK_SIZE: u64 = 4_000 << 20;
/// Bytes of a blob at most; those of other kinds are smaller.
pub(crate) const MAX_BLOB_SIZE: u64 = MAX_BLOCKS * MAX_BLOCK_SIZE;

/// Smallest block or range of a transfer in parts.
///
/// Above 4 MiB, from where on every kind of account gives its full throughput to one blob:
/// <https://learn.microsoft.com/azure/storage/blobs/scalability-targets>. Measured between 4 and
/// 32 MiB there is no difference that can be told from noise; less is lost when a request fails.
pub const PART_SIZE: u64 = 8 << 20;

/// A blob of another account is copied in blocks of this size; one that is no larger with a single request.
///
/// No byte of them passes through this machine, and the service answers when it has copied all: some seconds
/// are less than any time-out, and few requests for a large blob. Of Put Blob From URL the most is 5,000 MiB:
/// <https://learn.microsoft.com/rest/api/storageservices/put-blob-from-url>
pub(crate) const COPY_BLOCK_SIZE: u64 = 64 << 20;

/// Largest range for which the service computes a checksum (`x-ms-range-get-content-crc64`):
/// <https://learn.microsoft.com/rest/api/storageservices/get-blob>
pub(crate) const MAX_CHECKSUM_RANGE: u64 = 4 << 20;

/// Largest request that gets a Content-MD5 where the service cannot verify CRC64 (Azurite): MD5 runs
/// at 0.6 GB/s, a hundredth of CRC64's speed.
pub(crate) const MAX_MD5_FALLBACK: u64 = 4 << 20;

/// Largest blob whose stored MD5 is verified unasked, where the service vouches in no other way: MD5 takes
/// 25 microseconds for it, a fraction of what a request costs.
pub(crate) const MAX_UNASKED_MD5: u64 = 16 << 10;

/// Bytes of a range that are asked for at least, however often its answers break off.
pub(crate) const SMALLEST_RANGE: u64 = 256;

/// Most operations in one blob batch:
/// <https://learn.microsoft.com/rest/api/storageservices/blob-batch>
pub(crate) const MAX_BATCH_DELETES: usize = 256;

/// Bytes that a worker collects before it writes them to a file, and reads from one at a time.
///
/// Measured: 1 to 2 MiB is best on the way down, 256 KiB to 1 MiB on the way up; it fits the second
/// level cache together with what the kernel copies.
pub(crate) const BUFFER_SIZE: usize = 1 << 20;

/// Longest time without looking whether the caller gave up: Ctrl-C answers within 200 ms.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// An idle connection is not used again after this time: the service closes idle connections, and a
/// request on one that is just being closed is lost.
pub(crate) const MAX_IDLE: Duration = Duration::from_secs(30);

/// A connection is replaced at this age, so that changes of DNS and of load balancing are followed.
pub(crate) const MAX_CONNECTION_AGE: Duration = Duration::from_secs(600);

/// Time for a TCP connection to be accepted.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Most bytes of a response's head, and most header fields in it.
pub(crate) const MAX_HEAD_SIZE: usize = 64 << 10;
pub(crate) const MAX_HEADERS: usize = 128;

/// Most bytes of an answer that is read into memory whole (a page of 5,000 list entries with long
/// names and metadata stays well below).
pub(crate) const MAX_ANSWER_SIZE: usize = 64 << 20;

/// Most bytes of the explanation of an error, and of the body of an answer that needs none.
pub(crate) const MAX_ERROR_SIZE: usize = 64 << 10;

/// A token is refreshed this long before it expires, or when a fifth of its life is left, whichever
/// is later: one that lives shorter than this is not refreshed at every call.
pub(crate) const TOKEN_REFRESH_AHEAD: Duration = Duration::from_secs(300);
