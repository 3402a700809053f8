"""Hands the settings that Metaflow itself keeps back on to remote tasks.

Metaflow's lists of variables for Kubernetes and for Argo are fixed, and there is no extension point for them:
this is the one place where functions of Metaflow are wrapped.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from metaflow.metaflow_config import (
    AZURE_STORAGE_WORKLOAD_TYPE,
    DEFAULT_AZURE_CLIENT_PROVIDER,
    FASTBLOB,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def variables() -> dict[str, str]:
    """The variables of a remote task that Metaflow does not set."""
    return {
        "METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": AZURE_STORAGE_WORKLOAD_TYPE,
        "METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER": DEFAULT_AZURE_CLIENT_PROVIDER,
        "METAFLOW_FASTBLOB": "1" if FASTBLOB else "0",
    }


@functools.cache
def install() -> None:
    """Wraps what makes jobs for Kubernetes, and what Argo and Airflow ask for variables; once a process."""
    from metaflow.metadata_provider.metadata import MetadataProvider
    from metaflow.plugins.kubernetes.kubernetes import Kubernetes

    for name in ("create_job_object", "create_jobset"):
        setattr(Kubernetes, name, _with_variables(getattr(Kubernetes, name)))
    MetadataProvider.get_runtime_environment = _and_variables(MetadataProvider.get_runtime_environment)


def _with_variables(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Those of @environment come last and win.
        kwargs["env"] = {**variables(), **(kwargs.get("env") or {})}
        return create(self, *args, **kwargs)

    return wrapper


def _and_variables(get_runtime_environment: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(get_runtime_environment)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**variables(), **get_runtime_environment(self, *args, **kwargs)}

    return wrapper
