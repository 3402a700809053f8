//! Blob index tags.

use quick_xml::events::{BytesText, Event};
use quick_xml::{Reader, Writer};

use super::call::Call;
use super::conditions;
use crate::errors::{self, Failure};
use crate::http::{Answer, Request, RequestBody};
use crate::store::Blob;

const MOST_TAGS: usize = 10;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;
const LARGEST_BODY: usize = 64 << 10;

/// Reads `x-ms-tags`, which is of the form of a query.
pub(super) fn from_header(request: &Request<'_>) -> Result<Vec<(String, String)>, Failure> {
    let Some(text) = request.filled_header("x-ms-tags") else {
        return Ok(Vec::new());
    };
    let pairs = crate::http::parse_query(text).ok_or(errors::INVALID_TAG)?;
    let tags = pairs
        .into_iter()
        .map(|(key, value)| (key.into_owned(), value.into_owned()));
    checked(tags.collect())
}

fn checked(mut tags: Vec<(String, String)>) -> Result<Vec<(String, String)>, Failure> {
    let permitted = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b" +-./:=_".contains(&byte))
    };
    tags.sort();
    let unique = tags.windows(2).all(|pair| pair[0].0 != pair[1].0);
    let fit = tags.iter().all(|(key, value)| {
        (1..=LONGEST_KEY).contains(&key.len())
            && value.len() <= LONGEST_VALUE
            && permitted(key)
            && permitted(value)
    });
    if unique && fit && tags.len() <= MOST_TAGS {
        Ok(tags)
    } else {
        Err(errors::INVALID_TAG.into())
    }
}

/// Get Blob Tags.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Failure> {
    let container = call.container()?;
    let contents = container.contents.read();
    let name = call.blob_name();
    let blob = contents.blobs.get(name).ok_or(errors::BLOB_NOT_FOUND)?;
    conditions::check_read(call.request, &contents, name, blob)?;
    let mut writer = Writer::new(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_vec());
    write(&mut writer, "Tags", &blob.tags)?;
    let mut answer = Answer::new(200);
    answer.xml(writer.into_inner());
    Ok(answer)
}

/// Writes tags as List Blobs and Get Blob Tags have them.
pub(super) fn write(
    writer: &mut Writer<Vec<u8>>,
    element: &str,
    tags: &[(String, String)],
) -> std::io::Result<()> {
    writer
        .create_element(element)
        .write_inner_content(|writer| {
            writer
                .create_element("TagSet")
                .write_inner_content(|writer| {
                    for (key, value) in tags {
                        writer.create_element("Tag").write_inner_content(|writer| {
                            writer
                                .create_element("Key")
                                .write_text_content(BytesText::new(key))?;
                            writer
                                .create_element("Value")
                                .write_text_content(BytesText::new(value))?;
                            Ok(())
                        })?;
                    }
                    Ok(())
                })?;
            Ok(())
        })?;
    Ok(())
}

/// Set Blob Tags: replaces all of them, and leaves the blob's `ETag` alone.
pub(super) fn set(call: &Call<'_>, body: &mut RequestBody<'_>) -> Result<Answer, Failure> {
    let xml = body
        .read_all(LARGEST_BODY)?
        .ok_or(errors::REQUEST_BODY_TOO_LARGE)?;
    let tags = checked(parse(&xml)?)?;
    let container = call.container()?;
    let mut contents = container.contents.write();
    let name = call.blob_name();
    let blob = contents.blobs.get(name).ok_or(errors::BLOB_NOT_FOUND)?;
    conditions::check_change(call.request, &contents, name, blob)?;
    let blob = contents.blobs.get_mut(name).ok_or(errors::BLOB_NOT_FOUND)?;
    *blob = Blob {
        tags,
        ..Blob::clone(blob)
    }
    .into();
    Ok(Answer::new(204))
}

fn parse(xml: &[u8]) -> Result<Vec<(String, String)>, Failure> {
    let mut reader = Reader::from_reader(xml);
    let mut tags = Vec::new();
    let mut tag: Option<(String, String)> = None;
    let mut text = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                text.clear();
                if start.name().as_ref() == "Tag" {
                    tag = Some((String::new(), String::new()));
                }
            }
            Ok(Event::Empty(empty)) if matches!(empty.name().as_ref(), "Value" | "TagSet") => {}
            Ok(Event::Text(part)) => {
                text.push_str(&part);
            }
            Ok(Event::End(end)) => match (end.name().as_ref(), &mut tag) {
                ("Key", Some((key, _))) => *key = std::mem::take(&mut text),
                ("Value", Some((_, value))) => *value = std::mem::take(&mut text),
                ("Tag", _) => tags.extend(tag.take()),
                ("Tags" | "TagSet", None) => {}
                _ => return Err(errors::INVALID_XML_DOCUMENT.into()),
            },
            Ok(Event::Decl(_)) => {}
            Ok(Event::Eof) if tag.is_none() => return Ok(tags),
            Ok(_) | Err(_) => return Err(errors::INVALID_XML_DOCUMENT.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
    }

    #[test]
    fn reads_what_it_writes() {
        let tags = vec![pair("a b", "1"), pair("c", "x=y/z"), pair("d", "")];
        let mut writer = Writer::new(Vec::new());
        write(&mut writer, "Tags", &tags).expect("in memory");
        assert_eq!(parse(&writer.into_inner()).expect("tags"), tags);
    }

    #[test]
    fn limits() {
        assert!(checked(vec![pair("a", "1"), pair("a", "2")]).is_err());
        assert!(checked(vec![pair("", "1")]).is_err());
        assert!(checked(vec![pair("a", "&")]).is_err());
        assert!(
            checked(
                (0..11)
                    .map(|number| pair(&number.to_string(), ""))
                    .collect()
            )
            .is_err()
        );
    }
}
