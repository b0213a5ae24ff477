# Every target sets up .venv by itself: nothing needs to be installed or activated first.
#
#   make bench     compare methods on the built-in phantom
#   make test      lint, then all tests
#   make lint      ruff, mypy, import-linter
#   make docs      regenerate what is generated in docs/, then build the site into build/site
#   make speed     measure mlfp beside its peers
#
# For a torch without CUDA, far smaller:  make bench PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough and can make environments; `make PYTHON=...` overrides.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; \
	done)
.DEFAULT_GOAL := help
.PHONY: help bench test lint docs speed clean

help:
	@sed -n 's/^#   //p' Makefile

bench: $(VENV)/.ready
	$(BIN)/mlfp bench

test: lint
	$(BIN)/python -m pytest

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.ready-docs
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --quiet --strict

speed: $(VENV)/.ready-speed
	for script in benchmarks/speed/[a-z]*.py; do OMP_NUM_THREADS=1 $(BIN)/python "$$script" || exit 1; done
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist

# setup.cfg says what is installed, so the environment is brought up to date when it changes. --quiet hides what pip
# downloads and resolves; its errors and warnings still show.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

$(VENV)/.ready: setup.cfg pyproject.toml
	@test -n '$(PYTHON)' || { \
		echo 'Error: found no Python from 3.11 on that can make environments.'; \
		echo '  Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python'; \
		exit 1; } >&2
	@echo "Installing mlfp and its libraries into $(VENV). The first time takes minutes: torch is large."
	@$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) '.[cpu,dev]'
	@touch $@

$(VENV)/.ready-%: $(VENV)/.ready
	$(PIP_INSTALL) '.[cpu,dev,$*]'
	@touch $@
