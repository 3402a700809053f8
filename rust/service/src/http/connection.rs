//! One connection from its first request to its end: requests, faults, answers.

use std::io;

use super::answer::{Answer, Distortion};
use super::body::RequestBody;
use super::request::Request;
use super::transport::Transport;
use crate::context::Context;
use crate::errors::{self, Failure, ServiceError};
use crate::faults::Action;
use crate::request_log::RequestRecord;

/// What answers the requests of a listener.
pub(crate) trait Handler {
    /// What a request asks for, worked out once and used to name it, to match faults and to answer.
    type Route<'r>;

    fn route<'r>(&self, request: &'r Request<'r>) -> Self::Route<'r>;

    /// The operation's name in the request log.
    fn operation(route: &Self::Route<'_>) -> &'static str;

    /// Carries the request out.
    fn answer(
        &self,
        request: &Request<'_>,
        route: Self::Route<'_>,
        body: &mut RequestBody<'_>,
    ) -> Result<Answer, Failure>;

    /// Puts an error into this server's form, for a request of that method.
    fn error(&self, error: &ServiceError, method: &str, request_id: &str) -> Answer;

    /// Adds the headers that every answer has.
    fn complete(&self, request: &Request<'_>, request_id: &str, answer: &mut Answer);
}

/// How an exchange leaves the connection.
enum Ending {
    KeepAlive,
    Close,
    Reset,
}

impl Ending {
    fn of(closes: bool) -> Self {
        if closes { Self::Close } else { Self::KeepAlive }
    }
}

/// Serves a connection to its end.
pub(crate) fn serve<H: Handler>(
    mut transport: Transport,
    connection: u64,
    context: &Context,
    handler: &H,
) {
    let mut head = Vec::new();
    while matches!(transport.read_head(&mut head), Ok(true)) {
        match exchange(&head, &mut transport, connection, context, handler) {
            Ok(Ending::KeepAlive) => {}
            Ok(Ending::Close) => return transport.close(),
            Ok(Ending::Reset) => return transport.reset(),
            Err(_) => return,
        }
    }
}

fn exchange<H: Handler>(
    head: &[u8],
    transport: &mut Transport,
    connection: u64,
    context: &Context,
    handler: &H,
) -> io::Result<Ending> {
    let request_id = context.next_request_id();
    // What is not HTTP as we know it: nobody knows where the next request begins.
    let refuse = |error: ServiceError, transport: &mut Transport| {
        let answer = handler.error(&error, "", &request_id);
        answer.send(false, true, Distortion::default(), transport)?;
        Ok(Ending::Close)
    };
    let Some(request) = Request::parse(head) else {
        return refuse(errors::INVALID_INPUT.error(), transport);
    };
    let Some(mut body) = RequestBody::new(&request, transport) else {
        return refuse(errors::INVALID_HEADER_VALUE.error(), transport);
    };
    let route = handler.route(&request);
    let operation = H::operation(&route);
    let fault = context
        .faults
        .strike(operation, request.method, request.target);
    let record = |status| {
        let record = RequestRecord::new(&request, operation, status, connection);
        context.log.push(record);
    };

    match fault {
        Some(Action::Delay(duration)) => context.shutdown.sleep(duration)?,
        Some(Action::Reset { after_bytes: None }) => {
            record(0);
            return Ok(Ending::Reset);
        }
        Some(Action::ResetUpload { after_bytes }) => body.break_after(after_bytes),
        Some(Action::AnswerBeforeBody {
            status,
            code,
            headers,
        }) => {
            let mut answer = if status < 300 {
                let mut answer = Answer::new(status);
                for (name, value) in &headers {
                    answer.header(name, value);
                }
                answer
            } else {
                let error = ServiceError::scripted(status, &code, &headers);
                handler.error(&error, request.method, &request_id)
            };
            handler.complete(&request, &request_id, &mut answer);
            record(status);
            answer.send(
                request.method == "HEAD",
                true,
                Distortion::default(),
                transport,
            )?;
            return Ok(Ending::Close);
        }
        _ => {}
    }
    context.shutdown.sleep(context.options.latency)?;

    let mut answer = match carry_out(&request, route, &mut body, fault.as_ref(), handler) {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => handler.error(&error, request.method, &request_id),
        Err(_) if body.is_broken() => {
            record(0);
            return Ok(Ending::Reset);
        }
        Err(error) => {
            record(0);
            return Err(error);
        }
    };
    // A body that the client still holds back may come or not: only a new connection is sure.
    let closes = request.wants_close() || body.is_withheld();
    handler.complete(&request, &request_id, &mut answer);
    if let Some(Action::ReplaceHeaders(headers)) = &fault {
        for (name, value) in headers {
            answer.replace_header(name, value);
        }
    }
    record(answer.status);
    let (ending, distortion) = match fault {
        Some(Action::LoseAnswer) => return Ok(Ending::Close),
        Some(Action::Reset { after_bytes }) => (
            Ending::Reset,
            Distortion {
                cut_after: after_bytes,
                ..Distortion::default()
            },
        ),
        Some(Action::Truncate { after_bytes }) => (
            Ending::Close,
            Distortion {
                cut_after: Some(after_bytes),
                ..Distortion::default()
            },
        ),
        Some(Action::Corrupt { at }) => (
            Ending::of(closes),
            Distortion {
                corrupt_at: Some(at),
                ..Distortion::default()
            },
        ),
        Some(Action::Trickle { bytes_per_second }) => (
            Ending::Close,
            Distortion {
                bytes_per_second: Some(bytes_per_second),
                ..Distortion::default()
            },
        ),
        Some(Action::ExtraBytes(extra)) => (
            Ending::of(closes),
            Distortion {
                extra,
                ..Distortion::default()
            },
        ),
        _ => (Ending::of(closes), Distortion::default()),
    };
    answer.send(request.method == "HEAD", closes, distortion, transport)?;
    Ok(ending)
}

/// Has the handler answer, and reads what it left of the body; the outer error only if the connection
/// broke.
fn carry_out<H: Handler>(
    request: &Request<'_>,
    route: H::Route<'_>,
    body: &mut RequestBody<'_>,
    fault: Option<&Action>,
    handler: &H,
) -> io::Result<Result<Answer, Box<ServiceError>>> {
    let outcome = match fault {
        Some(Action::Status {
            status,
            code,
            headers,
        }) => Err(ServiceError::scripted(*status, code, headers).into()),
        _ => handler.answer(request, route, body),
    };
    match outcome {
        Ok(answer) => {
            body.drain()?;
            Ok(Ok(answer))
        }
        Err(Failure::Connection(error)) => Err(error),
        Err(Failure::Service(error)) => {
            if !body.is_withheld() {
                body.drain()?;
            }
            Ok(Err(error))
        }
    }
}
