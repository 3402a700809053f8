//! Delete Blob.

use super::call::Call;
use super::conditions;
use crate::errors::{self, Failure};
use crate::http::Answer;

/// Delete Blob. There are no snapshots here, and no soft delete.
pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
    let name = call.blob_name();
    let mut contents = container.contents.write();
    let blob = contents.blobs.get(name).ok_or(errors::BLOB_NOT_FOUND)?;
    conditions::check_change(call.request, &contents, name, blob)?;
    let removed = contents.blobs.remove(name);
    contents.leases.remove(name);
    drop(contents);
    drop(removed);
    let mut answer = Answer::new(202);
    answer.header("x-ms-delete-type-permanent", "true");
    Ok(answer)
}
