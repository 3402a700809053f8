//! What the engine says, as records of the Python logger `fastblob`.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::{intern, prelude::*, sync::PyOnceLock};

/// How often a thread that has something to say tries to say it.
const ATTEMPTS: u32 = 1000;

/// Keeps messages until a thread comes back to Python: whoever logs may hold a lock of the engine,
/// and must not wait for the GIL then.
#[derive(Debug)]
struct Messages {
    any: AtomicBool,
    waiting: Mutex<Vec<(Level, String)>>,
}

static MESSAGES: Messages = Messages {
    any: AtomicBool::new(false),
    waiting: Mutex::new(Vec::new()),
};

impl Log for Messages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("fastblob_engine")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        for _ in 0..ATTEMPTS {
            // Never waits: in a child of `os.fork()` the lock might be one that nobody will open.
            if let Ok(mut waiting) = self.waiting.try_lock() {
                waiting.push((record.level(), record.args().to_string()));
                self.any.store(true, Ordering::Release);
                return;
            }
            thread::yield_now();
        }
    }

    fn flush(&self) {}
}

/// Called once, when the module is imported.
pub(crate) fn set_up() {
    // Fails where another logger is set already, which cannot be in a module of our own.
    if log::set_logger(&MESSAGES).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn logger(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let logger = LOGGER.get_or_try_init(py, || {
        py.import(intern!(py, "logging"))?
            .call_method1(intern!(py, "getLogger"), ("fastblob",))
            .map(Bound::unbind)
    })?;
    Ok(logger.bind(py))
}

/// Has the engine say what the logger wants to hear. Whoever enters the engine calls this.
pub(crate) fn set_level(py: Python<'_>) -> PyResult<()> {
    const DEBUG: u8 = 10;
    let logger = logger(py)?;
    let wanted: bool = logger
        .call_method1(intern!(py, "isEnabledFor"), (DEBUG,))?
        .is_truthy()?;
    log::set_max_level(if wanted {
        LevelFilter::Debug
    } else {
        LevelFilter::Warn
    });
    Ok(())
}

/// Hands over what has been said. Whoever comes back from the engine calls this.
pub(crate) fn hand_over(py: Python<'_>) -> PyResult<()> {
    if !MESSAGES.any.load(Ordering::Acquire) {
        return Ok(());
    }
    let Ok(mut waiting) = MESSAGES.waiting.try_lock() else {
        return Ok(());
    };
    let messages = std::mem::take(&mut *waiting);
    MESSAGES.any.store(false, Ordering::Release);
    drop(waiting);
    let logger = logger(py)?;
    for (level, message) in messages {
        let method = if level <= Level::Warn {
            intern!(py, "warning")
        } else {
            intern!(py, "debug")
        };
        logger.call_method1(method, ("%s", message))?;
    }
    Ok(())
}
