//! Set Blob Tags and Get Blob Tags:
//! <https://learn.microsoft.com/rest/api/storageservices/set-blob-tags>,
//! <https://learn.microsoft.com/rest/api/storageservices/get-blob-tags>

use quick_xml::{Reader, events::Event};

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    known_versions::require_versions,
    list_page::resolve,
    revision::Address,
    session::{Operation, Session},
    small_operation::{Answer, SmallOperation},
    write_options::validate_tags,
};
use crate::{
    error::{Error, ErrorKind, InvalidInput, Result},
    http::{Body, Request},
};

/// Replaces all index tags of a blob.
#[derive(Clone, Debug)]
pub struct SetTags {
    body: String,
    conditions: Conditions,
}

impl SetTags {
    /// The blob will have these tags and no other; of the conditions the service looks at lease and tags alone.
    ///
    /// # Errors
    /// As for [`WriteOptions`](super::WriteOptions).
    pub fn new(tags: &[(String, String)], conditions: Conditions) -> Result<Self, InvalidInput> {
        validate_tags(tags)?;
        conditions.validate()?;
        let mut body = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><Tags><TagSet>");
        for (key, value) in tags {
            body.extend(["<Tag><Key>", key, "</Key><Value>", value, "</Value></Tag>"]);
        }
        body.push_str("</TagSet></Tags>");
        Ok(Self { body, conditions })
    }
}

/// Asks for all index tags of a blob.
#[derive(Clone, Debug, Default)]
pub struct GetTags {
    /// Of these the service looks at lease and tags alone.
    pub conditions: Conditions,
}

struct Call<'a> {
    method: &'static str,
    address: Address,
    body: Body<'a>,
    conditions: &'a Conditions,
}

impl Operation for Call<'_> {
    fn expected(&self) -> &[u16] {
        &[200, 204]
    }

    fn is_answered_by_body(&self) -> bool {
        true
    }

    fn request<'r>(&'r self, _content: Option<&'r [u8]>) -> Request<'r> {
        let request = self
            .address
            .request(self.method)
            .query("comp", "tags")
            .body(self.body);
        self.conditions.apply_lease_and_tags(request)
    }
}

impl SmallOperation for SetTags {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        require_versions(session, blob)?;
        let mut call = Call {
            method: "PUT",
            address: session.account.endpoint.address_of(blob),
            body: Body::Bytes(self.body.as_bytes()),
            conditions: &self.conditions,
        };
        session.call(attempts, &mut call)?;
        Ok(Answer::Done)
    }

    fn takes_revisions(&self) -> bool {
        true
    }
}

impl SmallOperation for GetTags {
    fn run(
        &mut self,
        session: &mut Session,
        attempts: &mut Attempts,
        blob: &BlobRef,
    ) -> Result<Answer> {
        get_tags(session, attempts, blob, &self.conditions).map(Answer::Tags)
    }

    fn changes(&self) -> bool {
        false
    }

    fn takes_revisions(&self) -> bool {
        true
    }
}

pub(crate) fn get_tags(
    session: &mut Session,
    attempts: &mut Attempts,
    blob: &BlobRef,
    conditions: &Conditions,
) -> Result<Vec<(String, String)>> {
    require_versions(session, blob)?;
    let mut call = Call {
        method: "GET",
        address: session.account.endpoint.address_of(blob),
        body: Body::Empty,
        conditions,
    };
    let (_, body) = session.call(attempts, &mut call)?;
    parse(&body).ok_or_else(|| {
        Error::new(
            ErrorKind::Service,
            "the tags are not the XML that the protocol says",
        )
    })
}

/// The tags of `<Tags><TagSet><Tag><Key>..</Key><Value>..</Value></Tag>...</TagSet></Tags>`.
fn parse(body: &[u8]) -> Option<Vec<(String, String)>> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut tags = Vec::new();
    let (mut key, mut text) = (String::new(), String::new());
    let mut complete = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(_) => text.clear(),
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => text.push_str(&resolve(&reference)?),
            Event::Empty(empty) if empty.name().as_ref() == "Value" => {
                tags.push((std::mem::take(&mut key), String::new()));
            }
            Event::End(end) => match end.name().as_ref() {
                "Key" => key = std::mem::take(&mut text),
                "Value" => tags.push((std::mem::take(&mut key), std::mem::take(&mut text))),
                "Tags" => complete = true,
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    complete.then_some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_an_answer() {
        let body = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Tags><TagSet><Tag><Key>a</Key>\
                    <Value>b &amp; c</Value></Tag><Tag><Key>d</Key><Value /></Tag></TagSet></Tags>";
        let tags = parse(body.as_bytes()).unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags, [pair("a", "b & c"), pair("d", "")]);
        assert!(parse(b"<Tags><TagSet>").is_none());
    }
}
