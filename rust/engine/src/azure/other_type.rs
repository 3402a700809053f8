//! What is told where a blob cannot be written because it is an append blob or a page blob.

use super::{
    attempts::Attempts,
    session::{Operation, Session},
};
use crate::{error::Error, http::Request};

struct Call<'a> {
    path: &'a str,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        Request::new("HEAD", self.path)
    }
}

/// The error of a write, which says what the blob is where that is why it was refused: the answer does not.
pub(super) fn explain(session: &mut Session, path: &str, error: Error) -> Error {
    if error.code() != Some("InvalidBlobType") {
        return error;
    }
    let Ok((head, _)) = session.call(&mut Attempts::default(), &mut Call { path }) else {
        return error;
    };
    let found = match head.get("x-ms-blob-type") {
        Some("AppendBlob") => "an append blob",
        Some("PageBlob") => "a page blob",
        _ => return error,
    };
    let kind = error.kind();
    error.meaning(
        kind,
        format!(
            "the blob is {found}, not a block blob: it can be read, copied and deleted, but not written; \
             delete it first or write to another name"
        ),
    )
}
