//! Put Block List: <https://learn.microsoft.com/rest/api/storageservices/put-block-list>

use super::{
    attempts::Attempts,
    get_block_list::begins_with,
    other_type,
    session::Session,
    verified_content::{Content, Put, Verified},
    write_options::WriteOptions,
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::{Request, ResponseHead},
    limits::MAX_BLOCKS,
};

/// Makes a blob of blocks, all at once.
#[derive(Debug)]
pub(crate) struct PutBlockList<'a> {
    pub(crate) path: &'a str,
    /// In the order of the content.
    pub(crate) ids: &'a [String],
    pub(crate) options: &'a WriteOptions,
    /// Of the whole content, base64.
    pub(crate) content_md5: Option<&'a str>,
}

impl Put for &PutBlockList<'_> {
    fn request(&self) -> Request<'_> {
        let request = Request::new("PUT", self.path).query("comp", "blocklist");
        let request = self.options.apply(request);
        match self.content_md5 {
            Some(md5) => request.header("x-ms-blob-content-md5", md5),
            None => request,
        }
    }
}

impl PutBlockList<'_> {
    /// Returns the head of an answer that has the new blob's ETag.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
    ) -> Result<ResponseHead> {
        if self.ids.len() as u64 > MAX_BLOCKS {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the content is larger than a blob can be (50,000 blocks)",
            ));
        }
        let list = block_list(self.ids);
        let sent = Verified::new(self, Content::Memory(list.as_bytes())).send(session, attempts);
        match sent {
            Ok((_, head)) => Ok(head),
            Err(error) if attempts.ambiguous && may_be_ours(&error) => {
                let first = self.ids.first().map_or("", String::as_str);
                match begins_with(session, self.path, first) {
                    Ok((true, head)) => Ok(head),
                    _ => Err(self.options.explain_condition(error)),
                }
            }
            Err(error) => {
                let error = self.options.explain_condition(error);
                Err(other_type::explain(session, self.path, error))
            }
        }
    }
}

/// What a repeated Put Block List may find after the first one succeeded: the blob, its new version, or
/// its blocks gone from the uncommitted ones.
fn may_be_ours(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Modified)
        || error.code() == Some("InvalidBlockList")
}

fn block_list(ids: &[String]) -> String {
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for id in ids {
        list.push_str("<Latest>");
        list.push_str(id);
        list.push_str("</Latest>");
    }
    list.push_str("</BlockList>");
    list
}

#[cfg(test)]
mod tests {
    use quick_xml::{Reader, events::Event};

    use super::*;

    #[test]
    fn the_block_list_is_xml() {
        let ids = ["YQ==".to_owned(), "Yg==".to_owned()];
        let list = block_list(&ids);
        let mut reader = Reader::from_str(&list);
        let mut found = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(text) => found.push(text.to_string()),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(found, ids);
    }
}
