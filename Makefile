# `make run` and `make test` do all the set-up by themselves on a bare Debian or Ubuntu box.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# One BLAS thread a test process: two pytest workers share two cores.
TEST_ENV := OMP_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen
WORKERS  ?= 2

.PHONY: help setup run test lint unit opengl bench format lock clean

help:
	@echo "make run     open the window on the bundled sample (without a display: write pictures)"
	@echo "make test    checks, the whole test suite, and the OpenGL tests on a virtual display"
	@echo "make bench   print the benchmark ratios"
	@echo "make format  format the code       make lint  ruff, mypy, import-linter"
	@echo "make lock    renew the pinned versions in .ci/constraints.txt"

setup: $(STAMP)

$(STAMP): .ci/constraints.txt pyproject.toml
	@.ci/system-libraries
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --require-hashes -r .ci/constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP)
	@.ci/system-libraries
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then $(BIN)/annotator gui --sample; \
	else echo "No display: writing pictures of the sample instead."; $(BIN)/annotator demo -o out/demo; fi

test: $(STAMP) lint unit opengl

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(STAMP)
	@.ci/system-libraries --tests
	$(TEST_ENV) $(BIN)/pytest -m "not xvfb" -n $(WORKERS) --dist loadgroup

# Offscreen Qt has no OpenGL at all, so these need an X server.
opengl: $(STAMP)
	@.ci/system-libraries --tests
	OMP_NUM_THREADS=1 QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1280x800x24" $(BIN)/pytest -m xvfb

bench: $(STAMP)
	QT_QPA_PLATFORM=offscreen $(BIN)/pytest tests/benchmarks -s -p no:xdist --benchmark-disable-gc

format: $(STAMP)
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --extra test --extra lint --extra build --universal \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
	  --upgrade -o .ci/constraints.txt

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
