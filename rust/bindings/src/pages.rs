//! `Pages`: a list, page by page.

use std::{fmt, mem, sync::Mutex};

use fastblob_engine::{Client, Listing, Page};
use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyList};

use crate::{
    call::{FINISHED, TOKEN},
    exceptions::{from_error, invalid_input},
    native::Native,
};

/// The pages of a list, one after another.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Pages(Box<dyn NextPage>);

impl Pages {
    /// `made` makes of an entry what Python sees.
    pub(crate) fn new<E, P>(
        client: Client,
        listing: Listing<E>,
        made: impl Fn(E) -> P + Send + Sync + 'static,
    ) -> Self
    where
        E: Send + 'static,
        P: for<'py> IntoPyObject<'py> + 'static,
    {
        Self(Box::new(PagesOf {
            listing: Native::new((client, Mutex::new(listing))),
            arrived: parking_lot::Mutex::default(),
            made,
        }))
    }
}

#[pymethods]
impl Pages {
    /// What is needed, or FINISHED where there are no more pages; if both are not so, the next page is put
    /// into `entries`, last one first. No signal comes in between, so that none costs a page.
    #[pyo3(signature = (entries, /))]
    fn next(&self, entries: &Bound<'_, PyList>) -> PyResult<u8> {
        self.0.next(entries)
    }
}

trait NextPage: Send + Sync + fmt::Debug {
    fn next(&self, entries: &Bound<'_, PyList>) -> PyResult<u8>;
}

struct PagesOf<E, F> {
    listing: Native<(Client, Mutex<Listing<E>>)>,
    /// A page that has arrived and is not handed over yet.
    arrived: parking_lot::Mutex<Vec<E>>,
    made: F,
}

impl<E, F> fmt::Debug for PagesOf<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagesOf").finish_non_exhaustive()
    }
}

impl<E, P, F> NextPage for PagesOf<E, F>
where
    E: Send,
    P: for<'py> IntoPyObject<'py>,
    F: Fn(E) -> P + Send + Sync,
{
    fn next(&self, entries: &Bound<'_, PyList>) -> PyResult<u8> {
        let py = entries.py();
        let asked = self.listing.enter(py, |(client, listing), signals| {
            client.check_open()?;
            // Never waited for: whoever has it waits for the service.
            let Ok(mut listing) = listing.try_lock() else {
                return Ok(None);
            };
            if !self.arrived.lock().is_empty() {
                return Ok(Some(Ok(0)));
            }
            Ok(Some(listing.next_page(signals).map(|page| match page {
                Page::Entries(page) => {
                    *self.arrived.lock() = page;
                    0
                }
                Page::NeedsToken => TOKEN,
                Page::End => FINISHED,
            })))
        })?;
        let asked = asked.map_err(invalid_input)?.ok_or_else(|| {
            PyRuntimeError::new_err("another thread asks for a page of this list: let it finish")
        })?;
        let needs = asked.map_err(|error| from_error(py, &error))?;
        for entry in mem::take(&mut *self.arrived.lock()).into_iter().rev() {
            entries.append((self.made)(entry))?;
        }
        Ok(needs)
    }
}
