//! Get Block List: <https://learn.microsoft.com/rest/api/storageservices/get-block-list>

use super::{
    attempts::Attempts,
    session::{Operation, Session},
};
use crate::{
    error::Result,
    http::{Request, ResponseHead},
};

struct Call {
    path: String,
}

impl Operation for Call {
    fn expected(&self) -> &[u16] {
        &[200]
    }

    fn is_answered_by_body(&self) -> bool {
        true
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        Request::new("GET", &*self.path)
            .query("comp", "blocklist")
            .query("blocklisttype", "committed")
    }
}

/// Whether the blob consists of blocks of which the first has this id; and the answer's head.
pub(super) fn begins_with(
    session: &mut Session,
    path: &str,
    id: &str,
) -> Result<(bool, ResponseHead)> {
    let mut call = Call {
        path: path.to_owned(),
    };
    let (head, body) = session.call(&mut Attempts::default(), &mut call)?;
    // The ids hold a random number of their upload's own.
    let name = format!("<Name>{id}</Name>");
    Ok((String::from_utf8_lossy(&body).contains(&name), head))
}
