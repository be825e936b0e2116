# Two commands for a newcomer: `make demo` and `make test`. Everything lives in .venv; nothing else on the machine is touched.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# The constraints pin torch to a version that has a CPU wheel, so that a machine without an NVIDIA card pulls no CUDA packages.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-slow check fuzz soak docs build clean

demo: $(VENV)/installed
	$(BIN)/homespun demo

test: $(VENV)/installed-dev check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

SECONDS_EACH ?= 600
fuzz: $(VENV)/installed-dev
	$(BIN)/python tests/fuzz/fuzz_sources.py --all --seconds $(SECONDS_EACH) --jobs 2

SECONDS ?= 3600
soak: $(VENV)/installed-dev
	$(BIN)/python benchmarks/soak.py --seconds $(SECONDS)

docs: $(VENV)/installed-dev
	$(BIN)/python -m homespun.cli.reference > docs/cli.md

build: $(VENV)/installed-dev
	$(BIN)/python -m build --outdir dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt hatch_build.py src/homespun/training/fused/kernels.c
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist
