"""Hands settings and knowledge on to the tasks of a run.

Metaflow's lists of variables for remote tasks are fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metaflow.metaflow_config import (
    AZURE_STORAGE_WORKLOAD_TYPE,
    DEFAULT_AZURE_CLIENT_PROVIDER,
    FASTBLOB,
)

from . import credential
from .blob_cache import of_this_process
from .wrapping import wrap_method

if TYPE_CHECKING:
    from collections.abc import Callable


def variables() -> dict[str, str]:
    """The variables of a remote task that Metaflow does not set."""
    return {
        "METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": AZURE_STORAGE_WORKLOAD_TYPE,
        "METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER": DEFAULT_AZURE_CLIENT_PROVIDER,
        "METAFLOW_FASTBLOB": "1" if FASTBLOB else "0",
    }


def install() -> None:
    """Wraps what starts tasks here, and what says how they start elsewhere."""
    otherwise = "tasks ask for more than they need to"
    wrap_method("metaflow.runtime", "CLIArgs", "get_env", _with_knowledge, otherwise=otherwise)
    module = "metaflow.plugins.cards.card_creator"
    wrap_method(module, "CardCreator", "_run_command", _with_token, otherwise=otherwise)
    otherwise = f"remote tasks may need an @environment with {', '.join(variables())}"
    module = "metaflow.plugins.kubernetes.kubernetes"
    for method in ("create_job_object", "create_jobset"):
        wrap_method(module, "Kubernetes", method, _with_variables, otherwise=otherwise)
    # What Argo and Airflow ask for variables.
    module = "metaflow.metadata_provider.metadata"
    wrap_method(module, "MetadataProvider", "get_runtime_environment", _and_variables, otherwise=otherwise)


def _with_knowledge(get_env: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    def wrapper(self: Any) -> dict[str, str]:
        return {**of_this_process().hand_on(), **credential.of_this_process().hand_on(), **get_env(self)}

    return wrapper


def _with_token(run_command: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, cmd: Any, card_uuid: Any, env: Any, *args: Any, **kwargs: Any) -> Any:
        env = {**env, **credential.of_this_process().hand_on()}
        return run_command(self, cmd, card_uuid, env, *args, **kwargs)

    return wrapper


def _with_variables(create: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Those of @environment come last and win.
        kwargs["env"] = {**variables(), **(kwargs.get("env") or {})}
        return create(self, *args, **kwargs)

    return wrapper


def _and_variables(get_runtime_environment: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**variables(), **get_runtime_environment(self, *args, **kwargs)}

    return wrapper
