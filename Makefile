# The verbs of the project. Each sets up what it needs; a failed step says what to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo serve test servers unit live versions lint format bench-chat bench-examine bench-api fuzz bench-faults docs lock clean

demo: $(VENV)/runtime.done
	@$(BIN)/housecall demo $(ARGS)

serve: $(VENV)/runtime.done
	@$(BIN)/housecall serve $(ARGS)

test: servers
	@$(BIN)/pytest $(ARGS)

servers: $(VENV)/dev.done
	@$(BIN)/python tests/prepare.py

unit: $(VENV)/dev.done
	@$(BIN)/pytest tests/unit tests/test_shape.py $(ARGS)

live: servers
	@$(BIN)/pytest tests/live $(ARGS)

versions: $(VENV)/dev.done
	@$(BIN)/python tests/prepare_versions.py
	@$(BIN)/pytest tests/live_versions $(ARGS)

lint: $(VENV)/dev.done
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/dev.done
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench-chat: $(VENV)/dev.done
	@$(BIN)/python -m benchmarks.chat $(ARGS)

bench-examine: $(VENV)/dev.done
	@$(BIN)/python -m benchmarks.examine $(ARGS)

bench-faults: $(VENV)/dev.done
	@$(BIN)/python -m benchmarks.faults --only "$(ONLY)" --seed "$(or $(SEED),7)" $(ARGS)

bench-api: $(VENV)/dev.done
	@$(BIN)/python -m benchmarks.api $(ARGS)

fuzz: $(VENV)/dev.done
	@$(BIN)/python -m benchmarks.api.fuzz $(ARGS)

docs: $(VENV)/dev.done
	@$(BIN)/python -m housecall.cli.main docs $(ARGS)

lock:
	@$(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-options --no-header --strip-extras --allow-unsafe -o requirements.lock pyproject.toml
	@$(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-options --no-header --strip-extras --allow-unsafe --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Could not create a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/runtime.done: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing Housecall's packages into $(VENV) (about a minute the first time) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock || { echo "pip could not install the packages of requirements.lock; is a package index reachable? See the lines above."; exit 1; }
	@$(BIN)/python tools/link_source.py
	@touch $@

$(VENV)/dev.done: requirements-dev.lock $(VENV)/runtime.done
	@echo "Installing the packages for tests into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock || { echo "pip could not install the packages of requirements-dev.lock; is a package index reachable? See the lines above."; exit 1; }
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
