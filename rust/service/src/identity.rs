//! The managed-identity endpoint of App Service, protocol 2019-08-01:
//! <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>.

use std::sync::Arc;

use serde_json::json;

use crate::context::Context;
use crate::errors::{Failure, ServiceError};
use crate::http::{Answer, Handler, Request, RequestBody};

const PROTOCOL: &str = "2019-08-01";
/// The path of the endpoint.
pub(crate) const PATH: &str = "/msi/token";

/// The handler of the token endpoint.
#[derive(Debug)]
pub(crate) struct IdentityService {
    pub(crate) context: Arc<Context>,
}

impl Handler for IdentityService {
    type Route<'r> = &'static str;

    fn route<'r>(&self, request: &'r Request<'r>) -> &'static str {
        if request.method == "GET" && request.path == PATH {
            "Token"
        } else {
            "Unknown"
        }
    }

    fn operation(route: &&'static str) -> &'static str {
        route
    }

    fn answer(
        &self,
        request: &Request<'_>,
        route: &'static str,
        _body: &mut RequestBody<'_>,
    ) -> Result<Answer, Failure> {
        if route != "Token" {
            return Err(refusal(404, "no such path"));
        }
        if request.header("x-identity-header") != Some(&self.context.identity_header) {
            return Err(refusal(401, "X-IDENTITY-HEADER is missing or wrong"));
        }
        if request.parameter("api-version") != Some(PROTOCOL) {
            return Err(refusal(400, "api-version must be 2019-08-01"));
        }
        let Some(resource) = request
            .parameter("resource")
            .filter(|resource| !resource.is_empty())
        else {
            return Err(refusal(400, "resource is missing"));
        };
        let (token, expires) = self
            .context
            .tokens
            .issue(resource, self.context.options.token_lifetime);
        let body = json!({
            "access_token": token,
            "expires_on": expires.as_unix().to_string(),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": request.parameter("client_id").unwrap_or("system-assigned"),
        });
        let mut answer = Answer::new(200);
        answer.json(&body);
        Ok(answer)
    }

    fn error(&self, error: &ServiceError, _method: &str, _request_id: &str) -> Answer {
        let mut answer = Answer::new(error.status);
        for (name, value) in &error.headers {
            answer.header(name, value);
        }
        answer.json(&json!({"statusCode": error.status, "message": error.message}));
        answer
    }

    fn complete(&self, _request: &Request<'_>, _request_id: &str, _answer: &mut Answer) {}
}

fn refusal(status: u16, message: &'static str) -> Failure {
    ServiceError::new(status, "", message).into()
}
