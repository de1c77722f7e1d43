# Two commands matter: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test check bench chaos clean

$(VENV)/.runtime: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.runtime  ## run the main job on this machine; ARGS="--keep" and others are passed on
	$(BIN)/cogworks demo $(ARGS)

test: check  ## lint, types, contracts, every test
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev  ## lint, types, contracts
	$(BIN)/ruff check cogworks tasks tests beat_schedule.py
	$(BIN)/ruff format --check cogworks tasks tests beat_schedule.py
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	$(BIN)/deptry cogworks tasks

bench: $(VENV)/.dev  ## print figures and write bench.json
	$(BIN)/python -m tests.bench $(ARGS)

chaos: $(VENV)/.dev  ## the long fault matrix
	$(BIN)/python -m pytest tests/journeys -m chaos $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
