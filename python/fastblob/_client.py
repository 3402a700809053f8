"""The client: construction, lifetime, pickling. What it can do is in the classes that it is derived from."""

from __future__ import annotations

import functools
import os
from types import NoneType
from typing import TYPE_CHECKING, Any

from . import _credentials, _environment, _fastblob
from ._connection import Connection
from ._containers import Containers
from ._copying import Copying
from ._directories import Directories
from ._finding import Finding
from ._leasing import Leasing
from ._listing import Listing
from ._many_blobs import ManyBlobs
from ._one_blob import OneBlob
from ._properties import Properties
from ._tracebacks import without_frames
from ._versions import Versions

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ._credentials import Credential, Secret
    from ._environment import Account
    from ._types import Checksum, StrPath, WorkloadType


class Client(
    OneBlob, ManyBlobs, Directories, Finding, Listing, Properties, Copying, Leasing, Versions, Containers
):
    """Moves the blobs of one storage account.

    Safe to share between threads, and meant to be: its connections are kept between calls. ``close()`` ends
    them, and so does the end of a ``with`` block. After ``os.fork()`` the child starts with connections of
    its own. Pickles by the arguments it was made with, as far as these do (no credential, a key and a SAS do;
    the credentials of azure.identity do not).

    Errors of every method, unless it says otherwise: ``fastblob.TransferError`` and its subclasses for what
    the service answers and for what happens on the way to it; ``ValueError`` for a malformed path or an
    option out of range and ``TypeError`` for an argument of the wrong type, both before anything is sent;
    ``OSError`` with ``.filename`` for local files. Ctrl-C ends a call within 200 ms and leaves no partial
    file or blob; pressed again, it does not wait for what runs.

    Args:
        account_url: The account's blob endpoint, such as ``"https://acct.blob.core.windows.net"`` or, for
            Azurite, ``"http://127.0.0.1:10000/devstoreaccount1"``; it may end in a SAS. None: from the
            environment, the first that is set of METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT,
            AZURE_STORAGE_BLOB_ENDPOINT, AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCOUNT_NAME and
            AZURE_STORAGE_ACCOUNT; AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN beside one of them (save the
            first, which Metaflow uses with Entra ID only) is the credential then.
        credential: Any ``azure.core.credentials.TokenCredential``, such as those of azure.identity; an
            AzureNamedKeyCredential or AzureSasCredential, whose ``update()`` counts from the next request on;
            an account key or a SAS as str. None: the SAS in ``account_url``, else DefaultAzureCredential,
            which is made when the first token is needed.
        anonymous: Send no credential: for containers with public access.
        workload_type: What the limits are chosen for: ``"default"``, ``"general"``, ``"highCpu"``,
            ``"highMemory"`` or ``"high_throughput"``; the CPUs and the memory that this process (or its
            container) may use count as well.
        max_connections: Most connections at a time; None: by the workload type.
        memory_limit: Most bytes in buffers of this client at a time; None: by the workload type.
        max_retries: How often one request is repeated after failures that may pass.
        timeout: Seconds without a single byte moving after which a connection counts as broken. A transfer
            as a whole may take as long as it needs.
        checksum: What downloads are checked against, besides lengths: ``"auto"``: a CRC64 of every segment,
            where the service gives it, and the MD5 stored with a blob of up to 16 KiB; ``"md5"``: that, and
            the MD5 stored with a blob of any size; ``"crc64"``: a CRC64 of all that arrives, where need be at
            the price of ranges of 4 MiB; None: only lengths. Uploads always carry a CRC64.
        ca_file: A file of certificates (PEM) to trust instead of the system's. None: by SSL_CERT_FILE,
            SSL_CERT_DIR and REQUESTS_CA_BUNDLE.
        proxy: URL of the HTTP proxy to go through, ``""`` for none. None: by HTTPS_PROXY, HTTP_PROXY,
            ALL_PROXY and NO_PROXY.
        user_agent: What is added to the User-Agent of every request, ``fastblob/<version> Python/<version>
            (<platform>)``, such as ``"my-program/1.0"``: the account's resource logs show it.
        encryption_key: An AES-256 key of 32 bytes, with which the service encrypts what is written and
            decrypts what is read; it does not keep the key, without which nobody reads the blob again. Goes
            over HTTPS only. No ``repr`` and no message shows it; a pickle of the client holds it, as it does
            an account key. ``copy`` is refused, since the service makes copies without it.
            https://learn.microsoft.com/azure/storage/blobs/encryption-customer-provided-keys
        encryption_scope: The name of a scope of the account, with whose key the service encrypts what is
            written; reads need none. ``copy`` is refused, since the service makes copies without it.
            https://learn.microsoft.com/azure/storage/blobs/encryption-scope-overview

    Raises:
        ValueError: No account is named anywhere, the endpoint is not a URL, or an option is out of range.
        TypeError: ``credential`` is of no known kind.

    Nothing is sent before the first call of a method.
    """

    @without_frames
    def __init__(
        self,
        account_url: str | None = None,
        credential: Credential | None = None,
        *,
        anonymous: bool = False,
        workload_type: WorkloadType | None = None,
        max_connections: int | None = None,
        memory_limit: int | None = None,
        max_retries: int = 8,
        timeout: float = 60.0,
        checksum: Checksum = "auto",
        ca_file: StrPath | None = None,
        proxy: str | None = None,
        user_agent: str | None = None,
        encryption_key: bytes | None = None,
        encryption_scope: str | None = None,
    ) -> None:
        if not isinstance(account_url, (str, NoneType)):
            raise TypeError(f"account_url must be a str, not {type(account_url).__name__}")
        if not isinstance(encryption_key, (bytes, NoneType)):
            raise TypeError(f"encryption_key must be bytes, not {type(encryption_key).__name__}")
        if encryption_key is not None and encryption_scope is not None:
            raise ValueError("encryption_key and encryption_scope exclude each other: give one of them")
        account = (
            _environment.from_environment() if account_url is None else _environment.Account(account_url)
        )
        if account is None:
            raise ValueError(
                "no storage account given: pass account_url='https://<account>.blob.core.windows.net', "
                f"or set one of {', '.join(_environment.VARIABLES)}"
            )
        url, _, sas = account.url.partition("?")
        self._connection = Connection(
            url,
            _choose_secret(account, sas, credential, anonymous=anonymous),
            {
                "trust": _fastblob.Trust(None if ca_file is None else os.fsdecode(ca_file), proxy),
                "workload_type": workload_type or "default",
                "max_connections": max_connections,
                "memory_limit": memory_limit,
                "max_retries": max_retries,
                "timeout": timeout,
                "checksum": checksum,
                "user_agent": user_agent,
                "encryption_key": encryption_key,
                "encryption_scope": encryption_scope,
            },
        )
        self._arguments: dict[str, Any] = {
            "account_url": account_url,
            "credential": credential,
            "anonymous": anonymous,
            "workload_type": workload_type,
            "max_connections": max_connections,
            "memory_limit": memory_limit,
            "max_retries": max_retries,
            "timeout": timeout,
            "checksum": checksum,
            "ca_file": ca_file,
            "proxy": proxy,
            "user_agent": user_agent,
            "encryption_key": encryption_key,
            "encryption_scope": encryption_scope,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(type(self), **self._arguments), ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def endpoint(self) -> str:
        """The account's URL, without query."""
        return self._connection.endpoint

    def close(self) -> None:
        """Closes the connections; further calls raise ValueError. Closing twice is fine.

        Calls of other threads go on to their end. The credential stays open: it belongs to the caller.
        """
        self._connection.close()

    @classmethod
    @without_frames
    def from_connection_string(
        cls, connection_string: str, credential: Credential | None = None, **options: Any
    ) -> Self:
        """Makes a client from a storage connection string, as the Azure portal shows it.

        The form: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string

        Args:
            connection_string: The string; ``"UseDevelopmentStorage=true"`` means Azurite on this machine.
            credential: As for the class; None: the key or the SAS in the string, else as for the class.
            **options: The keyword arguments of the class.

        Returns:
            The client.

        Raises:
            ValueError: The string is malformed, or names neither a blob endpoint nor an account.
        """
        account = _environment.from_connection_string(connection_string)
        if credential is None:
            credential = _configured_credential(account)
        return cls(account.url, credential, **options)


def _choose_secret(account: Account, sas: str, credential: Credential | None, *, anonymous: bool) -> Secret:
    if anonymous:
        if credential is not None:
            raise ValueError("anonymous=True and credential exclude each other: give one of them")
        return _credentials.Secret()
    if credential is None and sas:
        return _credentials.FixedSas(sas)
    return _credentials.secret_of(_configured_credential(account) if credential is None else credential)


def _configured_credential(account: Account) -> Credential | None:
    if account.key and account.name:
        from azure.core.credentials import AzureNamedKeyCredential

        return AzureNamedKeyCredential(account.name, account.key)
    return account.key or account.sas
