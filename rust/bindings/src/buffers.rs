//! Memory of Python objects as the engine reads and writes it, without a copy in between.
//!
//! The only module with `unsafe`. `PyO3`'s `PyBuffer` is not used: it takes the GIL wherever it is
//! dropped.
#![allow(unsafe_code)]

use std::{
    any::Any,
    ffi::c_int,
    fmt, io, mem, ptr, slice,
    sync::{
        Arc,
        atomic::{AtomicPtr, Ordering},
    },
};

use crate::shutdown::Attaching;
use fastblob_engine::{MemoryRegion, MemorySource, MemoryTarget, checksum};
use parking_lot::Mutex;
use pyo3::{
    exceptions::{PyBufferError, PyTypeError},
    ffi,
    prelude::*,
    types::PyBytes,
};

/// The memory of an object with the buffer protocol; held until dropped, on whatever thread that
/// is.
///
/// As for every extension that works without the GIL, other threads of the program must not change
/// the object meanwhile: the bytes moved would be a mixture of old and new.
pub(crate) struct Content(*mut Node<ffi::Py_buffer>);

/// What is to be released by the next thread that comes back to Python. The engine drops it wherever
/// it is; to wait for the GIL there would cost more than the rest of a small upload, or dead-lock
/// where the engine holds a lock. No lock here either, nor the one that `PyO3` takes when a `Py` is
/// dropped without the GIL: `os.fork()` would leave it locked in the child if it came at that moment.
struct Stack<T>(AtomicPtr<Node<T>>);

/// On the heap and never moved, since an exporter may remember where its view is.
struct Node<T> {
    value: T,
    next: *mut Node<T>,
}

static VIEWS: Stack<ffi::Py_buffer> = Stack(AtomicPtr::new(ptr::null_mut()));

impl<T> Node<T> {
    fn new(value: T) -> Self {
        Self {
            value,
            next: ptr::null_mut(),
        }
    }
}

impl<T> Stack<T> {
    /// # Safety
    /// `node` was made by `Box::into_raw` and is used by nobody else from now on.
    unsafe fn push(&self, node: *mut Node<T>) {
        let mut top = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: nobody else has this node before it is on the stack.
            unsafe { (*node).next = top };
            match self
                .0
                .compare_exchange_weak(top, node, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(changed) => top = changed,
            }
        }
    }

    fn drain(&self, mut release: impl FnMut(Box<Node<T>>)) {
        let mut next = self.0.swap(ptr::null_mut(), Ordering::Acquire);
        while !next.is_null() {
            // SAFETY: what is on the stack was made by `Box::into_raw`, and belongs to whoever has
            // taken the stack.
            let node = unsafe { Box::from_raw(next) };
            next = node.next;
            release(node);
        }
    }
}

/// Gives the memory back that transfers have finished with. Whoever comes back from the engine calls
/// this.
pub(crate) fn release_dropped(_py: Python<'_>) {
    VIEWS.drain(|mut node| {
        // SAFETY: the GIL is held, and the view was filled in by `PyObject_GetBuffer` and not
        // released yet.
        unsafe { ffi::PyBuffer_Release(&raw mut node.value) };
    });
}

// SAFETY: the memory that the view points to stays where it is until `PyBuffer_Release`, whichever
// thread looks at it, and the exporting object is touched only by `PyBuffer_Release`, with the GIL
// (see `release_dropped`).
unsafe impl Send for Content {}
// SAFETY: as above; nothing in the view changes after it has been filled in.
unsafe impl Sync for Content {}

impl Content {
    fn with_flags(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Self> {
        let mut node = Box::new(Node::new(ffi::Py_buffer::new()));
        // SAFETY: the GIL is held and `object` is a live object.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut node.value, flags) } != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        Ok(Self(Box::into_raw(node)))
    }

    fn view(&self) -> &ffi::Py_buffer {
        // SAFETY: it was made by `Box::into_raw`, and is freed only after it has been dropped.
        unsafe { &(*self.0).value }
    }

    pub(crate) fn len(&self) -> usize {
        self.view().len.unsigned_abs()
    }

    fn bytes(&self) -> &[u8] {
        if self.len() == 0 {
            return &[];
        }
        // SAFETY: a simple view is `len` contiguous bytes, which stay until it is released.
        unsafe { slice::from_raw_parts(self.view().buf.cast(), self.len()) }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        // SAFETY: it was made by `Box::into_raw`, and this was its only user.
        unsafe { VIEWS.push(self.0) };
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("len", &self.len()).finish()
    }
}

fn has_buffer(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the GIL is held and `object` is a live object.
    unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) != 0 }
}

fn contiguous(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Content> {
    if !has_buffer(object) {
        return Err(PyTypeError::new_err(format!(
            "an object with the buffer protocol is needed, not {}",
            object.get_type().name()?
        )));
    }
    Content::with_flags(object, flags).map_err(|error| {
        let hint = if flags == ffi::PyBUF_WRITABLE {
            "a writable, C-contiguous buffer is needed"
        } else {
            "a C-contiguous buffer is needed, as made by bytes() or numpy.ascontiguousarray()"
        };
        let refused = PyBufferError::new_err(format!("{hint} ({})", error.value(object.py())));
        refused.set_cause(object.py(), Some(error));
        refused
    })
}

/// The bytes of `bytes`, `bytearray`, `memoryview`, a numpy array, ... for an upload; None for an object
/// without the buffer protocol.
pub(crate) fn source(object: &Bound<'_, PyAny>) -> PyResult<Option<MemorySource>> {
    if !has_buffer(object) {
        return Ok(None);
    }
    let export = contiguous(object, ffi::PyBUF_SIMPLE)?;
    let content: *const [u8] = export.bytes();
    // SAFETY: the memory stays until the export, which is the owner, is dropped; moving the export
    // does not move it.
    let content: &'static [u8] = unsafe { &*content };
    Ok(Some(MemorySource::new(content, Box::new(export))))
}

/// Memory of the caller that a blob is read into.
#[derive(Debug)]
pub(crate) struct BufferTarget(Arc<Content>);

impl BufferTarget {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(Arc::new(contiguous(object, ffi::PyBUF_WRITABLE)?)))
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

impl MemoryTarget for BufferTarget {
    fn allocate(&mut self, length: u64) -> io::Result<MemoryRegion> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        if length > self.0.len() {
            return Err(io::Error::other("more bytes came than were asked for"));
        }
        // SAFETY: a writable simple view is `len` contiguous bytes that stay until the owner is
        // dropped; `length` is no more. The engine hands out one region at a time: a read that
        // starts over drops the earlier one first.
        let region = unsafe { region(self.0.view().buf.cast(), length) };
        Ok(MemoryRegion::new(
            region,
            Arc::clone(&self.0) as Arc<dyn Any + Send + Sync>,
        ))
    }
}

/// Where `read` and `read_many` write: the memory of a `bytes` object that nobody else has seen yet; or,
/// for a small blob, memory that is copied to one later, when a thread has the GIL for it anyway.
#[derive(Debug, Default)]
pub(crate) struct BytesTarget {
    slot: Slot,
    gathered: Option<Arc<Gathered>>,
}

/// The `bytes` object of a [`BytesTarget`], for when the read has ended.
#[derive(Debug)]
pub(crate) struct BytesResult(Slot);

type Slot = Arc<Mutex<Arrived>>;

/// What has been read.
#[derive(Clone, Debug, Default)]
enum Arrived {
    /// Nothing is allocated for a blob without content.
    #[default]
    Nothing,
    Small(Arc<Vec<u8>>),
    Bytes(Arc<Py<PyBytes>>),
}

/// Up to this size a copy costs less than a worker's turn with the GIL.
const SMALL: usize = 16 << 10;

/// The small contents of a call that are to become `bytes` objects, many at a time: for each one alone,
/// workers would wait for the GIL most of the time.
#[derive(Debug, Default)]
pub(crate) struct Gathered(Mutex<(Vec<Slot>, usize)>);

/// Bytes, and contents, that are gathered at most.
const MOST_GATHERED: (usize, usize) = (1 << 20, 64);

impl Gathered {
    fn add(&self, slot: Slot, size: usize) {
        let full = {
            let (slots, bytes) = &mut *self.0.lock();
            slots.push(slot);
            *bytes += size;
            if *bytes < MOST_GATHERED.0 && slots.len() < MOST_GATHERED.1 {
                return;
            }
            *bytes = 0;
            mem::take(slots)
        };
        let attaching = Attaching::begin();
        if attaching.is_some() {
            // Where there is no memory for them, it is said when the results are made.
            Python::try_attach(|py| full.iter().all(|slot| bytes_in(slot, py).is_ok()));
        }
    }
}

/// The `bytes` object of what has been read, made where there is none yet.
fn bytes_in<'py>(slot: &Slot, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
    let arrived = slot.lock().clone();
    let content = match arrived {
        Arrived::Nothing => return Ok(PyBytes::new(py, b"")),
        Arrived::Bytes(bytes) => return Ok(bytes.bind(py).clone()),
        Arrived::Small(content) => content,
    };
    let (bytes, region) = new_bytes(py, content.len())?;
    region.copy_from_slice(&content);
    let mut slot = slot.lock();
    // A blob that changed may have been read anew meanwhile.
    if matches!(&*slot, Arrived::Small(now) if Arc::ptr_eq(now, &content)) {
        *slot = Arrived::Bytes(Arc::new(bytes.clone().unbind()));
    }
    Ok(bytes)
}

/// A `bytes` object and its content, which is to be written before anybody else sees the object.
fn new_bytes(py: Python<'_>, length: usize) -> PyResult<(Bound<'_, PyBytes>, &'static mut [u8])> {
    // SAFETY: the GIL is held. With a null pointer the content is left for us to fill in, which the
    // documentation of PyBytes_FromStringAndSize allows as long as nobody else has seen the object.
    let bytes = unsafe {
        let bytes = ffi::PyBytes_FromStringAndSize(ptr::null(), length.cast_signed());
        Bound::from_owned_ptr_or_err(py, bytes)?.cast_into_unchecked::<PyBytes>()
    };
    // SAFETY: the GIL is held and this is a bytes object.
    let content = unsafe { ffi::PyBytes_AsString(bytes.as_ptr()) };
    // SAFETY: the object has room for `length` bytes there, which never moves; whoever uses it keeps the
    // object alive.
    let region = unsafe { region(content.cast(), length) };
    Ok((bytes, region))
}

impl BytesTarget {
    /// The target of one of many reads.
    pub(crate) fn gathered(gathered: &Arc<Gathered>) -> Self {
        Self {
            slot: Slot::default(),
            gathered: Some(Arc::clone(gathered)),
        }
    }

    pub(crate) fn result(&self) -> BytesResult {
        BytesResult(Arc::clone(&self.slot))
    }
}

impl BytesResult {
    /// The object, once the engine has reported success; it writes to the memory no more then.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes_in(&self.0, py)
    }
}

/// The memory of a small content while it is written.
struct Small {
    content: Vec<u8>,
    slot: Slot,
    gathered: Option<Arc<Gathered>>,
}

impl Drop for Small {
    fn drop(&mut self) {
        let content = mem::take(&mut self.content);
        let size = content.len();
        *self.slot.lock() = Arrived::Small(Arc::new(content));
        if let Some(gathered) = &self.gathered {
            gathered.add(Arc::clone(&self.slot), size);
        }
    }
}

impl MemoryTarget for BytesTarget {
    fn allocate(&mut self, length: u64) -> io::Result<MemoryRegion> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let before = mem::take(&mut *self.slot.lock());
        if matches!(before, Arrived::Bytes(_)) {
            // Of a blob that is read anew. Without the GIL it would be dropped under a lock of `PyO3`'s.
            let attaching = Attaching::begin();
            Python::try_attach(|_| drop(before));
            drop(attaching);
        }
        if length <= SMALL {
            let mut small = Small {
                content: vec![0; length],
                slot: Arc::clone(&self.slot),
                gathered: self.gathered.clone(),
            };
            // SAFETY: the vector's memory stays where it is until the owner is dropped, which looks at it
            // only then.
            let region = unsafe { region(small.content.as_mut_ptr(), length) };
            return Ok(MemoryRegion::new(region, Arc::new(small)));
        }
        let attaching = Attaching::begin();
        let allocated = attaching.as_ref().and_then(|_| {
            Python::try_attach(|py| {
                let (bytes, region) = new_bytes(py, length)?;
                PyResult::Ok((Arc::new(bytes.unbind()), region))
            })
        });
        drop(attaching);
        let (bytes, region) = allocated
            .ok_or_else(|| io::Error::other("Python is shutting down"))?
            .map_err(io::Error::other)?;
        *self.slot.lock() = Arrived::Bytes(Arc::clone(&bytes));
        Ok(MemoryRegion::new(region, bytes))
    }
}

/// `length` bytes to be written.
///
/// # Safety
/// They must be there, and nobody else may use them, for as long as the result is used.
unsafe fn region(start: *mut u8, length: usize) -> &'static mut [u8] {
    if length == 0 {
        return &mut [];
    }
    // SAFETY: what the caller promises.
    unsafe { slice::from_raw_parts_mut(start, length) }
}

/// CRC-64/NVME of a buffer, going on from that of what comes before.
#[pyfunction]
#[pyo3(signature = (data, value, /))]
pub(crate) fn crc64(data: &Bound<'_, PyAny>, value: u64) -> PyResult<u64> {
    let content = contiguous(data, ffi::PyBUF_SIMPLE)?;
    let checksum = data.py().detach(|| checksum::crc64(value, content.bytes()));
    drop(content);
    release_dropped(data.py());
    Ok(checksum)
}
