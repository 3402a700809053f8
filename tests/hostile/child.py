"""Runs a test in an interpreter of its own: a deadlock or a crash there is one failed test."""

from __future__ import annotations

import base64
import functools
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# More than any sound run needs on a busy machine: only a hang takes as long.
CHILD_SECONDS = 15

# How long a hung child may take to write the stacks of its threads.
ABORT_SECONDS = 5

# The exit code of a child whose test was skipped.
SKIPPED = 77

# What of a developer's own environment would decide which account, credential or proxy the tests use.
FOREIGN_PREFIXES = ("AZURE_", "METAFLOW_", "IDENTITY_", "MSI_")
FOREIGN_NAMES = frozenset(
    [
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    ]
)


def environment(**additions: str) -> dict[str, str]:
    """This process's environment without anything that points to an account, a proxy or roots of trust."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and name.upper() not in FOREIGN_NAMES
    }
    return {**kept, **additions}


def in_child(
    seconds: float = CHILD_SECONDS, command: tuple[str, ...] = (), *, exit_normally: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Marks a test whose body is to run in a child process, with its arguments pickled.

    Args:
        seconds: When the child counts as hung; it is killed then, and the test fails with its stacks.
        command: What to run the interpreter under, such as ``("nice", "-n", "5")``.
        exit_normally: Let the interpreter end by itself, for tests of that end; otherwise the process ends
            with the test, whatever its threads still do.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def test(**arguments: Any) -> None:
            _run(function, arguments, seconds, (command, exit_normally))

        return test

    return decorate


def _run(
    function: Callable[..., None],
    arguments: dict[str, Any],
    seconds: float,
    how: tuple[tuple[str, ...], bool],
) -> None:
    command, exit_normally = how
    file = function.__code__.co_filename
    pickled = base64.b64encode(pickle.dumps((arguments, exit_normally))).decode()
    python = [sys.executable, "-W", "error", "-X", "faulthandler", __file__, file, function.__name__, pickled]
    paths = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [*command, *python],
        env=environment(PYTHONPATH=paths.rstrip(os.pathsep)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    with process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            # The fault handler writes the stacks even where the interpreter itself is stuck.
            process.send_signal(signal.SIGABRT)
            said = _last_words(process)
            pytest.fail(f"hung: still running after {seconds:g} s\n{said}", pytrace=False)
        finally:
            # With all that it started.
            _kill_group(process.pid)
    if process.returncode == SKIPPED:
        pytest.skip(said.strip())
    if process.returncode != 0:
        end = f"exit code {process.returncode}"
        if process.returncode < 0:
            end = f"killed by {signal.Signals(-process.returncode).name}"
        pytest.fail(f"{end}\n{said}", pytrace=False)


def _last_words(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=ABORT_SECONDS)[0]
    except subprocess.TimeoutExpired:
        return "(it did not even write the stacks of its threads)"


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def main() -> None:
    """Runs one test function of one file; a failure is printed with the local variables of its frames."""
    file, name, pickled = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("test_in_child", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["test_in_child"] = module
    spec.loader.exec_module(module)
    arguments, exit_normally = pickle.loads(base64.b64decode(pickled))
    try:
        getattr(module, name).__wrapped__(**arguments)
    except pytest.skip.Exception as skipped:
        print(skipped, flush=True)
        os._exit(SKIPPED)
    except BaseException as error:  # noqa: BLE001 - the interpreter ends here, whatever it is
        frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
        said = traceback.TracebackException.from_exception(error.with_traceback(frames), capture_locals=True)
        print("".join(said.format()), flush=True)
        # Threads that still run, which is often why it failed, must not keep the process from ending.
        os._exit(1)
    if not exit_normally:
        os._exit(0)


if __name__ == "__main__":
    main()
