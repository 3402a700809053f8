//! `find`, page by page.

use std::sync::Mutex;

use pyo3::prelude::*;

use crate::{blob::blob_of, engine::Engine, exceptions::invalid_input, verbs::Pages};

#[pymethods]
impl Engine {
    #[pyo3(signature = (tags, container))]
    fn find_pages(
        &self,
        py: Python<'_>,
        tags: String,
        container: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Pages> {
        let container = container.map(blob_of).transpose()?;
        let listing = self
            .with(py, |client, _| {
                let listing = client.find(tags, container.as_ref())?;
                Ok((client.clone(), Mutex::new(listing)))
            })?
            .map_err(invalid_input)?;
        let container = container.as_ref().map_or("", |path| path.container());
        Ok(Pages::new(container, listing))
    }
}
