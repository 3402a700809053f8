//! Bearer tokens for the storage account.

use crate::context::Context;
use crate::errors::{self, Failure};
use crate::tokens::{TENANT, TokenError};

/// The resource of tokens for any storage account.
const STORAGE: &str = "https://storage.azure.com";

/// Checks a token for this storage account.
pub(super) fn verify(context: &Context, token: &str) -> Result<(), Failure> {
    let account = format!("https://{}.blob.core.windows.net", context.options.account);
    let detail = match context.tokens.check(token, &[STORAGE, &account]) {
        Ok(()) => return Ok(()),
        Err(TokenError::Malformed) => return Err(errors::INVALID_AUTHENTICATION_FORM.into()),
        Err(TokenError::Foreign) => "Signature validation failed. Signature verification failed.",
        Err(TokenError::Expired) => "Lifetime validation failed. The token is expired.",
        Err(TokenError::Audience) => "Audience validation failed. Audience did not match.",
    };
    let error = errors::INVALID_AUTHENTICATION_INFO.error();
    let error = error.detail("AuthenticationErrorDetail", detail);
    Err(error.header("WWW-Authenticate", challenge()).into())
}

/// The challenge that goes with 401.
pub(super) fn challenge() -> String {
    format!(
        "Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize \
         resource_id={STORAGE}"
    )
}
