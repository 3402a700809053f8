//! Key Vault, its secrets, for reading:
//! <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret>.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::context::Context;
use crate::errors::{Failure, ServiceError};
use crate::http::{Answer, Handler, Request, RequestBody};
use crate::secrets::Version;
use crate::tokens::{TENANT, TokenError};

/// The audience of tokens for any vault.
const AUDIENCE: &str = "https://vault.azure.net";

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route<'r> {
    Secret {
        name: &'r str,
        version: Option<&'r str>,
    },
    Versions {
        name: &'r str,
    },
    Unknown,
}

/// The handler of the vault's endpoint.
#[derive(Debug)]
pub(crate) struct KeyVaultService {
    pub(crate) context: Arc<Context>,
}

impl Handler for KeyVaultService {
    type Route<'r> = Route<'r>;

    fn route<'r>(&self, request: &'r Request<'r>) -> Route<'r> {
        let mut segments = request.path.trim_matches('/').split('/');
        let segments = [
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
        ];
        match (request.method, segments) {
            ("GET", [Some("secrets"), Some(name), version, None]) if !name.is_empty() => {
                match version {
                    Some("versions") => Route::Versions { name },
                    version => Route::Secret { name, version },
                }
            }
            _ => Route::Unknown,
        }
    }

    fn operation(route: &Route<'_>) -> &'static str {
        match route {
            Route::Secret { .. } => "GetSecret",
            Route::Versions { .. } => "GetSecretVersions",
            Route::Unknown => "Unknown",
        }
    }

    fn answer(
        &self,
        request: &Request<'_>,
        route: Route<'_>,
        _body: &mut RequestBody<'_>,
    ) -> Result<Answer, Failure> {
        self.authorise(request)?;
        if request.parameter("api-version").is_none_or(str::is_empty) {
            let message = "api-version must be specified";
            return Err(ServiceError::new(400, "BadParameter", message).into());
        }
        let body = match route {
            Route::Secret { name, version } => self.secret(request, name, version)?,
            Route::Versions { name } => self.versions(request, name)?,
            Route::Unknown => {
                let message = "The embedded Key Vault offers to read secrets, and nothing else.";
                return Err(ServiceError::new(501, "NotImplemented", message).into());
            }
        };
        let mut answer = Answer::new(200);
        answer.json(&body);
        Ok(answer)
    }

    fn error(&self, error: &ServiceError, _method: &str, _request_id: &str) -> Answer {
        let mut answer = Answer::new(error.status);
        for (name, value) in &error.headers {
            answer.header(name, value);
        }
        let mut body = json!({"code": error.code, "message": error.message});
        // Whatever is forbidden has one code, and the reason in another within.
        if error.status == 403 && error.code != "Forbidden" {
            body["code"] = json!("Forbidden");
            body["innererror"] = json!({"code": error.code});
        }
        answer.json(&json!({ "error": body }));
        answer
    }

    fn complete(&self, request: &Request<'_>, request_id: &str, answer: &mut Answer) {
        answer.header("x-ms-keyvault-service-version", "1.9.0");
        answer.header("x-ms-request-id", request_id);
        let client_request_id = request.header("x-ms-client-request-id");
        answer.optional_header("x-ms-client-request-id", client_request_id);
    }
}

impl KeyVaultService {
    /// The first request of a client comes without a token: the challenge tells it where to get
    /// one.
    fn authorise(&self, request: &Request<'_>) -> Result<(), Failure> {
        let authorization = request.header("authorization").unwrap_or_default();
        let message = match authorization.strip_prefix("Bearer ") {
            None => "AKV10000: Request is missing a Bearer or PoP token.",
            Some(token) => match self.context.tokens.check(token.trim(), &[AUDIENCE]) {
                Ok(()) => return Ok(()),
                Err(TokenError::Malformed) => {
                    "AKV10041: Error validating token: the token is malformed."
                }
                Err(TokenError::Foreign) => {
                    "AKV10041: Error validating token: the signature is not valid."
                }
                Err(TokenError::Expired) => {
                    "AKV10046: Error validating token: the token is expired."
                }
                Err(TokenError::Audience) => {
                    "AKV10022: Invalid audience. Expected https://vault.azure.net."
                }
            },
        };
        let challenge = format!(
            "Bearer authorization=\"https://login.microsoftonline.com/{TENANT}\", resource=\"{AUDIENCE}\""
        );
        let error = ServiceError::new(401, "Unauthorized", message);
        Err(error.header("WWW-Authenticate", challenge).into())
    }

    fn secret(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
    ) -> Result<Value, Failure> {
        let versions = self
            .context
            .secrets
            .versions(name)
            .ok_or_else(|| not_found(name))?;
        let found = match version {
            None => versions.last(),
            Some(id) => versions.iter().find(|version| version.id == id),
        };
        let found =
            found.ok_or_else(|| not_found(&format!("{name}/{}", version.unwrap_or_default())))?;
        if !found.enabled {
            let message = "Operation get is not allowed on a disabled secret.";
            return Err(ServiceError::new(403, "SecretDisabled", message).into());
        }
        // A secret is read as ever before its time and after it, for its owner to recover what it protects:
        // https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations
        let mut body = Self::describe(request, name, found);
        body["value"] = json!(found.value);
        Ok(body)
    }

    fn versions(&self, request: &Request<'_>, name: &str) -> Result<Value, Failure> {
        let versions = self
            .context
            .secrets
            .versions(name)
            .ok_or_else(|| not_found(name))?;
        let items = versions
            .iter()
            .map(|version| Self::describe(request, name, version));
        Ok(json!({"value": items.collect::<Vec<_>>(), "nextLink": null}))
    }

    fn describe(request: &Request<'_>, name: &str, version: &Version) -> Value {
        let host = request.header("host").unwrap_or("127.0.0.1");
        let mut attributes = json!({
            "enabled": version.enabled,
            "created": version.created.as_unix(),
            "updated": version.created.as_unix(),
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        });
        if let Some(expires) = version.expires {
            attributes["exp"] = json!(expires.as_unix());
        }
        json!({"id": format!("https://{host}/secrets/{name}/{}", version.id), "attributes": attributes})
    }
}

fn not_found(name: &str) -> Failure {
    let message = format!(
        "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you \
         may be able to recover it using the correct recovery command."
    );
    ServiceError::new(404, "SecretNotFound", message).into()
}
