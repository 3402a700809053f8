//! Many blobs: the `*_many` methods, `upload_dir` and `download_prefix`.

use std::{path::PathBuf, sync::Arc};

use fastblob_engine::{
    self as engine, Answer, Conditions, DeleteBlob, Job, ListOptions, Listing, Outcome, Output,
    Page, Source, directory,
};
use pyo3::{IntoPyObjectExt, prelude::*, types::PyList};

use crate::{
    arguments::{
        OnErrorArgument, RAISE, not_a_string, one_level, pair, pair_or_triple, upload_options,
        with_metadata,
    },
    blob_ops, blob_path,
    buffers::BytesTarget,
    client::BaseClient,
    drive::{Engine, Input, Items, Jobs, Prepared, PythonItems},
    exceptions, file_object,
    progress::Reporter,
    results::BlobItem,
    runtime::enter,
};

#[pymethods]
impl BaseClient {
    /// Downloads many blobs into files.
    #[pyo3(
        signature = (items, *, on_error = RAISE, progress = None),
        text_signature = "($self, items, *, on_error='raise', progress=None)"
    )]
    fn download_many<'py>(
        &self,
        items: &Bound<'py, PyAny>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        not_a_string(items, "(blob, path) pairs")?;
        let mut input = PythonItems::new(items, |item| {
            let (blob, path) = pair(item, "(blob, path)")?;
            let conditions = Arc::new(Conditions::default());
            let blob = blob_path::extract(&blob)?;
            Ok(Job::download(blob, path.extract()?, conditions).into())
        })?;
        self.transfer_many(items.py(), &mut input, on_error, progress)
    }

    /// Uploads many files as blobs.
    #[pyo3(
        signature = (
            items, *, overwrite = false, metadata = None, content_type = None, tier = None,
            tags = None, on_error = RAISE, progress = None
        ),
        text_signature = "($self, items, *, overwrite=False, metadata=None, content_type=None, \
            tier=None, tags=None, on_error='raise', progress=None)"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn upload_many<'py>(
        &self,
        items: &Bound<'py, PyAny>,
        overwrite: bool,
        metadata: Option<&Bound<'py, PyAny>>,
        content_type: Option<String>,
        tier: Option<String>,
        tags: Option<&Bound<'py, PyAny>>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let options = upload_options(overwrite, metadata, content_type, tier, tags)?;
        not_a_string(items, "(path, blob) pairs")?;
        let mut input = PythonItems::new(items, |item| {
            let (path, blob) = pair(item, "(path, blob)")?;
            let blob = blob_path::extract(&blob)?;
            Ok(file_object::upload(path.extract()?, blob, options.clone()))
        })?;
        self.transfer_many(items.py(), &mut input, on_error, progress)
    }

    /// Uploads many pieces of data as blobs.
    #[pyo3(
        signature = (
            items, *, overwrite = false, metadata = None, content_type = None, tier = None,
            tags = None, on_error = RAISE, progress = None
        ),
        text_signature = "($self, items, *, overwrite=False, metadata=None, content_type=None, \
            tier=None, tags=None, on_error='raise', progress=None)"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn write_many<'py>(
        &self,
        items: &Bound<'py, PyAny>,
        overwrite: bool,
        metadata: Option<&Bound<'py, PyAny>>,
        content_type: Option<String>,
        tier: Option<String>,
        tags: Option<&Bound<'py, PyAny>>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let options = upload_options(overwrite, metadata, content_type, tier, tags)?;
        not_a_string(items, "(blob, data) pairs")?;
        let mut input = PythonItems::new(items, |item| {
            let form = "(blob, data) or (blob, data, metadata)";
            let (blob, data, metadata) = pair_or_triple(item, form)?;
            let options = match metadata.filter(|metadata| !metadata.is_none()) {
                None => Arc::clone(&options),
                Some(metadata) => with_metadata(&options, &metadata)?,
            };
            file_object::write(&data, blob_path::extract(&blob)?, options)
        })?;
        self.transfer_many(items.py(), &mut input, on_error, progress)
    }

    /// Reads many blobs into memory.
    #[pyo3(
        signature = (blobs, *, on_error = RAISE, progress = None),
        text_signature = "($self, blobs, *, on_error='raise', progress=None)"
    )]
    fn read_many<'py>(
        &self,
        blobs: &Bound<'py, PyAny>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = blobs.py();
        not_a_string(blobs, "blobs")?;
        let mut contents = Vec::new();
        let mut input = PythonItems::new(blobs, |blob| {
            let blob = blob_path::extract(blob)?;
            let target = BytesTarget::default();
            contents.push(target.result());
            let conditions = Arc::new(Conditions::default());
            Ok(Job::read(blob, Box::new(target), 0, None, conditions).into())
        })?;
        let progress = Reporter::new(progress)?;
        let engine = self.engine(py)?;
        let finished = engine.many(py, &mut input, on_error.into(), progress)?;
        if finished.failed() {
            return finished.into_list(py);
        }
        let values =
            finished
                .outcomes
                .iter()
                .zip(contents)
                .map(|(outcome, content)| match &outcome.result {
                    Ok(_) => content.get(py).into_any(),
                    Err(error) => exceptions::from_error(py, error)
                        .into_value(py)
                        .into_bound(py)
                        .into_any(),
                });
        PyList::new(py, values.collect::<Vec<_>>())
    }

    /// Deletes many blobs, by batch requests.
    #[pyo3(
        signature = (blobs, *, on_error = RAISE, progress = None),
        text_signature = "($self, blobs, *, on_error='raise', progress=None)"
    )]
    fn delete_many<'py>(
        &self,
        blobs: &Bound<'py, PyAny>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        not_a_string(blobs, "blobs")?;
        let mut input = PythonItems::new(blobs, |blob| {
            Ok(Job::delete(blob_path::extract(blob)?, DeleteBlob::default()).into())
        })?;
        self.transfer_many(blobs.py(), &mut input, on_error, progress)
    }

    /// Asks for the properties of many blobs.
    #[pyo3(
        signature = (blobs, *, on_error = RAISE, progress = None),
        text_signature = "($self, blobs, *, on_error='raise', progress=None)"
    )]
    fn properties_many<'py>(
        &self,
        blobs: &Bound<'py, PyAny>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = blobs.py();
        not_a_string(blobs, "blobs")?;
        let mut input = PythonItems::new(blobs, |blob| {
            let blob = blob_path::extract(blob)?;
            Ok(Job::properties(blob, Conditions::default()).into())
        })?;
        self.ask_many(py, &mut input, on_error, progress, |outcome| {
            blob_ops::properties(&outcome.blob, outcome.result)
                .map_err(|error| exceptions::from_error(py, &error))?
                .into_bound_py_any(py)
        })
    }

    /// Lists the blobs below many prefixes.
    #[pyo3(
        signature = (prefixes, *, delimiter = None, on_error = RAISE, progress = None),
        text_signature = "($self, prefixes, *, delimiter=None, on_error='raise', progress=None)"
    )]
    fn list_many<'py>(
        &self,
        prefixes: &Bound<'py, PyAny>,
        delimiter: Option<&str>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let one_level = one_level(delimiter)?;
        not_a_string(prefixes, "prefixes")?;
        let mut input = PythonItems::new(prefixes, |prefix| {
            let options = ListOptions {
                one_level,
                ..ListOptions::default()
            };
            Ok(Job::list(blob_path::extract(prefix)?, options).into())
        })?;
        self.ask_many(prefixes.py(), &mut input, on_error, progress, |outcome| {
            let container = outcome.blob.container();
            let Ok(Output::Answer(Answer::Entries(entries))) = outcome.result else {
                unreachable!("a list was asked for");
            };
            let items = entries
                .into_iter()
                .map(|entry| BlobItem::new(container, entry));
            PyList::new(prefixes.py(), items.collect::<Vec<_>>()).map(Bound::into_any)
        })
    }

    /// Uploads every file below a directory.
    #[pyo3(
        signature = (
            directory, prefix, *, overwrite = false, metadata = None, content_type = None,
            tier = None, tags = None, on_error = RAISE, progress = None
        ),
        text_signature = "($self, directory, prefix, *, overwrite=False, metadata=None, \
            content_type=None, tier=None, tags=None, on_error='raise', progress=None)"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn upload_dir<'py>(
        &self,
        directory: PathBuf,
        prefix: &Bound<'py, PyAny>,
        overwrite: bool,
        metadata: Option<&Bound<'py, PyAny>>,
        content_type: Option<String>,
        tier: Option<String>,
        tags: Option<&Bound<'py, PyAny>>,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = prefix.py();
        let options = upload_options(overwrite, metadata, content_type, tier, tags)?;
        let prefix = blob_path::extract(prefix)?;
        let files = enter(py, move |_| directory::files_below(&directory, &prefix))?
            .map_err(|error| exceptions::from_error(py, &error))?;
        let jobs = files
            .into_iter()
            .map(|(path, blob)| Job::upload(Source::File(path), blob, options.clone()).into());
        self.transfer_many(py, &mut Jobs(jobs.collect()), on_error, progress)
    }

    /// Downloads every blob below a prefix into a directory.
    #[pyo3(
        signature = (prefix, directory, *, on_error = RAISE, progress = None),
        text_signature = "($self, prefix, directory, *, on_error='raise', progress=None)"
    )]
    fn download_prefix<'py>(
        &self,
        prefix: &Bound<'py, PyAny>,
        directory: PathBuf,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let prefix_path = blob_path::extract(prefix)?;
        let engine = self.engine(prefix.py())?;
        let mut input = BlobsBelow {
            listing: engine.client.list(&prefix_path, ListOptions::default()),
            prefix: prefix_path,
            directory,
        };
        self.transfer_many(prefix.py(), &mut input, on_error, progress)
    }
}

impl BaseClient {
    fn transfer_many<'py>(
        &self,
        py: Python<'py>,
        input: &mut dyn Input,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let progress = Reporter::new(progress)?;
        self.engine(py)?
            .many(py, input, on_error.into(), progress)?
            .into_list(py)
    }

    /// A call whose answers stand for themselves, without a `TransferResult` around each.
    fn ask_many<'py>(
        &self,
        py: Python<'py>,
        input: &mut dyn Input,
        on_error: OnErrorArgument,
        progress: Option<&Bound<'py, PyAny>>,
        answer: impl Fn(Outcome) -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let progress = Reporter::new(progress)?;
        let engine = self.engine(py)?;
        let finished = engine.many(py, input, on_error.into(), progress)?;
        if finished.failed() {
            return finished.into_list(py);
        }
        let answers = finished
            .outcomes
            .into_iter()
            .map(|outcome| match &outcome.result {
                Ok(_) => answer(outcome),
                Err(error) => Ok(exceptions::from_error(py, error)
                    .into_value(py)
                    .into_bound(py)
                    .into_any()),
            });
        PyList::new(py, answers.collect::<PyResult<Vec<_>>>()?)
    }
}

/// The blobs below a prefix, listed while the first of them are being downloaded.
struct BlobsBelow {
    listing: Listing,
    prefix: engine::BlobRef,
    directory: PathBuf,
}

impl Input for BlobsBelow {
    fn next(&mut self, py: Python<'_>, engine: &Engine, _room: (usize, u64)) -> PyResult<Items> {
        loop {
            let page = enter(py, |signals| self.listing.next_page(signals))?;
            match page.map_err(|error| exceptions::from_error(py, &error))? {
                // A page may be empty and still have a successor.
                Page::Entries(page) if page.is_empty() => {}
                Page::Entries(page) => {
                    let jobs = page.into_iter().map(|entry| self.job(&entry.name));
                    return Ok(Items {
                        jobs: jobs.collect(),
                        last: false,
                    });
                }
                Page::NeedsToken => engine.supply_token(py)?,
                Page::End => {
                    return Ok(Items {
                        jobs: Vec::new(),
                        last: true,
                    });
                }
            }
        }
    }
}

impl BlobsBelow {
    /// The download of a blob; where its name cannot be a file's, that item fails and the others go
    /// on.
    fn job(&self, name: &str) -> Prepared {
        let container = self.prefix.container();
        let parts = engine::BlobRef::verbatim(container, name).and_then(|blob| {
            let path = directory::local_path(&self.directory, &self.prefix, name)?;
            Ok((blob, path))
        });
        match parts {
            Ok((blob, path)) => Job::download(blob, path, Arc::default()),
            Err(reason) => Job::invalid(self.prefix.clone(), None, reason),
        }
        .into()
    }
}
