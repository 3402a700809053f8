//! Put Blob: <https://learn.microsoft.com/rest/api/storageservices/put-blob>

use std::time::SystemTime;

use super::{
    attempts::Attempts,
    blob_ref::BlobRef,
    conditions::Conditions,
    creation::was_created_since,
    get_blob::{GetBlob, ReceivedRange, Vouching},
    get_properties::{BlobProperties, get_properties},
    other_type,
    session::Session,
    tags::get_tags,
    verified_content::{Content, Put, Verified},
    write_options::WriteOptions,
};
use crate::{
    checksum::Crc64,
    error::{ErrorKind, Result},
    http::{Request, ResponseHead},
};

/// Makes a blob of content with one request.
#[derive(Debug)]
pub(crate) struct PutBlob<'a> {
    pub(crate) blob: &'a BlobRef,
    pub(crate) path: &'a str,
    pub(crate) options: &'a WriteOptions,
    /// Of the content, base64.
    pub(crate) content_md5: Option<&'a str>,
}

impl Put for &PutBlob<'_> {
    fn request(&self) -> Request<'_> {
        let request = Request::new("PUT", self.path).header("x-ms-blob-type", "BlockBlob");
        let request = self.options.apply(request);
        match self.content_md5 {
            Some(md5) => request.header("x-ms-blob-content-md5", md5),
            None => request,
        }
    }
}

impl PutBlob<'_> {
    /// Returns the CRC64 of the content, and the head of an answer that has the new blob's ETag.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        attempts: &mut Attempts,
        content: Content,
    ) -> Result<(u64, ResponseHead)> {
        let verified = Verified::new(self, content);
        let sent = verified
            .send(session, attempts)
            .map_err(|error| self.options.explain_condition(error));
        match sent {
            Err(error)
                if error.kind() == ErrorKind::AlreadyExists
                    && self.options.creates()
                    && attempts.ambiguous =>
            {
                // An earlier attempt may have succeeded without our learning of it.
                let since = attempts.first();
                match self.find_ours(session, since, content) {
                    Ok(Some(found)) => Ok(found),
                    _ => Err(error),
                }
            }
            sent => sent.map_err(|error| other_type::explain(session, self.path, error)),
        }
    }

    /// The blob that is there, if there is no doubt that an attempt since then has made it: it was
    /// created since, and everything about it is what was sent.
    fn find_ours(
        &self,
        session: &mut Session,
        since: Option<SystemTime>,
        content: Content,
    ) -> Result<Option<(u64, ResponseHead)>> {
        let lease = Conditions {
            lease: self.options.conditions.lease.clone(),
            ..Conditions::default()
        };
        let (found, head) = get_properties(session, &mut Attempts::default(), self.blob, &lease)?;
        let same = found.size == content.length()
            && was_created_since(&found, &head, since)
            && is_as_sent(&found, self.options);
        if !same {
            return Ok(None);
        }
        if !self.options.tags.is_empty() {
            let mut tags = get_tags(session, &mut Attempts::default(), self.blob, &lease)?;
            let mut sent = self.options.tags.clone();
            tags.sort();
            sent.sort();
            if tags != sent {
                return Ok(None);
            }
        }
        let sent = content.crc64()?;
        let stored = stored_crc64(session, self.blob, &found, content.length())?;
        Ok((stored == Some(sent)).then_some((sent, head)))
    }
}

/// Whether metadata, headers and number of tags are what was sent.
fn is_as_sent(found: &BlobProperties, options: &WriteOptions) -> bool {
    let mut content = options.content.clone();
    content
        .content_type
        .get_or_insert_with(|| "application/octet-stream".to_owned());
    let mut stored = found.content.clone();
    stored
        .content_type
        .get_or_insert_with(|| "application/octet-stream".to_owned());
    let sorted = |metadata: &[(String, String)]| {
        let mut pairs: Vec<_> = metadata
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        pairs.sort();
        pairs
    };
    stored == content
        && sorted(&found.metadata) == sorted(&options.metadata)
        && found.tag_count == options.tags.len() as u64
        && options
            .tier
            .is_none_or(|tier| found.tier.as_deref() == Some(tier.as_str()))
}

/// CRC64 of the content of the version that was found; None where there is another by now.
fn stored_crc64(
    session: &mut Session,
    blob: &BlobRef,
    found: &BlobProperties,
    length: u64,
) -> Result<Option<u64>> {
    if length == 0 {
        return Ok(Some(0));
    }
    let address = session.account.endpoint.address_of(blob);
    let mut attempts = Attempts::default();
    loop {
        let mut get = GetBlob {
            address: &address,
            first: 0,
            last: length - 1,
            etag: found.etag.as_deref(),
            conditions: None,
            buffer: 0,
            vouching: Vouching::Length,
        };
        let mut opened = session.open(&mut attempts, &mut get)?;
        let range = ReceivedRange::read(&opened.head, 0, length, Vouching::Length);
        let mut body = opened.body(session.cancellation);
        let read = range.and_then(|_| {
            let mut running = Crc64::new();
            let mut piece = vec![0; 64 << 10];
            let mut rest = length;
            while rest > 0 {
                let most = piece.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
                let count = body.read_some(&mut piece[..most])?;
                running.update(&piece[..count]);
                rest -= count as u64;
            }
            Ok(running.value())
        });
        let finished = body.is_finished();
        opened.close(finished);
        match read {
            Ok(crc64) => return Ok(Some(crc64)),
            Err(error) => session.broken(&mut attempts, error)?,
        }
    }
}
