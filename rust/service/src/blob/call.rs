//! One request to the blob endpoint.

use std::sync::Arc;

use super::operation::Operation;
use super::target::Target;
use super::unsupported;
use crate::auth::{self, Caller};
use crate::context::Context;
use crate::errors::{self, Failure};
use crate::http::Request;
use crate::store::Container;

/// An authorised request for a resource.
pub(super) struct Call<'a> {
    pub(super) context: &'a Context,
    pub(super) request: &'a Request<'a>,
    pub(super) target: &'a Target<'a>,
    pub(super) caller: Caller,
}

impl<'a> Call<'a> {
    /// Checks account and authorization.
    pub(super) fn authorised(
        context: &'a Context,
        request: &'a Request<'a>,
        route: &'a Route<'_>,
    ) -> Result<Self, Failure> {
        let target = route.target.as_ref().ok_or(errors::INVALID_URI)?;
        if target.account != context.options.account {
            return Err(errors::RESOURCE_NOT_FOUND.into());
        }
        let caller = auth::authorise(context, request, target, route.operation.need())?;
        unsupported::check(request)?;
        Ok(Self {
            context,
            request,
            target,
            caller,
        })
    }

    /// The container that the request names.
    pub(super) fn container(&self) -> Result<Arc<Container>, Failure> {
        let container = self.context.store.container(self.container_name());
        container.ok_or_else(|| errors::CONTAINER_NOT_FOUND.into())
    }

    pub(super) fn container_name(&self) -> &str {
        self.target.container.as_deref().unwrap_or_default()
    }

    pub(super) fn blob_name(&self) -> &str {
        self.target.blob.as_deref().unwrap_or_default()
    }
}

/// What a request asks for, and of what.
#[derive(Debug)]
pub(crate) struct Route<'r> {
    /// None if the path is malformed.
    pub(super) target: Option<Target<'r>>,
    pub(super) operation: Operation,
}

impl<'r> Route<'r> {
    pub(super) fn of(request: &Request<'r>, host: &'r str) -> Self {
        let target = Target::parse(host, request.path);
        let operation = target
            .as_ref()
            .map_or(Operation::Unknown, |target| Operation::of(request, target));
        Self { target, operation }
    }
}
