# Everything here runs on a machine that has only Python 3.10 to 3.13 and make: the first target that needs it sets up
# .venv from requirements.lock. Another Python: make PYTHON=python3.12 test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# More arguments, for example: make test ARGS="-k contour"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs wheel benchmark clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## measure phantoms of known truth into demo-output
	$(BIN)/als-motor-cortex demo --output demo-output $(ARGS)

test: $(READY) ## run all tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY) ## check the style of the code
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(READY) ## put the code into shape
	$(BIN)/python -m ruff format .

docs: $(READY) ## build the documentation site into build/docs
	$(BIN)/python -m sphinx -W --keep-going -q -c Docs -d build/doctrees . build/docs

wheel: $(READY) ## build the wheel of the headless part into dist
	@rm -rf build/bdist.* build/lib *.egg-info dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

benchmark: $(READY) ## measure accuracy and speed on the phantom battery
	$(BIN)/python Testing/Benchmarks/runBenchmarks.py $(ARGS)

clean: ## remove everything that make has made
	rm -rf $(VENV) demo-output build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@command -v "$(PYTHON)" > /dev/null || { \
	  echo "make: $(PYTHON) was not found: install Python 3.10 to 3.13, or name one, as in: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "make: $(PYTHON) is $$("$(PYTHON)" --version 2>&1), but Python 3.10 to 3.13 is needed: name one, as in: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@echo "Setting up $(VENV), once: about 450 MB to download, 2 GB on the disk"
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV) > /dev/null 2>&1 || { \
	  rm -rf $(VENV); "$(PYTHON)" -m virtualenv --quiet $(VENV) > /dev/null 2>&1; } || { \
	  rm -rf $(VENV); \
	  echo "make: $(PYTHON) can make no virtual environment: install its venv or virtualenv package (Debian, Ubuntu: apt install python3-venv)" >&2; \
	  exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
