//! Who may do what: account key, shared access signature, bearer token, or nobody in particular.

mod bearer;
mod sas;
mod shared_key;

use crate::blob::{Need, Target};
use crate::context::Context;
use crate::errors::{self, Failure};
use crate::http::Request;
use crate::store::Container;

/// What a caller has proved to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Holds the account's key.
    AccountKey,
    /// Holds a token; roles are not looked at, every token of this service may do everything.
    Token,
    /// Holds a signature with the permission asked for.
    Signature {
        /// Whether it covers changing what exists, or only adding.
        may_overwrite: bool,
    },
    /// Reads what is public.
    Anonymous,
}

impl Caller {
    /// Refuses to replace a blob where the caller may only create.
    pub(crate) fn check_overwrite(self) -> Result<(), Failure> {
        match self {
            Self::Signature {
                may_overwrite: false,
            } => Err(errors::UNAUTHORIZED_BLOB_OVERWRITE.into()),
            _ => Ok(()),
        }
    }
}

/// Finds out who calls, and whether they may.
pub(crate) fn authorise(
    context: &Context,
    request: &Request<'_>,
    target: &Target<'_>,
    need: Need,
) -> Result<Caller, Failure> {
    if let Some(authorization) = request.header("authorization") {
        let (scheme, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
        return match scheme {
            "SharedKey" => {
                shared_key::verify(context, request, credentials)?;
                Ok(Caller::AccountKey)
            }
            "Bearer" => {
                bearer::verify(context, credentials.trim())?;
                Ok(Caller::Token)
            }
            _ => Err(errors::INVALID_AUTHENTICATION_FORM.into()),
        };
    }
    if request.parameter("sig").is_some() {
        let may_overwrite = sas::verify(context, &request.query, target, need)?;
        return Ok(Caller::Signature { may_overwrite });
    }
    let container = target
        .container
        .as_deref()
        .and_then(|name| context.store.container(name));
    if container.is_some_and(|container| need.is_public(&container)) {
        return Ok(Caller::Anonymous);
    }
    // Azure challenges clients of today and hides the resource from older ones and browsers.
    if request.header("x-ms-version").is_none() && matches!(request.method, "GET" | "HEAD") {
        return Err(errors::RESOURCE_NOT_FOUND.into());
    }
    let error = errors::NO_AUTHENTICATION_INFORMATION.error();
    Err(error.header("WWW-Authenticate", bearer::challenge()).into())
}

/// Whether a copy may read its source: by the signature in the source's URL, by a token of its own,
/// or because anybody may.
pub(crate) fn may_read_source(
    context: &Context,
    query: &sas::Query<'_>,
    source: &Target<'_>,
    container: &Container,
    token: Option<&str>,
) -> bool {
    if let Some(token) = token {
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        return bearer::verify(context, token).is_ok();
    }
    if query.iter().any(|(name, _)| name == "sig") {
        return sas::verify(context, query, source, Need::READ).is_ok();
    }
    container.access.is_some()
}
