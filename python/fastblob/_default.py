"""The functions of the module itself: the methods of a client made from the environment."""

from __future__ import annotations

import functools
import os
from types import MethodType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ._client import Client
from ._environment import KEY_VARIABLE, SAS_VARIABLE, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

# What a client reads when it is made: the account, the roots it trusts, the proxies it goes through.
_READ = (
    *VARIABLES,
    KEY_VARIABLE,
    SAS_VARIABLE,
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
)

_latest: tuple[tuple[str | None, ...], Client] | None = None


def _default_client() -> Client:
    """The client of the environment as it is now, kept until one of its variables changes."""
    global _latest  # noqa: PLW0603
    environment = tuple(os.environ.get(variable) for variable in _READ)
    # Two threads at once may make two clients; one of them is kept, and either is good.
    if _latest is None or _latest[0] != environment:
        _latest = environment, Client()
    return _latest[1]


def _on_default_client(
    method: Callable[Concatenate[Client, _Parameters], _Result],
) -> Callable[_Parameters, _Result]:
    # It is shown, and pickled, as what it is: a function of the module.
    @functools.wraps(method, assigned=("__doc__", "__annotations__", "__type_params__"))
    def call(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        return method(_default_client(), *args, **kwargs)

    # What help() and inspect.signature() show: the method's signature without `self`.
    call.__wrapped__ = MethodType(method, Client)
    call.__module__ = "fastblob"
    call.__name__ = call.__qualname__ = method.__name__
    return call


download = _on_default_client(Client.download)
download_many = _on_default_client(Client.download_many)
download_prefix = _on_default_client(Client.download_prefix)
upload = _on_default_client(Client.upload)
upload_many = _on_default_client(Client.upload_many)
upload_dir = _on_default_client(Client.upload_dir)
read = _on_default_client(Client.read)
read_into = _on_default_client(Client.read_into)
read_many = _on_default_client(Client.read_many)
write = _on_default_client(Client.write)
write_many = _on_default_client(Client.write_many)
find = _on_default_client(Client.find)
list = _on_default_client(Client.list)
list_many = _on_default_client(Client.list_many)
properties = _on_default_client(Client.properties)
properties_many = _on_default_client(Client.properties_many)
exists = _on_default_client(Client.exists)
delete = _on_default_client(Client.delete)
delete_many = _on_default_client(Client.delete_many)
copy = _on_default_client(Client.copy)
create_snapshot = _on_default_client(Client.create_snapshot)
create_snapshot_many = _on_default_client(Client.create_snapshot_many)
promote = _on_default_client(Client.promote)
undelete = _on_default_client(Client.undelete)
undelete_many = _on_default_client(Client.undelete_many)
set_http_headers = _on_default_client(Client.set_http_headers)
set_metadata = _on_default_client(Client.set_metadata)
set_metadata_many = _on_default_client(Client.set_metadata_many)
set_tags = _on_default_client(Client.set_tags)
set_tags_many = _on_default_client(Client.set_tags_many)
get_tags = _on_default_client(Client.get_tags)
set_tier = _on_default_client(Client.set_tier)
set_tier_many = _on_default_client(Client.set_tier_many)
lease = _on_default_client(Client.lease)
acquire_lease = _on_default_client(Client.acquire_lease)
renew_lease = _on_default_client(Client.renew_lease)
change_lease = _on_default_client(Client.change_lease)
release_lease = _on_default_client(Client.release_lease)
break_lease = _on_default_client(Client.break_lease)
create_container = _on_default_client(Client.create_container)
delete_container = _on_default_client(Client.delete_container)
container_exists = _on_default_client(Client.container_exists)
container_properties = _on_default_client(Client.container_properties)
set_container_metadata = _on_default_client(Client.set_container_metadata)
list_containers = _on_default_client(Client.list_containers)
account_information = _on_default_client(Client.account_information)
