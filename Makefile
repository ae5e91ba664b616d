# Set-up, running and checking. `make help` lists what there is; nothing is installed outside .venv, but for a browser in `make test`.

.DEFAULT_GOAL := help
.PHONY: help run setup test test-postgres chaos chaos-mutants soak soak-mutants check bench screens docs
SHELL := /bin/sh
# Compiled modules are kept, whatever the shell says: sites start dozens of processes, and each would compile the same again.
export PYTHONDONTWRITEBYTECODE =
PY := .venv/bin/python
MANIFEST := $(or $(CASESITE_STATIC_ROOT),staticfiles)/staticfiles.json
STATES := $(PY) -c 'from casesite.submissions.states import as_markdown; print(as_markdown(), end="")'
FAULTS := $(PY) -m tests.delivery.matrix
# What locks, claims and counts: the rest is the same to any database.
DATABASE_TESTS := tests/delivery tests/submissions tests/pacing tests/lookups tests/runner/test_move_database.py tests/e2e/test_many.py tests/e2e/test_backup.py
STATIC := $(shell find static casesite -path '*static/*' -type f 2>/dev/null)

# Python 3.11 to 3.13, the newest first. A name on the PATH may be a shim that runs nothing, so each is tried.
define FIND_PYTHON
for name in python3.13 python3.12 python3.11 python3 python; do \
  if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then python=$$name; break; fi; \
done; \
if [ -z "$$python" ]; then echo "Casesite needs Python 3.11, 3.12 or 3.13, and none is on the PATH." >&2; exit 1; fi
endef

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## start the whole site (PORT and CASESITE_VAR say where); Ctrl-C stops it
	@exec $(PY) manage.py up

setup: $(MANIFEST) ## make .venv and collect the static files, without starting anything

test: .venv/.dev ## install what tests need, a browser too, and run them all
	@$(PY) -m tests.browsers --install
	$(PY) -m pytest -n 2 --dist loadgroup --durations 15 $(TESTS)

test-postgres: .venv/.dev ## run what stands on the database once more, on a PostgreSQL of its own or the one of DATABASE_URL
	@$(PY) -m tests.postgres -- $(PY) -m pytest -n 2 --dist loadgroup --database-only $(or $(TESTS),$(DATABASE_TESTS))

chaos: .venv/.dev ## kill, stop and lie to a whole site, hold it against AWS (CHAOS="--help" lists options); docs/reliability.md
	$(PY) -m tests.chaos $(CHAOS)

chaos-mutants: .venv/.dev ## chaos with known mistakes, each of which it must see
	$(PY) -m tests.chaos.mutants $(CHAOS)

soak: .venv/.dev ## draw people, crashes, answers and clocks in any order, 10,000 steps (SOAK="--help" lists options); docs/reliability.md
	$(PY) -m tests.soak --total 10000 --seed 1 $(SOAK)

soak-mutants: .venv/.dev ## soak with known mistakes, each of which it must see
	$(PY) -m tests.soak.mutants $(SOAK)

check: .venv/.dev ## style, types, migrations, templates, deployment, documents, import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy casesite manage.py
	.venv/bin/djlint templates --lint --quiet
	@var=$$(mktemp -d) && trap 'rm -rf "$$var"' EXIT && export CASESITE_VAR="$$var" && \
	  echo "manage.py makemigrations --check" && $(PY) manage.py makemigrations --check --dry-run && \
	  echo "manage.py check --deploy" && \
	  CASESITE_URL=https://cases.example.com CASESITE_PROXIES=1 \
	  CASESITE_SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	  $(PY) manage.py check --deploy --fail-level WARNING
	@$(STATES) | diff -u docs/states.md - || { echo "docs/states.md is old: make docs" >&2; exit 1; }
	@$(FAULTS) | diff -u docs/faults.md - || { echo "docs/faults.md is old: make docs" >&2; exit 1; }
	@$(PY) -m bench --document | diff -u docs/performance.md - || { echo "docs/performance.md is old: make docs" >&2; exit 1; }
	$(PY) -m pytest -q tests/test_architecture.py

bench: .venv/.run ## measure latency, memory, throughput, pages, files and start, and write docs/performance.md
	$(PY) -m bench

screens: .venv/.dev ## start a site of its own and picture every page into docs/screens
	@$(PY) -m tests.browsers --install
	$(PY) -m screens $(PAGES)

docs: .venv/.run ## print the tables in code into docs/
	$(STATES) > docs/states.md
	$(FAULTS) > docs/faults.md
	$(PY) -m bench --document > docs/performance.md

$(MANIFEST): .venv/.run $(STATIC)
	@$(PY) manage.py collectstatic --no-input --verbosity 0

.venv/.run: requirements.txt
	@$(FIND_PYTHON); \
	if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python "$$(command -v $$python)" .venv && \
	  uv pip install --quiet --python $(PY) -r requirements.txt && touch $@ && exit 0; \
	  echo "uv did not succeed; going on with pip." >&2; \
	fi; \
	$(PY) -m pip --version >/dev/null 2>&1 || $$python -m venv --clear .venv >/dev/null 2>&1 || { \
	  rm -rf .venv; \
	  echo "$$python cannot make a virtual environment (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }; \
	echo "Installing what Casesite needs into .venv ..."; \
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt && touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@if command -v uv >/dev/null 2>&1 && uv pip install --quiet --python $(PY) -r requirements-dev.txt; then touch $@; exit 0; fi; \
	echo "Installing what tests and checks need into .venv ..."; \
	$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null 2>&1; \
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt && touch $@
