# Every target makes its own environment first, on a machine that has only Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow lint types bench catalog check-catalog docs check services lock format clean

$(READY): constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement constraints.txt
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

test: $(READY) services  ## every test but the benchmarks and the slow counts
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(READY) services  ## the counts that take minutes; each runs with a smaller one in `test`
	$(BIN)/python -m pytest -n auto --dist loadfile -m slow tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

docs: $(READY)  ## run every example of the documentation
	$(BIN)/python -m pytest README.md docs langchain_lucky_models

catalog: $(READY)  ## rebuild the packaged catalog from the pinned snapshots
	$(BIN)/python -m catalog_build build

check-catalog: $(READY)  ## the packaged catalog equals a fresh build
	$(BIN)/python -m catalog_build check

services:  ## the real servers that tests start; installed where we may, named where we may not
	@if ! { command -v redis-server && ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server postgresql >/dev/null; \
		else echo "tests also need: apt-get install redis-server postgresql"; fi; fi

bench: $(READY)  ## measure, and write docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks

demo: $(READY)  ## a real answer from the embedded model, no key needed
	$(BIN)/lucky-models demo

check: lint types test check-catalog

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY)  ## refresh the pinned versions (needs uv)
	uv pip compile --universal --python-version 3.11 --all-extras --group dev pyproject.toml \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file constraints.txt

clean:
	rm -rf $(VENV) .venv-rivals build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
