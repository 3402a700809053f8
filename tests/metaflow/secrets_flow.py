"""Says which variables hold which secrets, with ``@secrets`` in both spellings."""

import json
import os

from metaflow import FlowSpec, kubernetes, secrets, step
from metaflow.plugins import SECRETS_PROVIDERS

VAULT = "https://my-vault.vault.azure.net"
VERSION = os.environ["SECRETS_FLOW_VERSION"]


def remote(step_function):
    """@kubernetes where the flow is deployed; a local run would start a job for it."""
    if "SECRETS_FLOW_REMOTE" in os.environ:
        return kubernetes(image="myregistry.azurecr.io/flow:1")(step_function)
    return step_function


def found(name):
    """Says what the secrets are called that variables hold; their values are "canary:<name>:<canary>"."""
    held = {
        variable: value.split(":")[1]
        for variable, value in sorted(os.environ.items())
        if value.startswith("canary:")
    }
    provider = next(provider for provider in SECRETS_PROVIDERS if provider.TYPE == "az-key-vault")
    print("FOUND", json.dumps({"step": name, "held": held, "provider": provider.__module__}))
    return held


class SecretsFlow(FlowSpec):
    """One step for each spelling."""

    @secrets(
        sources=["az-key-vault"],
        secrets=[
            "api-key",
            ("api-key/" + VERSION, {"env_var_name": "OLD_KEY"}),
            VAULT + "/secrets/database-password",
            (VAULT + "/secrets/api-key/" + VERSION, {"env_var_name": "old_key_by_url"}),
            ("database-password", {"env_var_name": "DB_PASS"}),
        ],
    )
    @remote
    @step
    def start(self):
        """Every form of secrets=."""
        self.held = found("start")
        self.next(self.own)

    @secrets(
        sources=[
            "az-key-vault.api-key",
            "az-key-vault." + VAULT + "/secrets/database-password",
            {"type": "az-key-vault", "id": "api-key/" + VERSION, "options": {"env_var_name": "old-key"}},
            {"type": "inline", "id": "inline", "options": {"env_vars": {"INLINE": "canary:inline"}}},
        ],
        role="unused",
        allow_override=True,
    )
    @step
    def own(self):
        """Metaflow's own spelling, with another backend in the same list."""
        self.held = found("own")
        self.next(self.end)

    @step
    def end(self):
        """No secrets but those of --with."""
        self.held = found("end")


if __name__ == "__main__":
    SecretsFlow()
