# `make` shows what there is. Whatever a target needs is set up first, once: see scripts/setup.sh.
# Paths are relative on purpose, for the folder may have spaces in its name.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
SHELL := /bin/sh
ARGS ?=

# Nobody is told about our runs, and no other project's modules come first.
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
unexport PYTHONPATH
unexport PYTHONHOME

BIN := .venv/bin
TESTING := test test-slow test-pymc3 test-browser test-ui faults month screenshots screenshots-ui fuzz fuzz-gate calibrate lint format types check precommit

.PHONY: help refit evaluate serve bench bench-refit bench-overhead bench-engines bench-scaling bench-pymc3 bench-ingest bench-publish clean clean-data lock setup-run setup-dev $(TESTING)

help: ## show this list
	@echo 'Encore: how popular is an artist, and how sure are we?'
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'ARGS="..." is appended to the command of refit, evaluate, serve, test, test-*, screenshots, faults, month, fuzz, fuzz-gate, lock and bench-*. ENCORE_PYTHON names the Python to use.'

refit: setup-run ## refit on the sample corpus: everything, from the file to a publication
	@$(BIN)/encore refit data/samples/spotify_by_genre.parquet --name sample $(ARGS)

evaluate: setup-run ## how well the models predict tracks of the sample corpus that they have not seen
	@$(BIN)/encore evaluate data/samples/spotify_by_genre.parquet --name sample $(ARGS)

serve: setup-run ## Prefect's UI with every deployment, a worker, and the publications to read; Ctrl-C stops it
	@exec $(BIN)/encore serve $(ARGS)

test: setup-dev ## run the tests, a file on each core (one at a time: ARGS=-n0)
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile -m 'not slow and not browser and not ui and not pymc3' $(ARGS)

test-slow: setup-dev ## run the tests that take long
	@$(BIN)/python -m pytest -m 'slow and not pymc3' $(ARGS)

test-pymc3: setup-dev ## hold PyMC3 itself against PyMC 6 and the sums, where there is a Python 3.9 or 3.8 (half an hour)
	@$(BIN)/python -m pytest -m pymc3 tests/pymc3 $(ARGS)

faults: setup-dev ## kill refits, fill their disk, spoil their files, more than a hundred times; writes docs/faults.md
	@$(BIN)/python tests/faults/faults.py $(ARGS)

month: setup-dev ## thirty nights on a real server, every minute one; writes docs/month.md (half an hour)
	@$(BIN)/python tests/faults/month.py $(ARGS)

test-browser: setup-dev ## try the report in a real browser: the Chromium of this machine (2 minutes)
	@$(BIN)/python -m pytest -m browser $(ARGS)

test-ui: setup-dev ## try Prefect's UI in a real browser: the form, a refit, the gate, cancel, retry, approval (4 minutes)
	@$(BIN)/python -m pytest -m ui $(ARGS)

screenshots-ui: setup-dev ## take the pictures of Prefect's UI that docs/images has, on the way that test-ui goes
	@ENCORE_PICTURES=docs/images $(BIN)/python -m pytest -m ui $(ARGS)

screenshots: setup-dev ## take the pictures of the report that docs/images has, of the publication of `make refit`
	@$(BIN)/python scripts/screenshots.py $(ARGS)

fuzz: setup-dev ## ingest 10,000 mutated corpora; what ends neither in a table nor in a sentence stays in data/fuzz (10 minutes)
	@$(BIN)/python tests/fuzz/fuzz.py $(ARGS)

calibrate: setup-dev ## fit 1,450 corpora drawn from the prior, and see where the truth ranks (half an hour; resumes)
	@$(BIN)/python tests/calibration/calibrate.py $(ARGS)

fuzz-gate: setup-dev ## show the gate 1,000 damaged posteriors: none may pass, none may end in a traceback (5 minutes)
	@$(BIN)/python tests/fuzz/fuzz_gate.py $(ARGS)

bench-refit: setup-run ## where the time of a refit goes (about 3 minutes)
	@$(BIN)/python benchmarks/refit_steps.py $(ARGS)

bench-overhead: setup-run ## what Prefect adds to a refit, its server up (5 minutes)
	@$(BIN)/python benchmarks/overhead.py $(ARGS)

bench: bench-engines bench-pymc3 bench-scaling bench-ingest bench-publish ## measure Encore: all of the next five

bench-engines: setup-run ## effective draws per second beside nutpie, PyMC, NumPyro and Bambi (about an hour and a half)
	@$(BIN)/python benchmarks/engines.py $(ARGS)

bench-pymc3: setup-run ## PyMC3 itself beside PyMC 6 and the sums: one posterior, and what each pays for it (20 minutes)
	@$(BIN)/python benchmarks/generations.py $(ARGS)

bench-ingest: setup-run ## ingest 0.1 to 10 million tracks beside DuckDB's bare conversion (10 minutes, 5 GB of disk)
	@$(BIN)/python benchmarks/ingestion.py $(ARGS)

bench-publish: setup-dev ## publish 10,692 and 800,000 artists, and open their reports (5 minutes)
	@$(BIN)/python benchmarks/publishing.py $(ARGS)

bench-scaling: setup-run ## 0.1 to 10 million tracks, beside lme4 in R (an hour or so, 2 GB of disk)
	@$(BIN)/python benchmarks/scaling.py $(ARGS)

lint: setup-dev ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: setup-dev ## mend what can be mended of style and formatting
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

types: setup-dev ## check types
	@$(BIN)/mypy
	@$(BIN)/mypy scripts

check: lint types test ## lint, types and test

precommit: setup-dev ## check what is committed from now on: install the git hooks
	@$(BIN)/pre-commit install

lock: ## pin the dependencies anew (ARGS=--upgrade: the newest that fit)
	@sh scripts/setup.sh lock $(ARGS)

clean: ## remove .venv, caches, and what the benchmarks keep; what was published stays
	@rm -rf .venv benchmarks/.peers benchmarks/.work build ./*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find flows schemas tasks tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## remove what runs left in data/, publications too
	@find data -mindepth 1 -maxdepth 1 ! -name samples -exec rm -rf {} +

# With `make -j refit test`, nothing is installed beneath a run.
setup-run: $(if $(filter $(TESTING),$(MAKECMDGOALS)),setup-dev)
	@sh scripts/setup.sh run

setup-dev:
	@sh scripts/setup.sh dev
