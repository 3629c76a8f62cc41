# `make demo` and `make test` need nothing but Python >= 3.11 and make: they install the rest into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
TEST_WORKERS ?= 2

.PHONY: help demo test test-quick test-lowest lint format docs docs-serve clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

$(READY): pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

demo: $(READY) ## A picture within seconds; then train a small OASIS on synthetic streets, beside a segmenter that scores it
	$(BIN)/oasis generate docs/maps --output runs/first_pictures --force
	$(BIN)/oasis prepare experiment=demo # draws the streets, for both
	@echo "A segmenter is trained at the same time, see runs/demo_segmenter.log"
	@OMP_NUM_THREADS=1 $(BIN)/oasis train-segmenter experiment=demo --epochs 14 --depth 4 --if-missing > runs/demo_segmenter.log 2>&1 & \
	segmenter=$$!; trap 'kill $$segmenter 2>/dev/null' EXIT; \
	$(BIN)/oasis train experiment=demo metrics=none && wait $$segmenter && \
	$(BIN)/oasis evaluate runs/demo segmenter=unet --output runs/demo_scores

test: $(READY) ## Run all tests; they need neither network nor data
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal --durations=8

test-quick: $(READY) ## Run the tests that neither train nor start processes: for while you write
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal -m "not slow"

test-lowest: ## Run all tests with the oldest releases that pyproject.toml allows
	$(MAKE) test VENV=.venv-lowest PIP_CONSTRAINT=$(CURDIR)/.ci/lowest.txt

lint: $(READY) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY) ## Fix what style checks can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(READY) ## Build the documentation site into site/, from the pages, the notebook and the docstrings
	$(BIN)/python -m experiments.site.pages build/pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: docs ## The same, at http://127.0.0.1:8000, where its search works too
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory site

clean: ## Remove everything that was installed or cached; runs stay
	rm -rf .venv .venv-lowest site build/pages .pytest_cache .mypy_cache .ruff_cache *.egg-info
