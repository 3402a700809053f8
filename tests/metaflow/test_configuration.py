"""Registration, settings, and what is said where they are wrong; each in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock
from urllib.parse import unquote, urlsplit

import fastblob
import pytest
from support import python_without_fastblob

if TYPE_CHECKING:
    from types import ModuleType

    from fastblob.local import LocalAzure

Place = Any

HERE = Path(__file__).parent
OURS = "metaflow_extensions.fastblob.plugins.datastore"
OUR_PROVIDER = "metaflow_extensions.fastblob.plugins.credential"
STOCK = "metaflow.plugins.datastores.azure_storage"
FLOW = HERE / "small_flow.py"

pytestmark = pytest.mark.timeout(200)


@pytest.fixture
def here(place: tuple[Place, LocalAzure]) -> Place:
    return place[0]


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The file that was installed here."""
    direct_url = metadata.distribution("fastblob").read_text("direct_url.json")
    assert direct_url is not None
    return Path(unquote(urlsplit(json.loads(direct_url)["url"]).path))


def test_the_wheel_says_that_it_extends_metaflow(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (top_level,) = [name for name in names if name.endswith(".dist-info/top_level.txt")]
        assert "metaflow_extensions" in archive.read(top_level).decode().split()
    assert "metaflow_extensions/fastblob/plugins/mfextinit_fastblob.py" in names
    # Metaflow wants namespace packages.
    assert not any(name.endswith("__init__.py") for name in names if name.startswith("metaflow_extensions/"))


def wheel_of_another_extension(directory: Path) -> Path:
    """A wheel that has nothing but an extension of Metaflow."""
    wheel = directory / "other-1.0-py3-none-any.whl"
    files = {
        "metaflow_extensions/other/config/mfextinit_other.py": "",
        "other-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n",
        "other-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "other-1.0.dist-info/top_level.txt": "metaflow_extensions\n",
    }
    files["other-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def test_beside_another_extension_both_load(here: Place, wheel: Path, tmp_path: Path) -> None:
    python = str(python_without_fastblob(tmp_path / "environment"))
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    wheels = [str(wheel), str(wheel_of_another_extension(tmp_path))]
    subprocess.run([*install, *wheels], check=True, timeout=60)
    answer = subprocess.run(
        [python, str(HERE / "live.py")],
        env=here.env,
        cwd=here.directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    live = json.loads(answer.stdout)
    assert {"fastblob", "other"} <= set(live["extensions"])
    assert live["registered"] == live["in_force"] == OURS
    assert live["provider"] == OUR_PROVIDER


def test_settings_from_the_environment_and_from_a_profile(here: Place) -> None:
    plain = here.live()
    assert (plain["in_force"], plain["provider"]) == (OURS, OUR_PROVIDER)
    assert (plain["workload_type"], plain["workload_variable"]) == ("default", None)
    assert plain["endpoint"] == here.env["METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT"]
    version = fastblob.__version__
    major, minor, _ = version.split(".")
    assert plain["pins"]["fastblob"] == f">={version},<{major}.{int(minor) + 1}"
    assert "fastblob" not in plain["pins_of_3_9"]

    profile = {
        "METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": "highMemory",
        "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": "https://profile.blob.core.windows.net",
    }
    Path(here.env["METAFLOW_HOME"], "config_team.json").write_text(json.dumps(profile))
    del here.env["METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT"]
    from_profile = here.live(METAFLOW_PROFILE="team", AZURE_STORAGE_ACCOUNT="not-asked")
    assert (from_profile["workload_type"], from_profile["workload_variable"]) == ("highMemory", None)
    assert from_profile["endpoint"] == "https://profile.blob.core.windows.net"
    both = here.live(METAFLOW_PROFILE="team", METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE="highCpu")
    assert (both["workload_type"], both["workload_variable"]) == ("highCpu", "highCpu")


@pytest.mark.parametrize(
    ("variable", "value", "endpoint"),
    [
        ("AZURE_STORAGE_ACCOUNT", "acct", "https://acct.blob.core.windows.net"),
        (
            "AZURE_STORAGE_CONNECTION_STRING",
            "AccountName=acct;AccountKey=AA==;EndpointSuffix=core.chinacloudapi.cn",
            "https://acct.blob.core.chinacloudapi.cn",
        ),
    ],
)
def test_the_endpoint_from_the_usual_variables(here: Place, variable: str, value: str, endpoint: str) -> None:
    del here.env["METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT"]
    assert here.live(**{variable: value})["endpoint"] == endpoint


@pytest.mark.parametrize("off", ["0", "False", "no"])
def test_turned_off(here: Place, off: str) -> None:
    live = here.live(METAFLOW_FASTBLOB=off, METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE="highCpu")
    assert (live["in_force"], live["workload_type"]) == (STOCK, "highCpu")
    assert "fastblob" not in live["pins"]


def documented_status() -> list[str]:
    """What docs/metaflow.md shows of the command's answer, but for what depends on the environment."""
    page = (HERE.parents[1] / "docs/metaflow.md").read_text()
    _, shown = page.split("$ python -m fastblob.metaflow status\n")
    lines = shown.split("...\n")[0].splitlines()
    return [line for line in lines if not line.startswith(("datastore", "metaflow"))]


@pytest.mark.parametrize(
    ("env", "returncode", "said"),
    [
        ({}, 0, "The datastore azure is fastblob."),
        ({"METAFLOW_FASTBLOB": "0"}, 1, "Metaflow's own Azure datastore is in force: METAFLOW_FASTBLOB=0."),
        ({"METAFLOW_DATASTORE_SYSROOT_AZURE": "flows/mf/"}, 1, 'must not end with a slash; write "flows/mf"'),
        ({"METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": "huge"}, 1, "choose 'default'"),
        ({"METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER": "none"}, 1, "no such provider is installed"),
        ({"METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": ""}, 1, "No storage account is configured"),
        (
            {"METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": "https://a.blob.core.windows.net?sig=hidden"},
            1,
            "is not the URL of an account",
        ),
        (
            {"METAFLOW_DATASTORE_SYSROOT_AZURE": "https://a/flows?sig=hidden"},
            1,
            "must be <container>/<prefix>",
        ),
    ],
)
def test_status(here: Place, env: dict[str, str], returncode: int, said: str) -> None:
    changed = env.keys()
    env = {**here.env, "METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": "highCpu", **env}
    done = subprocess.run(
        [sys.executable, "-m", "fastblob.metaflow", "status"],
        env=env,
        cwd=here.directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == returncode, done.stderr
    assert said in done.stdout
    assert env["METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE"] in done.stdout
    assert "hidden" not in done.stdout
    if "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT" not in changed:
        assert env["METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT"] in done.stdout
    if "METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER" not in changed:
        assert all(line in done.stdout for line in documented_status())


def test_a_metaflow_that_is_built_differently_is_told_of(
    datastore_module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    wrap_method = datastore_module.forwarding.wrap_method
    wrap_method("metaflow.runtime", "CLIArgs", "no_longer_there", Mock(), otherwise="do this")
    said = capsys.readouterr().err
    assert "no_longer_there" in said
    assert "do this" in said


def test_a_method_is_wrapped_once(datastore_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from metaflow.runtime import CLIArgs

    monkeypatch.setattr(CLIArgs, "get_args", CLIArgs.get_args)
    wrap = Mock(side_effect=lambda method: Mock(wraps=method))
    for _ in range(2):
        datastore_module.forwarding.wrap_method(
            "metaflow.runtime", "CLIArgs", "get_args", wrap, otherwise="nothing"
        )
    wrap.assert_called_once()


def test_metaflow_configure_still_works(here: Place) -> None:
    answers = ["y", "y", "https://acct.blob.core.windows.net", "container/prefix", "n", ""]
    done = subprocess.run(
        [sys.executable, "-m", "metaflow.cmd.main_cli", "configure", "azure", "--profile", "new"],
        env=here.env,
        cwd=here.directory,
        input="\n".join(answers),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    configured = json.loads(Path(here.env["METAFLOW_HOME"], "config_new.json").read_text())
    assert configured["METAFLOW_DATASTORE_SYSROOT_AZURE"] == "container/prefix", done.stdout
    assert configured["METAFLOW_DEFAULT_DATASTORE"] == "azure"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (
            {"METAFLOW_DATASTORE_SYSROOT_AZURE": "https://flows/mf"},
            'must not have a scheme or host in front; write "flows/mf"',
        ),
        ({"METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": "huge"}, "choose 'default', 'highCpu', 'highMemory'"),
        ({"METAFLOW_DATASTORE_SYSROOT_AZURE": "missing/mf"}, "The container 'missing' does not exist"),
        (
            {"METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": "https://127.0.0.1:9/devstoreaccount1"},
            "check METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT, the firewall",
        ),
        ({"METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER": "none"}, "installed; choose 'azure-default'"),
        ({"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}, "Sign in again with `az login`"),
    ],
)
def test_a_run_with_wrong_settings_stops_with_one_message(
    here: Place, env: dict[str, str], said: str
) -> None:
    assert here.live()["in_force"] == OURS
    done = here.run(FLOW, "run", **env)
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stdout
    assert "step ran" not in done.stdout
