//! The blob endpoint: checks what all operations share, then passes the request on.

use std::sync::Arc;

use super::call::{Call, Route};
use super::operation::Operation;
use super::{
    batch, block_list, container, copy, delete, get, lease, listing, metadata, properties, put,
    tags, tier,
};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::errors::{self, Failure, ServiceError};
use crate::http::{Answer, Handler, Request, RequestBody};

/// No version of the service is older.
const FIRST_VERSION: &str = "2009-09-19";

/// The handler of the blob endpoint.
#[derive(Debug)]
pub(crate) struct BlobService {
    pub(crate) context: Arc<Context>,
}

impl Handler for BlobService {
    type Route<'r> = Route<'r>;

    fn route<'r>(&self, request: &'r Request<'r>) -> Route<'r> {
        Route::of(request, request.header("host").unwrap_or_default())
    }

    fn operation(route: &Route<'_>) -> &'static str {
        route.operation.name()
    }

    fn answer(
        &self,
        request: &Request<'_>,
        route: Route<'_>,
        body: &mut RequestBody<'_>,
    ) -> Result<Answer, Failure> {
        check_version(request)?;
        if route.operation == Operation::Unknown {
            return Err(unknown(request));
        }
        let call = Call::authorised(&self.context, request, &route)?;
        match route.operation {
            Operation::ListContainers => container::list(&call),
            Operation::CreateContainer => container::create(&call),
            Operation::DeleteContainer => container::delete(&call),
            Operation::GetContainerProperties => container::properties(&call),
            Operation::ListBlobs => listing::list(&call),
            Operation::BlobBatch => batch::submit(&call, body),
            Operation::PutBlob => put::put_blob(&call, body),
            Operation::PutBlobFromUrl => copy::put_blob_from_url(&call),
            Operation::CopyBlob => copy::copy_blob(&call),
            Operation::AbortCopyBlob => Err(errors::NO_PENDING_COPY_OPERATION.into()),
            Operation::PutBlock => put::put_block(&call, body),
            Operation::PutBlockList => block_list::put(&call, body),
            Operation::GetBlockList => block_list::get(&call),
            Operation::GetBlob => get::get(&call),
            Operation::GetBlobProperties => get::properties(&call),
            Operation::GetBlobMetadata => metadata::get(&call),
            Operation::SetBlobMetadata => metadata::set(&call),
            Operation::SetBlobProperties => properties::set(&call),
            Operation::GetBlobTags => tags::get(&call),
            Operation::SetBlobTags => tags::set(&call, body),
            Operation::SetBlobTier => tier::set(&call),
            Operation::LeaseBlob => lease::lease(&call),
            Operation::DeleteBlob => delete::delete(&call),
            Operation::Unknown => Err(unknown(request)),
        }
    }

    fn error(&self, error: &ServiceError, method: &str, request_id: &str) -> Answer {
        error.to_answer(method, request_id)
    }

    fn complete(&self, request: &Request<'_>, request_id: &str, answer: &mut Answer) {
        answer.header("x-ms-request-id", request_id);
        if answer.from_front_end {
            return;
        }
        answer.optional_header("x-ms-version", version(request));
        let client_request_id = request.header("x-ms-client-request-id");
        answer.optional_header("x-ms-client-request-id", client_request_id);
    }
}

/// The version that a request is answered in; a signature in its URL implies one.
fn version<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let named = request.header("x-ms-version");
    named.or_else(|| match request.parameter("sig") {
        Some(_) => request.parameter("sv"),
        None => Some(FIRST_VERSION),
    })
}

/// Signed and anonymous requests may leave the version out; others must name one that can exist.
fn check_version(request: &Request<'_>) -> Result<(), Failure> {
    let Some(version) = request.header("x-ms-version") else {
        if request.header("authorization").is_none() {
            return Ok(());
        }
        let error = errors::MISSING_REQUIRED_HEADER.error();
        return Err(error.detail("HeaderName", "x-ms-version").into());
    };
    let a_year_ahead = Timestamp::from_unix(Timestamp::now().as_unix() + 366 * 86_400);
    let known = version.len() == 10
        && version >= FIRST_VERSION
        && Timestamp::from_iso8601(version).is_some_and(|date| date <= a_year_ahead);
    if known {
        return Ok(());
    }
    Err(errors::invalid_header("x-ms-version", version))
}

fn unknown(request: &Request<'_>) -> Failure {
    match request.method {
        "GET" | "HEAD" | "PUT" | "DELETE" | "POST" => {
            if let Some(comp) = request.parameter("comp") {
                errors::not_offered(&format!("{} with comp={comp}", request.method))
            } else {
                errors::INVALID_URI.into()
            }
        }
        _ => errors::UNSUPPORTED_HTTP_VERB.into(),
    }
}
