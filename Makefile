# SPDX-License-Identifier: MPL-2.0
# Everything a fresh Debian with python3 (with venv), gcc and make needs: `make demo`, `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NATIVE := $(wildcard src/cruck/framework/machine/*.[ch] src/cruck/framework/machine/*/*.[chSs] src/cruck/framework/machine/*/*.lds)

.PHONY: demo test test-compiled check build clean sanitize fuzz fuzz-quick bench bench-quick suites suites-quick

build: $(STAMP)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): $(VENV)/bin/python pyproject.toml setup.py $(NATIVE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python tools/demo.py

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/check_compilable.py
	$(BIN)/python tools/gen_dispatch.py --check
	$(BIN)/python tools/gen_report.py --check
	$(BIN)/cruck check src/cruck/kernel src/cruck/abi

# First everything that measures or counts processes, alone; then the application programs, two at a time. The campaigns of fuzz-quick are
# tests too (`pytest` runs all): here each runs once.
FUZZED := tests/hostile tests/fuzz/test_syscall_fuzzer.py tests/machine/test_stateful.py tests/machine/test_sanitized.py
test: check fuzz-quick
	$(BIN)/pytest --ignore=tests/apps $(addprefix --ignore=,$(FUZZED))
	$(BIN)/pytest -n 2 --dist loadfile tests/apps

# The same unit tests on the Python side compiled with mypyc (docs/decisions/0005-compiled-python.md); takes two minutes to build.
test-compiled: $(VENV)/bin/python
	$(PYTHON) -m venv .venv-compiled
	CRUCK_COMPILE=1 .venv-compiled/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall '.[dev]'
	.venv-compiled/bin/pytest -p no:cacheprovider --pyargs cruck tests/architecture

# The extension under AddressSanitizer and UndefinedBehaviorSanitizer: a private build, and all of tests/machine with it.
sanitize: $(STAMP)
	$(BIN)/python tools/sanitize.py

# Every campaign of tools/fuzz.py: at CI length, or for hours. One alone: `tools/fuzz.py long NAME`.
fuzz-quick: $(STAMP) $(VENV)/.fuzz
	$(BIN)/python tools/fuzz.py quick

fuzz: $(STAMP) $(VENV)/.fuzz
	$(BIN)/python tools/fuzz.py long

$(VENV)/.fuzz: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris || echo "make: no atheris here; its campaign will say so" >&2
	@touch $@

# Beside native and every peer that is installed (benchmarks/README.md): 10 minutes; the results go to docs/performance.
bench: $(STAMP)
	$(BIN)/python -m benchmarks --publish

# Beside native only: 90 seconds; the results go to build/bench.
bench-quick: $(STAMP)
	$(BIN)/python -m benchmarks --quick

# Other people's test suites on Linux and on cruck, compared (tools/suites): everything, written to docs/compatibility, and servers under
# their long load; a fixed sample.
suites: $(STAMP)
	$(BIN)/python tools/run_suites.py
	CRUCK_LONG=1 $(BIN)/pytest tests/apps/servers

suites-quick: $(STAMP)
	$(BIN)/python tools/run_suites.py --quick

clean:
	rm -rf $(VENV) .venv-compiled build src/cruck.egg-info src/cruck/framework/*.so src/cruck/framework/machine/stub/stub src/cruck/framework/machine/vdso/vdso.so
