# Every command of this project; `make demo` and `make test` bring what they need on a bare Debian or Ubuntu.

MAKEFLAGS += --no-builtin-rules
# a caller's own Python and pip settings must not reach ours, but for those that tell pip its way to the packages
pip_way := $(addprefix PIP_,CERT CLIENT_CERT PROXY TRUSTED_HOST DEFAULT_TIMEOUT RETRIES INDEX_URL EXTRA_INDEX_URL \
    FIND_LINKS NO_INDEX CONFIG_FILE CACHE_DIR NO_CACHE_DIR)
unexport $(filter-out $(pip_way),$(filter PIP_% PYTHON% PYTEST_% COVERAGE_% VIRTUAL_ENV CONDA_PREFIX,$(.VARIABLES)))
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore
export PIP_USER := 0

python := .venv/bin/python
quick := -m pytest --quiet --numprocesses auto --dist worksteal -m "not slow and not agents and not windows"
sources := $(shell find ringlet_py profiles -type f ! -name '*.pyc' 2>/dev/null)
# the real agents, and the node they run on
test: export PATH := $(CURDIR)/.cache/agents/bin:$(PATH)

help: ## what make can do (this list)
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

demo: .demo-venv/ready ## install ringlet and watch it lend a made-up key to a stub agent
	@.ci/demo .demo-venv/bin

test: .venv/ready ## bring everything the tests need, then run all of them with coverage
	@.ci/debian
	@.ci/npm
	@$(python) -m coverage erase
	$(python) -m coverage run -m pytest --numprocesses auto
	@$(python) -m coverage combine --quiet
	$(python) -m coverage report

check: lint ## lint, types and the quick tests, in under a minute
	$(python) $(quick)

lint: .venv/ready ## ruff and mypy
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy

format: .venv/ready ## let ruff rewrite what it can
	$(python) -m ruff check --fix-only
	$(python) -m ruff format

bench: .venv/ready .demo-venv/ready ## time launches, claims and searches against other ways to the same, and count instructions
	@benchmarks/launch
	@benchmarks/instructions
	@benchmarks/claims
	@benchmarks/search

docs: .venv/ready ## write the reference pages, the manual and the words of completion anew
	$(python) .ci/completion
	$(python) .ci/reference
	$(python) .ci/manual

test-oldest: ## the quick tests with the oldest versions allowed of what ringlet needs
	@.ci/bootstrap .cache/oldest .ci/lock/check.txt --editable .
	@.cache/oldest/bin/python -m pip install --quiet --no-deps $$(.cache/oldest/bin/python .ci/oldest)
	.cache/oldest/bin/python $(quick)

test-windows: .venv/ready ## the Windows lane: real Windows Python under Wine (downloads about 1 GB)
	.ci/wine

lock: .venv/ready ## choose the newest allowed versions of what we install, and write their hashes
	.ci/relock

clean: ## remove everything that make made
	rm -rf .venv .demo-venv .cache dist .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/ready: .ci/bootstrap .ci/lock/check.txt pyproject.toml
	@.ci/bootstrap .venv .ci/lock/check.txt --editable .
	@touch $@

.demo-venv/ready: .ci/bootstrap .ci/lock/ringlet.txt pyproject.toml $(sources)
	@.ci/bootstrap .demo-venv .ci/lock/ringlet.txt .
	@touch $@

.PHONY: help demo test check lint format bench docs test-windows test-oldest lock clean
