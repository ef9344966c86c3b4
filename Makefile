# The one command surface: the same by hand, before a commit and in CI.
PYTHON ?= python3
JOBS ?= 3
READY := .venv/.ready
BIN := .venv/bin
PEERS := .venv/.peers

.DEFAULT_GOAL := help
.PHONY: demo test check prove bench loadtest specs format clean help

demo: $(READY) ## Run a live show with a crowd:  make demo ARGS="--viewers 200 --seconds 20"
	@$(BIN)/dropcast demo $(ARGS)

test: $(READY) ## Run the tests:  make test ARGS="-k reserve"
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)
	@$(if $(ARGS),,DROPCAST_TEST_ENGINE=redis8 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/store tests/service)

check: $(READY) ## Lint, formatting, types, layers, Dockerfile
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/hadolint Dockerfile

prove: $(READY) ## Run the long proofs, all of them shortened or one whole:  make prove ARGS="oversell --seed 7"
	@$(BIN)/python -m tests.proofs $(ARGS)

bench: $(READY) $(PEERS) ## Run the benches, all of them or one:  make bench ARGS="fanout --json"
	@$(BIN)/dropcast bench $(ARGS)

loadtest: $(READY) ## Rehearse an evening with Locust, a small one:  make loadtest ARGS="--users 300"
	@$(BIN)/dropcast loadtest $(ARGS)

specs: $(READY) ## Write the documents that are generated from the code
	@$(BIN)/python -m dropcast.specs

format: $(READY) ## Sort imports, apply safe fixes and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove the virtual environment, caches and built files
	@rm -rf .venv dist client_sdk/python/dist loadtest/dist .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
	@find server client_sdk loadtest tests -type d -name __pycache__ -prune -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# Set-up is quiet and speaks on stderr only: the last line on stdout belongs to the command that was asked for.
# The environment is made anew each time, so that nothing lives on in it that is no longer pinned.
$(READY): requirements/dev.txt pyproject.toml client_sdk/python/pyproject.toml loadtest/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >&2 || { \
		echo "dropcast needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another one:  make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Setting up .venv (once) ..." >&2
	@$(PYTHON) -m venv --clear .venv >&2
	@$(BIN)/python -m pip --disable-pip-version-check install -qq --require-hashes -r requirements/dev.txt >&2
	@$(BIN)/python -m pip --disable-pip-version-check install -qq --no-deps --no-build-isolation \
		-e . -e client_sdk/python -e loadtest >&2
	@touch $@

# What the benches measure us against. One that does not install here is left out, and the bench says so.
$(PEERS): $(READY) $(wildcard requirements/peers/*.txt)
	@for peer in $(wildcard requirements/peers/*.txt); do \
		$(BIN)/python -m pip --disable-pip-version-check install -qq --require-hashes -r $$peer >&2 || \
			echo "left out, it does not install here: $$peer" >&2; done
	@touch $@
