//! The requests that write: Put Blob, Put Block, Put Block List.

use std::{fs::File, os::unix::fs::FileExt, sync::atomic::Ordering};

use percent_encoding::utf8_percent_encode;

use super::{
    item::{Item, Moved},
    options::UploadOptions,
    range::{Destination, Discovered, RangeGet},
};
use crate::{
    blob,
    checksum::{Crc64, crc64, encode_crc64, encode_md5},
    endpoint::QUERY,
    error::{Error, ErrorKind, Result},
    http::{Body, Request},
    limits::{MAX_BLOCKS, MAX_MD5_FALLBACK},
    parts::BlockIds,
    session::Session,
};

/// CRC64 of a body; of a file it is read once for this and a second time while it is sent, from the page
/// cache: less memory than keeping a block, and as fast.
pub(crate) fn crc64_of(body: Body, buffer: &mut [u8]) -> std::io::Result<u64> {
    match body {
        Body::Empty => Ok(0),
        Body::Bytes(bytes) => Ok(crc64(0, bytes)),
        Body::File {
            file,
            offset,
            length,
        } => crc64_of_file(file, offset, length, buffer),
    }
}

fn crc64_of_file(
    file: &File,
    mut offset: u64,
    length: u64,
    buffer: &mut [u8],
) -> std::io::Result<u64> {
    let mut running = Crc64::new();
    let end = offset + length;
    while offset < end {
        let most = usize::try_from(end - offset)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        file.read_exact_at(&mut buffer[..most], offset)?;
        running.update(&buffer[..most]);
        offset += most as u64;
    }
    Ok(running.value())
}

/// Sends a request that carries content, with its CRC64 for the service to verify.
///
/// Azurite refuses that header. Then, and from then on, small bodies have an MD5 instead and large ones
/// nothing.
fn send_verified<'r>(
    session: &mut Session,
    crc64: u64,
    body: Body<'r>,
    request: impl Fn() -> Request<'r>,
) -> Result<(crate::http::ResponseHead, Vec<u8>)> {
    let account = session.account;
    if !account.no_crc64.load(Ordering::Relaxed) {
        let value = encode_crc64(crc64);
        let sent = session.call(|| {
            request()
                .header("x-ms-content-crc64", value.clone())
                .body(body)
        });
        match sent {
            Err(error) if error.is_not_supported() => account.without_crc64(),
            other => return other,
        }
    }
    let md5 = match body {
        Body::Bytes(bytes) if bytes.len() as u64 <= MAX_MD5_FALLBACK => Some(encode_md5(bytes)),
        _ => None,
    };
    session.call(|| {
        let request = request().body(body);
        match &md5 {
            Some(md5) => request.header("content-md5", md5.clone()),
            None => request,
        }
    })
}

/// Headers of the blob itself, for the request that makes it visible.
fn with_options<'r>(mut request: Request<'r>, options: &'r UploadOptions) -> Request<'r> {
    if !options.overwrite {
        request = request.header("if-none-match", "*");
    }
    if let Some(content_type) = &options.content_type {
        request = request.header("x-ms-blob-content-type", content_type.as_str());
    }
    if let Some(tier) = &options.tier {
        request = request.header("x-ms-access-tier", tier.as_str());
    }
    if !options.tags.is_empty() {
        let encode = |text| utf8_percent_encode(text, QUERY);
        let pairs: Vec<_> = options
            .tags
            .iter()
            .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
            .collect();
        request = request.header("x-ms-tags", pairs.join("&"));
    }
    for (name, value) in &options.metadata {
        request = request.header(
            format!("x-ms-meta-{}", name.to_ascii_lowercase()),
            value.as_str(),
        );
    }
    request
}

/// Put Blob: the whole content in one request.
/// <https://learn.microsoft.com/rest/api/storageservices/put-blob>
pub(crate) fn put_blob(
    item: &Item,
    session: &mut Session,
    body: Body,
    crc64: u64,
    options: &UploadOptions,
) -> Result<Moved> {
    let path = item.url_path();
    let sent = send_verified(session, crc64, body, || {
        let request = Request::new("PUT", path.clone()).header("x-ms-blob-type", "BlockBlob");
        with_options(request, options)
    });
    let etag = match sent {
        Ok((head, _)) => head.get("etag").map(str::to_owned),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && session.maybe_done => {
            // An earlier attempt may have succeeded without our learning of it.
            match stored_content(item, session, body.length()) {
                Ok((etag, stored)) if stored == crc64 => etag,
                _ => return Err(error),
            }
        }
        Err(error) => return Err(error),
    };
    item.batch.progress.moved(body.length());
    Ok(Moved {
        size: body.length(),
        etag,
        crc64: Some(crc64),
        ..Moved::default()
    })
}

/// ETag and CRC64 of the blob's content; another CRC64 than any content of that length has, if the blob
/// has another length.
fn stored_content(
    item: &Item,
    session: &mut Session,
    length: u64,
) -> Result<(Option<String>, u64)> {
    if length == 0 {
        let stored = blob::properties(session, &item.blob)?;
        return Ok((stored.etag, u64::from(stored.size > 0)));
    }
    let mut etag = None;
    let mut total = 0;
    let mut get = RangeGet::new(item, 0, length, false);
    get.discover = Some(|discovered: &Discovered, _| {
        etag.clone_from(&discovered.etag);
        total = discovered.total;
        Ok((Destination::Discard, false))
    });
    let result = session.send(&mut get);
    let (crc64, _) = get.moved();
    drop(get);
    result?;
    Ok((etag, if total == length { crc64 } else { !crc64 }))
}

/// Put Block: <https://learn.microsoft.com/rest/api/storageservices/put-block>
pub(crate) fn put_block(
    item: &Item,
    session: &mut Session,
    id: &str,
    body: Body,
    crc64: u64,
) -> Result<()> {
    let path = item.url_path();
    send_verified(session, crc64, body, || {
        Request::new("PUT", path.clone())
            .query("comp", "block")
            .query("blockid", id.to_owned())
    })?;
    item.batch.progress.moved(body.length());
    Ok(())
}

/// Put Block List: makes a blob of the blocks, all at once.
/// <https://learn.microsoft.com/rest/api/storageservices/put-block-list>
pub(crate) fn put_block_list(
    item: &Item,
    session: &mut Session,
    ids: BlockIds,
    count: u64,
    options: &UploadOptions,
) -> Result<Option<String>> {
    if count > MAX_BLOCKS {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "the content is larger than a blob can be (50,000 blocks)",
        ));
    }
    let path = item.url_path();
    let list = block_list(ids, count);
    let body = Body::Bytes(list.as_bytes());
    let sent = send_verified(session, crc64(0, list.as_bytes()), body, || {
        with_options(
            Request::new("PUT", path.clone()).query("comp", "blocklist"),
            options,
        )
    });
    match sent {
        Ok((head, _)) => Ok(head.get("etag").map(str::to_owned)),
        Err(error) if session.maybe_done && is_conflict(&error) => {
            let committed = session.call(|| {
                Request::new("GET", path.clone())
                    .query("comp", "blocklist")
                    .query("blocklisttype", "committed")
            });
            let Ok((head, body)) = committed else {
                return Err(error);
            };
            // The ids hold a random number of this upload's own.
            let first = format!("<Name>{}</Name>", ids.get(0));
            if String::from_utf8_lossy(&body).contains(&first) {
                Ok(head.get("etag").map(str::to_owned))
            } else {
                Err(error)
            }
        }
        Err(error) => Err(error),
    }
}

/// What a repeated Put Block List may find after the first one succeeded: the blob, or its blocks gone
/// from the uncommitted ones.
fn is_conflict(error: &Error) -> bool {
    error.kind() == ErrorKind::AlreadyExists || error.code() == Some("InvalidBlockList")
}

fn block_list(ids: BlockIds, count: u64) -> String {
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for index in 0..count {
        list.push_str("<Latest>");
        list.push_str(&ids.get(index));
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
        let ids = BlockIds::new();
        let list = block_list(ids, 3);
        let mut reader = Reader::from_str(&list);
        let mut found = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(text) => found.push(text.to_string()),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(
            found,
            (0..3).map(|index| ids.get(index)).collect::<Vec<_>>()
        );
    }
}
