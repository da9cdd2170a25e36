# SPDX-License-Identifier: MPL-2.0
# Everything a fresh Debian with python3 (with venv), gcc and make needs: `make demo`, `make test`.

PYTHON ?= python3
# compiled: as users get it, the Python side compiled with mypyc (docs/decisions/0005-compiled-python.md), which takes two minutes on two cores.
# editable: interpreted, straight from src/; for work on cruck. A file local.mk with `BUILD := editable` makes it this checkout's way.
BUILD ?= compiled
-include local.mk

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(BUILD)
NATIVE := $(wildcard src/cruck/framework/machine/*.[ch] src/cruck/framework/machine/*/*.[chSs] src/cruck/framework/machine/*/*.lds)
PACKAGE := $(shell find src/cruck -name '*.py' -o -name '*.pyi')
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-compiled test-editable check build clean sanitize fuzz fuzz-quick bench bench-quick suites suites-quick wheels

build: $(STAMP)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-editable: $(VENV)/bin/python pyproject.toml setup.py $(NATIVE)
	@rm -f $(VENV)/.installed-*
	CRUCK_COMPILE=0 $(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.installed-compiled: $(VENV)/bin/python pyproject.toml setup.py tools/compile_python.py $(NATIVE) $(PACKAGE)
	@rm -f $(VENV)/.installed-*
	$(PIP) --upgrade --force-reinstall '.[dev]'
	@touch $@

# The native half beside its sources, for PYTHONPATH=src: the interpreted kernel, in whatever environment.
src/cruck/framework/machine/stub/stub: $(STAMP) $(NATIVE)
	CRUCK_COMPILE=0 $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

demo: $(STAMP)
	@$(BIN)/python tools/demo.py

check: $(STAMP) src/cruck/framework/machine/stub/stub
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/check_compilable.py
	PYTHONPATH=src $(BIN)/python tools/gen_dispatch.py --check
	PYTHONPATH=src $(BIN)/python tools/gen_report.py --check
	$(BIN)/cruck check src/cruck/kernel src/cruck/abi

# The unit tests of what is installed and, where that is compiled, of the interpreted sources too. Then two runs: first everything that
# measures or counts processes, alone; then the application programs, two at a time. The campaigns of fuzz-quick are tests too (`pytest`
# runs all): here each runs once.
FUZZED := tests/hostile tests/fuzz/test_syscall_fuzzer.py tests/machine/test_stateful.py tests/machine/test_stateful_io.py \
	tests/machine/test_sanitized.py
test: check test-$(BUILD) fuzz-quick
	$(BIN)/pytest tests --ignore=tests/apps $(addprefix --ignore=,$(FUZZED))
	$(BIN)/pytest -n 2 --dist loadfile tests/apps

test-editable: $(STAMP)
	$(BIN)/pytest src

test-compiled: $(STAMP) src/cruck/framework/machine/stub/stub
	PYTHONPATH=src $(BIN)/pytest src tests/architecture
	$(BIN)/pytest -p no:cacheprovider --pyargs cruck

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

# One for each CPython of this machine, built and tested: build/wheels.
wheels: $(VENV)/bin/python
	$(BIN)/python tools/wheels.py

clean:
	rm -rf $(VENV) build src/cruck.egg-info src/cruck/framework/*.so src/cruck/framework/machine/stub/stub src/cruck/framework/machine/vdso/vdso.so
