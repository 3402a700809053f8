//! Put Block List and Get Block List: blobs from blocks.

use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::call::Call;
use super::checksum::{self, Expected};
use super::put::{NewBlob, check_name, written};
use super::{conditions, properties};
use crate::errors::{self, Failure};
use crate::http::{Answer, Framing, RequestBody};
use crate::store::{Block, Checksums, Content, Contents};

const MOST_BLOCKS: usize = 50_000;
/// 50,000 times the longest id and its tags.
const LARGEST_LIST: usize = 8 << 20;

/// Where a block is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Committed,
    Uncommitted,
    Latest,
}

/// Put Block List.
pub(super) fn put(call: &Call<'_>, body: &mut RequestBody<'_>) -> Result<Answer, Failure> {
    check_name(call.blob_name())?;
    let container = call.container()?;
    let expected = Expected::of(call.request)?;
    let new = NewBlob::of(call)?;
    let mut headers = properties::of_new(call.request);
    checksum::md5_header(call.request, "x-ms-blob-content-md5")?;
    headers.content_md5 = call
        .request
        .filled_header("x-ms-blob-content-md5")
        .map(Into::into);
    let xml = body
        .read_all(LARGEST_LIST)?
        .ok_or(errors::REQUEST_BODY_TOO_LARGE)?;
    let sums = Checksums::of(&xml, expected.has_md5());
    expected.verify(&sums)?;
    let wanted = parse(&xml)?;

    let mut contents = container.contents.write();
    let blocks = gather(&contents, call.blob_name(), wanted)?;
    let (blob, replaced) = new.commit(
        call,
        &mut contents,
        Content::of_blocks(blocks).into(),
        headers,
    )?;
    drop(contents);
    drop(replaced);
    let mut answer = written(&blob);
    checksum::add_crc64(&mut answer, &sums);
    checksum::add_md5(&mut answer, &sums);
    Ok(answer)
}

fn parse(xml: &[u8]) -> Result<Vec<(Kind, String)>, Failure> {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().trim_text(true);
    let mut wanted = Vec::new();
    let mut kind = None;
    let mut depth = 0;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                depth += 1;
                kind = match (depth, tag.name().as_ref()) {
                    (1, "BlockList") => None,
                    (2, "Committed") => Some(Kind::Committed),
                    (2, "Uncommitted") => Some(Kind::Uncommitted),
                    (2, "Latest") => Some(Kind::Latest),
                    _ => return Err(errors::INVALID_XML_DOCUMENT.into()),
                };
            }
            Ok(Event::End(_)) => {
                depth -= 1;
                kind = None;
            }
            Ok(Event::Text(text)) => {
                let kind = kind.ok_or(errors::INVALID_XML_DOCUMENT)?;
                wanted.push((kind, text.trim().to_owned()));
            }
            Ok(Event::Eof) if depth == 0 => break,
            Ok(Event::Eof) | Err(_) => return Err(errors::INVALID_XML_DOCUMENT.into()),
            Ok(_) => {}
        }
    }
    if wanted.len() > MOST_BLOCKS {
        return Err(errors::BLOCK_LIST_TOO_LONG.into());
    }
    Ok(wanted)
}

fn gather(
    contents: &Contents,
    name: &str,
    wanted: Vec<(Kind, String)>,
) -> Result<Vec<(String, Arc<Block>)>, Failure> {
    let uncommitted = contents.uncommitted.get(name);
    let committed: std::collections::HashMap<&str, &Arc<Block>> = contents
        .blobs
        .get(name)
        .map(|blob| blob.content.blocks().collect())
        .unwrap_or_default();
    let find = |kind: Kind, id: &str| {
        let new = || uncommitted?.get(id);
        let old = || committed.get(id).copied();
        match kind {
            Kind::Committed => old(),
            Kind::Uncommitted => new(),
            Kind::Latest => new().or_else(old),
        }
    };
    let found = wanted.into_iter().map(|(kind, id)| {
        let block = find(kind, &id).cloned().ok_or(errors::INVALID_BLOCK_LIST)?;
        Ok((id, block))
    });
    found.collect()
}

/// Get Block List.
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Failure> {
    let which = call
        .request
        .parameter("blocklisttype")
        .unwrap_or("committed")
        .to_ascii_lowercase();
    if !matches!(&*which, "committed" | "uncommitted" | "all") {
        return Err(errors::INVALID_QUERY_PARAMETER_VALUE.into());
    }
    let container = call.container()?;
    let contents = container.contents.read();
    let blob = contents.blobs.get(call.blob_name());
    let uncommitted = contents.uncommitted.get(call.blob_name());
    if blob.is_none() && uncommitted.is_none() {
        return Err(errors::BLOB_NOT_FOUND.into());
    }
    if let Some(blob) = blob {
        conditions::check_read(call.request, &contents, call.blob_name(), blob)?;
    }
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    writer
        .create_element("BlockList")
        .write_inner_content(|writer| {
            if which != "uncommitted" {
                let blocks = blob.iter().flat_map(|blob| blob.content.blocks());
                write_blocks(writer, "CommittedBlocks", blocks)?;
            }
            if which != "committed" {
                let blocks = uncommitted.iter().flat_map(|blocks| blocks.iter());
                write_blocks(
                    writer,
                    "UncommittedBlocks",
                    blocks.map(|(id, block)| (&**id, block)),
                )?;
            }
            Ok(())
        })?;
    let mut answer = Answer::new(200);
    if let Some(blob) = blob {
        answer.header("ETag", &blob.etag);
        answer.header("Last-Modified", &blob.modified.to_http());
        let length = blob.content.length().to_string();
        answer.header("x-ms-blob-content-length", &length);
    }
    answer.xml(writer.into_inner());
    answer.framing = Framing::Chunked;
    Ok(answer)
}

fn write_blocks<'b>(
    writer: &mut Writer<Vec<u8>>,
    element: &str,
    blocks: impl Iterator<Item = (&'b str, &'b Arc<Block>)>,
) -> std::io::Result<()> {
    writer
        .create_element(element)
        .write_inner_content(|writer| {
            for (id, block) in blocks {
                writer
                    .create_element("Block")
                    .write_inner_content(|writer| {
                        writer
                            .create_element("Name")
                            .write_text_content(BytesText::new(id))?;
                        let size = block.length().to_string();
                        writer
                            .create_element("Size")
                            .write_text_content(BytesText::new(&size))?;
                        Ok(())
                    })?;
            }
            Ok(())
        })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists() {
        let xml = b"<?xml version='1.0'?>\n<BlockList>\n <Latest>YQ==</Latest><Committed>Yg==</Committed></BlockList>";
        let wanted = parse(xml).expect("a list");
        assert_eq!(
            wanted,
            [
                (Kind::Latest, "YQ==".into()),
                (Kind::Committed, "Yg==".into())
            ]
        );
        assert!(parse(b"<BlockList/>").expect("an empty list").is_empty());
        assert!(parse(b"<BlockList><Latest>YQ==</BlockList>").is_err());
        assert!(parse(b"<BlockList><Other>YQ==</Other></BlockList>").is_err());
        assert!(parse(b"<BlockList>").is_err());
    }
}
