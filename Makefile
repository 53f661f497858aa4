# Everything starts here: `make` lists the targets. Needs Python 3.11 or newer, nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
BIN := .venv/bin
# What one process of the tests has compiled the others need not, whatever the shell says of bytecode.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest
# Slow tests wait for much of their time, for what was killed to come back or for leases to end: three for two cores.
WAITING := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))
DATA ?= .data
PORT ?= 8080
LOCK := uv pip compile pyproject.toml --group pyproject.toml:build --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
BACKUP ?= backups

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: .venv/installed ## make .venv from requirements.lock: what runs in production (with uv where present)
	@# Root's stack runs as other users, who must be able to read what it runs, whatever umask the checkout was made with.
	@[ "$$(id -u)" != 0 ] || { chmod go+rx . && chmod -R go+rX cutlog deploy services tests; }

.PHONY: develop
develop: .venv/developer install ## install, and add the tools and what the tests need, from requirements-dev.lock

.venv/installed: requirements.lock pyproject.toml $(if $(PYTHON),FORCE)
	@sh deploy/install.sh production
	@touch $@

.venv/developer: requirements-dev.lock pyproject.toml $(if $(PYTHON),FORCE)
	@sh deploy/install.sh developer
	@touch .venv/installed $@

FORCE:

.PHONY: demo
demo: install ## a tour of a real stack: upload, edit, proxy, export, pin, GC report
	@exec $(BIN)/cutlog demo

.PHONY: up
up: install ## run the stack in the foreground (DATA=.data PORT=8080)
	@exec $(BIN)/cutlog up --data "$(DATA)" --port $(PORT)

.PHONY: backup
backup: install ## back up the stack on DATA, while it runs, to the folder BACKUP (DATA=.data BACKUP=backups)
	@$(BIN)/cutlog backup "$(BACKUP)" --data "$(DATA)" $(ARGS)

.PHONY: restore
restore: install ## create the folder DATA from the newest backup in BACKUP (DATA=.data BACKUP=backups)
	@$(BIN)/cutlog restore "$(BACKUP)" --data "$(DATA)" $(ARGS)

.PHONY: test
test: develop ## the tests, against real PostgreSQL, NATS, Caddy and ffmpeg
	@$(PYTEST) -n auto --dist loadgroup $(ARGS)

.PHONY: test-slow
test-slow: develop ## the expensive tests: kills, full disks, whole stacks, more examples of each kind
	@CUTLOG_TEST_ROUNDS=0 $(PYTEST) -n $(WAITING) --dist loadgroup \
		-m 'slow or (hypothesis and not long and not corpus and not fuzz)' $(ARGS)

.PHONY: test-long
test-long: develop ## the tests that take minutes: soaks, a million rows, whole histories
	@$(PYTEST) -n 2 --dist loadgroup -m long $(ARGS)

.PHONY: test-api
test-api: develop ## the OpenAPI document: Schemathesis against a stack, and clients that generators make from it (needs node)
	@$(BIN)/pytest -n 0 -m api tests/api $(ARGS)

.PHONY: test-random
test-random: develop ## the properties again with random examples, ROUNDS=10 times as many
	@CUTLOG_TEST_ROUNDS=$(or $(ROUNDS),10) $(PYTEST) -n auto --dist loadgroup \
		-m 'hypothesis and not long' $(ARGS)

.PHONY: test-costs
test-costs: develop ## the tests, and their processor time by folder, file, test, fixture and program
	@rm -rf .costs; CUTLOG_TEST_COSTS=.costs $(PYTEST) -n auto --dist loadgroup $(ARGS); \
		$(BIN)/python -m tests.support.costs .costs

.PHONY: corpus
corpus: develop ## every file of tests/corpus: its facts, frames and audio, in a table
	@$(PYTEST) -n auto -q -m "not fuzz" tests/corpus $(ARGS)

.PHONY: fuzz
fuzz: develop ## damaged files of tests/corpus: rejected or usable, never a hang, a crash or a 500 (ROUNDS=1)
	@FUZZ_ROUNDS=$(or $(ROUNDS),1) $(PYTEST) -n auto -q -m fuzz tests/corpus tests/media/test_damaged_uploads.py $(ARGS)

.PHONY: chaos
chaos: develop ## users at work while processes are killed, connections cut and the disk filled at random (SECONDS=120 SEED=7)
	@CHAOS_SECONDS=$(or $(SECONDS),120) CHAOS_SEED=$(or $(SEED),$(shell date +%s)) \
		$(PYTEST) -n 0 -s -q -m "" tests/e2e/test_chaos.py $(ARGS)

.PHONY: test-bare
test-bare: ## demo and tests in a container that has Python and make only (needs Docker; AS="root stranger")
	@sh deploy/bare.sh $(or $(AS),root stranger)

.PHONY: test-containers
test-containers: develop ## the same integration tests on PostgreSQL and NATS from containers (needs Docker)
	@CUTLOG_TEST_CONTAINERS=1 TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1 \
		$(PYTEST) -n 2 --dist loadgroup -q tests/containers tests/log tests/bus tests/ops tests/gc tests/media $(ARGS)

.PHONY: bench
bench: develop ## benchmarks, each beside its peer (ONLY=log SECONDS=5); ONLY=page only rewrites docs/BENCHMARKS.md
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: gallery
gallery: develop ## rewrite docs/GALLERY.md: a rendered picture of each feature
	@PYTHONPATH=. $(BIN)/python docs/generate_gallery.py

.PHONY: mutate
mutate: develop ## how many of 150 small defects in each pure folder its fast tests notice (FOLDER=rules for one, JOBS=1)
	@$(BIN)/python -m tests.mutation $(FOLDER)

.PHONY: golden
golden: develop ## pin again what each feature looks like, after an intended change of rendering
	@$(BIN)/python -m tests.render.golden

.PHONY: letters
letters: develop ## rewrite cutlog/contract/shipped.py: the characters that the bundled fonts have
	@PYTHONPATH=. $(BIN)/python deploy/letters.py

.PHONY: lint
lint: develop ## ruff: style and likely bugs
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

.PHONY: types
types: develop ## mypy --strict
	@$(BIN)/mypy

.PHONY: laws
laws: develop ## the laws of ARCHITECTURE.md
	@$(PYTEST) -q tests/laws

.PHONY: proto
proto: ## buf: check the contract's style, and that it has only grown since its release (needs node)
	@sh deploy/buf.sh lint proto && sh deploy/buf.sh breaking proto --against proto/released.binpb

.PHONY: proto-release
proto-release: ## release the contract as it is now; from then on it only grows (needs node)
	@sh deploy/buf.sh build proto -o proto/released.binpb

.PHONY: format
format: develop ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

.PHONY: lock
lock: ## resolve pyproject.toml into requirements.lock, and with requirements.in into requirements-dev.lock (needs uv)
	@$(LOCK) requirements.in --output-file requirements-dev.lock
	@$(LOCK) --constraint requirements-dev.lock --output-file requirements.lock

.PHONY: sbom
sbom: develop ## write sbom.json: everything installed, servers and ffmpeg included, as CycloneDX 1.6 (SBOM=FILE)
	@PYTHONPATH=. $(BIN)/python deploy/sbom.py > "$(or $(SBOM),sbom.json)" && echo "$(or $(SBOM),sbom.json)"

.PHONY: release
release: develop ## commit, build (sdist, wheel, notes, SBOM in dist/) and tag a version: VERSION=1.2.3
	@$(BIN)/python deploy/release.py "$(VERSION)"

.PHONY: hooks
hooks: develop ## have git check each commit in this clone: style, types, laws, and the commit's subject
	@$(BIN)/pre-commit install

.PHONY: clean
clean: ## remove .venv, caches and built files; data stays
	@rm -rf .venv build dist sbom.json *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find cutlog services tests -name __pycache__ -type d -prune -exec rm -rf {} +
