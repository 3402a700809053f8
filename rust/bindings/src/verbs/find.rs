//! `find`, page by page.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::{
    blob::blob_of, engine::Engine, exceptions::invalid_input, pages::Pages, results::ListEntry,
};

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
        let (client, found) = self.with(py, |client, _| {
            (client.clone(), client.find(tags, container.as_ref()))
        })?;
        // An entry names its container itself.
        let unnamed: Arc<str> = Arc::default();
        let made = move |entry| ListEntry::new(Arc::clone(&unnamed), entry);
        Ok(Pages::new(client, found.map_err(invalid_input)?, made))
    }
}
