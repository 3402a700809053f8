//! `upload_dir`, `download_prefix`.

use std::{collections::HashMap, path::Path, sync::Arc};

use fastblob_engine::{
    self as engine, Job, Page, Source,
    directory::{self, TargetFolder},
};
use pyo3::prelude::*;

use crate::{
    arguments::{LocalPath, OnErrorArgument},
    blob::prefix_of,
    call::Call,
    driving::Fed,
    engine::Engine,
    exceptions::from_error,
    native::enter,
    values::{Conditions, WriteOptions, conditions_of},
};

#[pymethods]
impl Engine {
    /// `guess` gives the content type by a file's path.
    fn upload_dir(
        &self,
        directory: LocalPath,
        prefix: &Bound<'_, PyAny>,
        follow_symlinks: bool,
        options: &Bound<'_, WriteOptions>,
        guess: Option<&Bound<'_, PyAny>>,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let py = prefix.py();
        let prefix = prefix_of(prefix)?;
        let (call, client) =
            self.with(py, |client, _| (client.call(on_error.0), client.clone()))?;
        let entries = enter(py, move |signals| {
            directory::entries_below(&directory.0, &prefix, follow_symlinks, signals)
        })?;
        let mut options = GuessedOptions::new(&options.get().0, guess);
        let mut jobs = Vec::new();
        for entry in entries.map_err(|error| from_error(py, &error))? {
            let options = options.of(&entry.path)?;
            jobs.push(entry.into_job(|path, blob| Job::upload(Source::File(path), blob, options)));
        }
        Ok(Call::of_jobs(call, client, jobs))
    }

    fn download_prefix(
        &self,
        prefix: &Bound<'_, PyAny>,
        directory: LocalPath,
        on_error: OnErrorArgument,
        conditions: Option<&Bound<'_, Conditions>>,
    ) -> PyResult<Call> {
        let py = prefix.py();
        let prefix = prefix_of(prefix)?;
        let conditions = conditions_of(conditions);
        let (call, client, mut listing) = self.with(py, |client, _| {
            let listing = client.list(&prefix, TargetFolder::list_options());
            (client.call(on_error.0), client.clone(), listing)
        })?;
        let mut target = enter(py, move |_| {
            TargetFolder::new(&directory.0, prefix, conditions)
        })?;
        let mut ended = false;
        let feed = move |py: Python<'_>| {
            if ended {
                return Ok(Fed::End);
            }
            let fed = enter(py, |signals| {
                Ok(match listing.next_page(signals)? {
                    Page::Entries(page) => Fed::Jobs(target.jobs(&page)),
                    Page::NeedsToken => Fed::NeedsToken,
                    Page::End => {
                        ended = true;
                        Fed::Jobs(target.last_jobs())
                    }
                })
            })?;
            fed.map_err(|error: engine::Error| from_error(py, &error))
        };
        Ok(Call::of_feed(call, client, Box::new(feed)))
    }
}

/// The options of files whose content types are guessed; few types occur in a folder.
struct GuessedOptions<'a, 'py> {
    common: &'a Arc<engine::WriteOptions>,
    guess: Option<&'a Bound<'py, PyAny>>,
    made: HashMap<String, Arc<engine::WriteOptions>>,
}

impl<'a, 'py> GuessedOptions<'a, 'py> {
    fn new(common: &'a Arc<engine::WriteOptions>, guess: Option<&'a Bound<'py, PyAny>>) -> Self {
        Self {
            common,
            guess,
            made: HashMap::new(),
        }
    }

    fn of(&mut self, path: &Path) -> PyResult<Arc<engine::WriteOptions>> {
        let content_type: Option<String> = match self.guess {
            Some(guess) => guess.call1((path.as_os_str(),))?.extract()?,
            None => None,
        };
        let Some(content_type) = content_type else {
            return Ok(Arc::clone(self.common));
        };
        let made = self
            .made
            .entry(content_type)
            .or_insert_with_key(|content_type| {
                let mut options = (**self.common).clone();
                options.content.content_type = Some(content_type.clone());
                Arc::new(options)
            });
        Ok(Arc::clone(made))
    }
}
