"""A server that says to any client what the real service was recorded to say."""

from __future__ import annotations

import re

from hostile.server import ETAG, TIME, Connection, Request, Script, each, list_page
from recordings.sessions import Answer

# Said by whoever sends, or true of one request only.
NOT_REPEATED = re.compile(
    r"connection|content-length|date|keep-alive|status|transfer-encoding|x-ms-client-request-id"
)
REQUEST_ID = "fa57b10b-0000-4000-8000-000000000002"
# What refuses credentials stands before the service, and knows no ids of clients.
FRONT_END = ("AuthenticationFailed", "InvalidAuthenticationInfo", "ResourceNotFound")

NO_CONTAINERS = b"<EnumerationResults><Containers /><NextMarker /></EnumerationResults>"


def saying(answer: Answer, operation: str) -> Script:
    """The script that gives this answer to a call of the operation, and what the call takes beside it."""

    def respond(connection: Connection, request: Request) -> None:
        comp = request.query.get("comp", "")
        if operation == "PutBlockList" and comp == "block":
            connection.answer(request, 201)
        elif operation == "CopyBlob" and request.method == "HEAD":
            copied = {"x-ms-copy-id": answer.headers.get("x-ms-copy-id"), "x-ms-copy-status": "success"}
            connection.answer(request, 200, {"ETag": ETAG, "Last-Modified": TIME, **copied})
        elif operation == "ListBlobs" and request.query.get("marker"):
            connection.answer(request, 200, {"Content-Type": "application/xml"}, list_page([]))
        elif operation == "ListContainers" and request.query.get("marker"):
            connection.answer(request, 200, {"Content-Type": "application/xml"}, NO_CONTAINERS)
        elif operation == "GetBlob" and answer.status == 200 and request.range:
            span(connection, request, answer)
        else:
            say(connection, request, answer)

    return each(respond)


def span(connection: Connection, request: Request, answer: Answer) -> None:
    """Answers to a range what was recorded for the whole."""
    headers = dict(answer.headers)
    whole = headers.pop("content-md5", None)
    if whole is not None:
        headers["x-ms-blob-content-md5"] = whole
    connection.answer_range(request, answer.body, repeated(headers))


def repeated(headers: dict[str, str]) -> dict[str, str | None]:
    """The headers that can be said again."""
    return {name: value for name, value in headers.items() if not NOT_REPEATED.fullmatch(name)}


def say(connection: Connection, request: Request, answer: Answer) -> None:
    """Sends the answer, framed as it was."""
    # One recorder leaves the id of the request out, without which no answer is Azure's.
    headers = {"x-ms-request-id": REQUEST_ID, **repeated(answer.headers)}
    client_request_id = request.headers.get("x-ms-client-request-id")
    if client_request_id and answer.error_code not in FRONT_END:
        headers["x-ms-client-request-id"] = client_request_id
    body = b"" if request.method == "HEAD" else answer.body
    if "transfer-encoding" in answer.headers:
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        body = b"" if request.method == "HEAD" else body
    elif answer.status not in {204, 304}:
        length = answer.headers.get("content-length") if request.method == "HEAD" else str(len(body))
        headers["Content-Length"] = length
    lines = [f"HTTP/1.1 {answer.status} Recorded"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    connection.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
