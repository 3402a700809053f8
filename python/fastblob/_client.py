"""The client as users see it: finds the endpoint and the credential, the rest is ``BaseClient``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _credentials, _environment
from ._fastblob import BaseClient

if TYPE_CHECKING:
    from typing import Self

    from ._credentials import _Credential
    from ._environment import Account
    from ._fastblob import _Checksum, _EngineCredential, _WorkloadType


class Client(BaseClient):
    """Moves the blobs of one storage account.

    Safe to share between threads, and meant to be: its connections are kept between calls. After
    ``os.fork()`` the child starts with connections of its own. Pickles by the arguments it was made with, as
    far as these do (no credential, a key and a SAS do; the credentials of azure.identity do not).

    Args:
        account_url: The account's blob endpoint, such as ``"https://acct.blob.core.windows.net"`` or, for
            Azurite, ``"http://127.0.0.1:10000/devstoreaccount1"``; it may end in a SAS. None: from the
            environment, the first that is set of METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT,
            AZURE_STORAGE_BLOB_ENDPOINT, AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCOUNT_NAME and
            AZURE_STORAGE_ACCOUNT; AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN beside one of them (save the
            first, which Metaflow uses with Entra ID only) is the credential then.
        credential: Any ``azure.core.credentials.TokenCredential``, such as those of azure.identity; an
            AzureNamedKeyCredential or AzureSasCredential; an account key or a SAS as str. None: the SAS in
            ``account_url``, else DefaultAzureCredential, which is made when the first token is needed.
        anonymous: Send no credential: for containers with public access.
        workload_type: What the limits are chosen for: ``"default"``, ``"general"``, ``"highCpu"``,
            ``"highMemory"`` or ``"high_throughput"``; the CPUs and the memory that this process (or its
            container) may use count as well.
        max_connections: Most connections at a time; None: by the workload type.
        memory_limit: Most bytes in buffers of this client at a time; None: by the workload type.
        max_retries: How often one request is repeated after failures that may pass.
        timeout: Seconds without a single byte moving after which a connection counts as broken. A transfer
            as a whole may take as long as it needs.
        checksum: What downloads are checked against: ``"md5"``: the blob's MD5, where the uploader stored
            one; ``"crc64"``: a CRC64 that the service computes for every range, at the price of ranges of
            4 MiB; None: only lengths. Uploads always carry a CRC64.

    Raises:
        ValueError: No account is named anywhere, the endpoint is not a URL, or an option is out of range.
        TypeError: ``credential`` is of no known kind.

    Nothing is sent before the first call of a method.
    """

    # `__new__` and not `__init__`: the compiled base class is complete once it has been made.
    def __new__(
        cls,
        account_url: str | None = None,
        credential: _Credential | None = None,
        *,
        anonymous: bool = False,
        workload_type: _WorkloadType | None = None,
        max_connections: int | None = None,
        memory_limit: int | None = None,
        max_retries: int = 8,
        timeout: float = 60.0,
        checksum: _Checksum = "md5",
    ) -> Self:
        account = (
            _environment.from_environment() if account_url is None else _environment.Account(account_url)
        )
        if account is None:
            raise ValueError(
                "no storage account given: pass account_url='https://<account>.blob.core.windows.net', "
                f"or set one of {', '.join(_environment.VARIABLES)}"
            )
        url, _, sas = account.url.partition("?")
        client = super().__new__(
            cls,
            url,
            _choose_credential(account, sas, credential, anonymous=anonymous),
            workload_type=workload_type or "default",
            max_connections=max_connections,
            memory_limit=memory_limit,
            max_retries=max_retries,
            timeout=timeout,
            checksum=checksum,
        )
        client._arguments = {
            "account_url": account_url,
            "credential": credential,
            "anonymous": anonymous,
            "workload_type": workload_type,
            "max_connections": max_connections,
            "memory_limit": memory_limit,
            "max_retries": max_retries,
            "timeout": timeout,
            "checksum": checksum,
        }
        return client

    _arguments: dict[str, Any]

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), self._arguments

    @classmethod
    def from_connection_string(
        cls, connection_string: str, credential: _Credential | None = None, **options: Any
    ) -> Self:
        """Makes a client from a storage connection string, as the Azure portal shows it.

        The form: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string

        Args:
            connection_string: The string; ``"UseDevelopmentStorage=true"`` means Azurite on this machine.
            credential: As for the class; None: the key or the SAS in the string, else as for the class.
            **options: The keyword arguments of the class.

        Raises:
            ValueError: The string is malformed, or names neither a blob endpoint nor an account.
        """
        account = _environment.from_connection_string(connection_string)
        if credential is None:
            credential = _configured_credential(account)
        return cls(account.url, credential, **options)


def _choose_credential(
    account: Account, sas: str, credential: _Credential | None, *, anonymous: bool
) -> _EngineCredential:
    if anonymous:
        if credential is not None:
            raise ValueError("anonymous=True and credential exclude each other: give one of them")
        return None
    if credential is None and sas:
        return sas
    return _credentials.for_engine(_configured_credential(account) if credential is None else credential)


def _configured_credential(account: Account) -> _Credential | None:
    if account.key and account.name:
        from azure.core.credentials import AzureNamedKeyCredential

        return AzureNamedKeyCredential(account.name, account.key)
    return account.key or account.sas
