"""Azure on this machine, for trying, testing and measuring: no account, nothing leaves the machine.

``LocalAzure`` runs a small Blob service, a managed-identity token endpoint and a Key Vault inside this
process; ``python -m fastblob.local`` runs the same until Ctrl-C and prints the environment that leads other
programs to it: an unmodified DefaultAzureCredential, azure-storage-blob, fastblob and Metaflow work with that
environment alone. Tokens, account keys, SAS and checksums are verified as Azure does it. Not for production:
blobs live in memory, or in a directory for as long as the service runs.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ._client import Client
from ._fastblob import Service

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from ._credentials import Credential


class RecordedRequest(NamedTuple):
    """A request that the service answered.

    Attributes:
        method: The HTTP method.
        path: Path and query, without signatures.
        operation: The operation's name in the REST documentation without spaces, such as ``"GetBlob"``,
            ``"PutBlock"``; ``"Token"`` and ``"GetSecret"`` for the other two services.
        status: The HTTP status of the answer; 0 where a fault left none.
        client_request_id: ``x-ms-client-request-id``, or None.
        connection: Number of the connection that it came over.
        range: ``x-ms-range`` or ``Range``, or None.
        content_crc64: ``x-ms-content-crc64``, or None.
    """

    method: str
    path: str
    operation: str
    status: int
    client_request_id: str | None
    connection: int
    range: str | None
    content_crc64: str | None


class LocalAzure:
    """A Blob service, a token endpoint and a Key Vault on loopback ports, for the length of a ``with`` block.

    Args:
        containers: Containers that exist from the beginning.
        tls: False: the Blob service speaks plain HTTP. (The token endpoint always does, the Key Vault never.)
        port: Port of the Blob service; 0: a free one.
        account_name: The storage account's name; None: ``devstoreaccount1``.
        account_key: Its key, in base64; None: the well-known key of that account.
        directory: Keep the content of blobs in files below this directory instead of in memory.
        latency: Seconds to wait before each answer.
        bandwidth: Bytes per second and connection; None: unlimited.
        token_lifetime: Seconds until a token expires.
        secrets: Names and values of secrets in the Key Vault.

    Example::

        with LocalAzure(containers=["data"]) as azure:
            client = azure.client()
            client.write("data/hello", b"hello")
    """

    def __init__(
        self,
        *,
        containers: Iterable[str] = (),
        tls: bool = True,
        port: int = 0,
        account_name: str | None = None,
        account_key: str | None = None,
        directory: str | os.PathLike[str] | None = None,
        latency: float = 0.0,
        bandwidth: int | None = None,
        token_lifetime: float = 86_400.0,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "containers": list(containers),
            "tls": tls,
            "port": port,
            "account": account_name,
            "account_key": account_key,
            "directory": directory,
            "latency": latency,
            "bandwidth": bandwidth,
            "token_lifetime": token_lifetime,
            "secrets": dict(secrets or {}),
        }
        self._running: Service | None = None
        self._ca_file: Path | None = None
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            service = Service(**self._options)
            cleanup.callback(service.stop)
            folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fastblob-"))
            self._ca_file = Path(folder) / "ca.pem"
            self._ca_file.write_text(service.certificate_authority)
            self._running = service
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running = None
        self._cleanup.close()

    @property
    def _service(self) -> Service:
        if self._running is None:
            raise RuntimeError("LocalAzure is not running: use it as `with LocalAzure() as azure: ...`")
        return self._running

    @property
    def blob_endpoint(self) -> str:
        """URL of the account on the Blob service."""
        return self._service.blob_endpoint

    @property
    def vault_url(self) -> str:
        """URL of the Key Vault."""
        return self._service.vault_url

    @property
    def account_name(self) -> str:
        """The storage account's name."""
        return self._service.account

    @property
    def account_key(self) -> str:
        """The storage account's key, in base64."""
        return self._service.account_key

    @property
    def connection_string(self) -> str:
        """The connection string that opens the account with its key."""
        protocol = self.blob_endpoint.partition(":")[0]
        return (
            f"DefaultEndpointsProtocol={protocol};AccountName={self.account_name};"
            f"AccountKey={self.account_key};BlobEndpoint={self.blob_endpoint};"
        )

    @property
    def certificate_authority(self) -> str:
        """The certificate authority (PEM), made at the start, that signed the services' certificate."""
        return self._service.certificate_authority

    @property
    def server_certificate(self) -> str:
        """The services' certificate (PEM), for another server that is to be trusted likewise."""
        return self._service.server_certificate

    @property
    def server_key(self) -> str:
        """The private key (PEM) of that certificate."""
        return self._service.server_key

    @property
    def ca_file(self) -> Path:
        """The file that holds ``certificate_authority``, for as long as the service runs."""
        if self._ca_file is None:
            raise RuntimeError("LocalAzure is not running: use it as `with LocalAzure() as azure: ...`")
        return self._ca_file

    def env(self) -> dict[str, str]:
        """The environment that leads fastblob, azure-storage-blob, azure-identity and Metaflow here."""
        ca_file = str(self.ca_file)
        return {
            "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": self.blob_endpoint,
            "METAFLOW_AZURE_KEY_VAULT_PREFIX": self.vault_url,
            "AZURE_STORAGE_BLOB_ENDPOINT": self.blob_endpoint,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "IDENTITY_ENDPOINT": self._service.identity_endpoint,
            "IDENTITY_HEADER": self._service.identity_header,
            "SSL_CERT_FILE": ca_file,
            "REQUESTS_CA_BUNDLE": ca_file,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def client(self, credential: Credential | None = None, **options: Any) -> Client:
        """A client of this account, which trusts its certificates and goes through no proxy.

        Args:
            credential: As for ``fastblob.Client``; None: the account key.
            **options: Further arguments of ``fastblob.Client``.

        Returns:
            The client, which can be used for as long as the service runs, also after pickling.
        """
        if credential is None and not options.get("anonymous"):
            credential = self.account_key
        trust: dict[str, Any] = {"ca_file": self.ca_file, "proxy": ""}
        return Client(self.blob_endpoint, credential, **trust | options)

    def issue_token(self, resource: str = "https://storage.azure.com", lifetime: float = 3600.0) -> str:
        """A bearer token, as the token endpoint would issue it.

        Args:
            resource: What the token is for (its audience).
            lifetime: Seconds until it expires.
        """
        return self._service.issue_token(resource, lifetime)

    def create_container(self, name: str) -> None:
        """Creates a container, unless it exists."""
        self._service.create_container(name)

    def set_secret(self, name: str, value: str) -> None:
        """Adds a version of a secret to the Key Vault; readers without a version get it from now on."""
        self._service.set_secret(name, value)

    def disable_secret(self, name: str) -> None:
        """Disables a secret: reading it is answered with 403."""
        self._service.disable_secret(name)

    def expire_secret(self, name: str, at: datetime) -> None:
        """Sets when a secret expires, which may be past; as in Azure it can be read all the same.

        Args:
            name: Name of the secret; its newest version is meant.
            at: The time, with a time zone.
        """
        self._service.expire_secret(name, at)

    def add_fault(
        self,
        *,
        operation: str | None = None,
        method: str | None = None,
        path: str | None = None,
        after: int = 0,
        times: int = 0,
        status: int | None = None,
        code: str = "InternalError",
        headers: Mapping[str, str] | None = None,
        delay: float | None = None,
        reset: bool = False,
        reset_after: int | None = None,
        reset_upload_after: int | None = None,
        truncate_after: int | None = None,
        corrupt_at: int | None = None,
        lose_answer: bool = False,
        trickle: int | None = None,
        answer_before_body: int | None = None,
        extra_bytes: bytes | None = None,
        replace_headers: Mapping[str, str] | None = None,
    ) -> None:
        """Makes requests fail: those that match ``operation``, ``method`` and ``path`` as far as given.

        Exactly one of ``status``, ``delay``, ``reset``, ``reset_after``, ``reset_upload_after``,
        ``truncate_after``, ``corrupt_at``, ``lose_answer``, ``trickle``, ``answer_before_body``,
        ``extra_bytes`` and ``replace_headers`` says what happens to them.

        Args:
            operation: Name as in ``requests()``: ``"GetBlob"``, ``"PutBlock"``, ``"Token"``, ...
            method: HTTP method.
            path: Part of the path and query.
            after: How many matching requests pass before the first is struck.
            times: How many are struck; 0: all that follow.
            status: Answer this status instead.
            code: The error code of that answer, or of ``answer_before_body``.
            headers: Further headers of the same, such as ``{"Retry-After": "1"}``.
            delay: Wait so many seconds, then go on as usual.
            reset: Reset the connection before answering.
            reset_after: Reset it after so many bytes of the answer's body.
            reset_upload_after: Reset it after so many bytes of the request's body.
            truncate_after: Close it in mid-body after so many bytes of the answer.
            corrupt_at: Invert the byte at this offset of the answer's body.
            lose_answer: Carry out the request, then close the connection without an answer.
            trickle: Send the answer's body at so many bytes per second (at least 1), then close.
            answer_before_body: Answer this status when only the head of the request was read, then close.
            extra_bytes: Send these bytes behind the answer.
            replace_headers: Put these values in the place of the answer's, such as ``{"ETag": '"0x1"'}``; an
                empty value takes the header away.

        Raises:
            ValueError: None, or more than one, of the failures is given.
        """
        failures: dict[str, Any] = {
            "status": None if status is None else (status, code, list((headers or {}).items())),
            "delay": delay,
            "reset": True if reset else None,
            "reset_after": reset_after,
            "reset_upload_after": reset_upload_after,
            "truncate_after": truncate_after,
            "corrupt_at": corrupt_at,
            "lose_answer": True if lose_answer else None,
            "trickle": trickle,
            "answer_before_body": (
                None
                if answer_before_body is None
                else (answer_before_body, code, list((headers or {}).items()))
            ),
            "extra_bytes": extra_bytes,
            "replace_headers": None if replace_headers is None else list(replace_headers.items()),
        }
        given = [(name, value) for name, value in failures.items() if value is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(failures)}; got {[name for name, _ in given]}")
        self._service.add_fault((operation, method, path, after, times), *given[0])

    def clear_faults(self) -> None:
        """Ends all faults."""
        self._service.clear_faults()

    def requests(self) -> list[RecordedRequest]:
        """The requests answered so far, oldest first, of all three services; at most the last 100,000."""
        return [RecordedRequest(*request) for request in self._service.requests()]

    def request_counts(self) -> dict[str, int]:
        """How many requests were answered so far, by operation."""
        return self._service.request_counts()

    def clear_requests(self) -> None:
        """Forgets the requests answered so far."""
        self._service.clear_requests()


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m fastblob.local``: serves until Ctrl-C or SIGTERM."""
    options = _parse(arguments)
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    azure = LocalAzure(
        containers=options.container,
        tls=not options.plain_http,
        port=options.port,
        directory=options.directory,
        latency=options.latency_ms / 1000,
        bandwidth=options.bandwidth,
        secrets=dict(options.secret),
    )
    with ExitStack() as cleanup:
        try:
            cleanup.enter_context(azure)
        except OSError as error:
            sys.exit(f"cannot serve at port {options.port}: {error}")
        for name, value in azure.env().items():
            print(f"export {name}={shlex.quote(value)}")
        print("# serving until Ctrl-C", flush=True)
        stop.wait()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fastblob.local",
        description="Serve Azure Blob Storage, a managed-identity token endpoint and a Key Vault on loopback "
        "ports, and print the environment that leads fastblob, azure-storage-blob, azure-identity and "
        "Metaflow to them. Blobs and their properties last as long as the service.",
        epilog="Paste the printed lines into the shell that runs the other program.",
    )
    parser.add_argument("--port", type=int, default=0, help="port of the Blob service (default: a free one)")
    parser.add_argument(
        "--container", action="append", default=[], metavar="NAME", help="create this container; repeatable"
    )
    parser.add_argument("--plain-http", action="store_true", help="serve blobs over HTTP instead of HTTPS")
    parser.add_argument(
        "--latency-ms", type=float, default=0.0, metavar="MS", help="wait so long before each answer"
    )
    parser.add_argument(
        "--bandwidth", type=int, metavar="BYTES", help="bytes per second and connection (default: unlimited)"
    )
    parser.add_argument(
        "--directory", type=Path, metavar="DIR", help="keep blob content below DIR instead of in memory"
    )
    parser.add_argument(
        "--secret",
        type=_name_and_value,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a secret in the Key Vault; repeatable",
    )
    return parser.parse_args(arguments)


def _name_and_value(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("write it as NAME=VALUE")
    return name, value


if __name__ == "__main__":
    main()
