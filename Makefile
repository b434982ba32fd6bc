# Two commands do all the set-up: `make dev` runs the product, `make test` passes all tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SET_UP := $(VENV)/.set-up

.PHONY: setup dev test bench bench-short bench-tenants bench-console lint check lock clean

setup: $(SET_UP)

# Hashes are checked; nothing is resolved. Editable, so that a source change needs no set-up.
$(SET_UP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

dev: setup
	$(BIN)/auth-service dev

# It starts hundreds of processes: where the environment forbids bytecode, each would compile anew.
test: setup
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto

# A quarter of an hour. BENCH_JSON=path and BENCH_SVG=directory keep what it found.
bench: setup
	$(BIN)/python -m tests.benchmarks.bench

bench-short: setup
	BENCH_SHORT=1 $(BIN)/python -m tests.benchmarks.bench

lint: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# Some twenty minutes: 1, 1,000 and 10,000 tenants. BENCH_TENANTS_JSON=path keeps what it finds.
bench-tenants: setup
	$(BIN)/python -m tests.benchmarks.many_tenants

# Some minutes: what the server takes for each page of the console, with 10,000 tenants.
bench-console: setup
	$(BIN)/python -m tests.benchmarks.console_pages

# For maintainers: resolves pyproject.toml anew. uv lives in a virtual environment of its own.
lock:
	test -x .lock-venv/bin/uv || ($(PYTHON) -m venv .lock-venv && .lock-venv/bin/pip install --quiet uv)
	.lock-venv/bin/uv pip compile pyproject.toml --group dev --upgrade --python-version 3.11 --universal \
	  --generate-hashes --no-header --no-emit-index-url --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) .lock-venv .bench-cache build dist
