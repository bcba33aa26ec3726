# `make run` and `make test` need Linux with glibc, Python >= 3.11 and make; they install everything else.
# PYTHON=python3.13 sets the interpreter of .venv; ARGS are passed to pytest and the benchmarks.
SHELL  := /bin/sh
VENV   := .venv
BIN    := $(VENV)/bin
PEERS  := .venv-bench
FORECAST_PEERS := .venv-bench-forecast
PYTHON ?= python3
UV     := $(shell command -v uv 2>/dev/null)

PROTOS := $(shell find protos -name '*.proto')

POLICY := .venv-policy

# Each worker starts its own stores. WORKERS=0 runs the tests in one process, for a debugger.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: help run test test-unit test-slow lint policy rehearse rehearse-podman protos check-protos docs examples bench bench-queue bench-forecast learn bench-insights bench-gateway bench-hostile bench-capacity bench-upkeep bench-pages bench-console bench-console-pages screenshots chaos lock clean setup
.DEFAULT_GOAL := help
.NOTPARALLEL:

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed generated/made ## Start the product: PostgreSQL, Valkey, the three services, one sample comparison.
	@exec $(BIN)/python -m devstack

test: setup ## Run the tests in parallel, against real servers and processes on free ports.
	$(PYTEST) -m "not slow and not alone" $(ARGS)

test-unit: setup ## Run the tests that need no server (a minute).
	$(PYTEST) -m "not slow and not alone" tests/unit $(ARGS)

test-slow: setup ## Run the other tests: chaos in short, rehearsal, scale, two releases.
	$(PYTEST) -m "slow and not alone" $(ARGS)
	$(BIN)/python -m pytest -m alone $(ARGS) || [ $$? -eq 5 ] # 5: ARGS selects none of these

lint: setup ## Style, types, import contracts, spelling.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: setup ## Generate the reference pages, the README's diagram and the blocking client.
	$(BIN)/python -m devtools.blocking_client
	$(BIN)/python -m devtools.configuration
	$(BIN)/python -m devtools.metrics
	$(BIN)/python -m devtools.command_line
	$(BIN)/python -m devtools.picture
	$(BIN)/python -m devtools.runbook
	$(BIN)/python -m services.gateway.openapi > docs/reference/rest.md

examples: setup ## Record the examples of the REST page from a run of the whole product (half a minute), then make docs.
	$(BIN)/python -m devtools.examples
	@$(MAKE) --no-print-directory docs

screenshots: setup ## Take the pictures of README and console from a run of the whole product, with Chromium (a minute).
	$(BIN)/python -m devtools.screenshots

bench: setup ## Run the benchmarks; ARGS=NAME runs one of them.
	$(BIN)/python -m benchmarks $(ARGS)

bench-queue: $(PEERS)/installed generated/made ## Compare the queue with its peers (Python 3.12; about 20 minutes; ARGS=--quick, or ARGS='--against COMMIT').
	PYTHONPATH=generated:client $(PEERS)/bin/python -m benchmarks.queue.measure $(ARGS)

bench-forecast: $(FORECAST_PEERS)/installed ## Compare the engine with its peers (an hour; ARGS=--write for RESULTS.md; --quick takes six minutes).
	$(FORECAST_PEERS)/bin/python -m benchmarks.forecast.measure $(ARGS)

learn: setup ## Fit the figures of the engine to real exports (4 minutes; ARGS=--write for learned.py).
	$(BIN)/python -m benchmarks.forecast.learn $(ARGS)

bench-insights: setup ## Prove the insights on synthetic series (ARGS=--write for RESULTS.md and the table of noise).
	$(BIN)/python -m benchmarks.insights.measure $(ARGS)

bench-gateway: setup ## Compare the gateway with bare Starlette (about 8 minutes; uses wrk if installed; ARGS=--write).
	$(BIN)/python -m benchmarks.gateway.measure $(ARGS)

bench-hostile: setup ## Measure the effect of hostile connections on the gateway, against limits (two minutes; ARGS=--write).
	$(BIN)/python -m benchmarks.hostile.measure $(ARGS)

bench-capacity: setup ## Measure the resources that comparisons need in services and stores (a few minutes; ARGS=--write).
	$(BIN)/python -m benchmarks.capacity.measure $(ARGS)

bench-upkeep: setup ## Measure the resources of CronJobs, migrate, and jobs at its limits (a few minutes; ARGS=--write).
	$(BIN)/python -m benchmarks.upkeep.measure $(ARGS)

bench-pages: setup ## Measure the page of a five-year comparison in a slowed Chromium, and its rate (a minute; ARGS=--write).
	$(BIN)/python -m benchmarks.pages.measure $(ARGS)

bench-console: setup ## Measure the operators' console over a million jobs and three million attempts (ten minutes; ARGS=--quick, --write).
	$(BIN)/python -m benchmarks.console.measure $(ARGS)

bench-console-pages: setup ## Count the pages of tables and indexes that each of its lists touches (three minutes; ARGS=--quick, --write).
	$(BIN)/python -m benchmarks.console.count $(ARGS)

chaos: setup ## Inject random faults into real processes and count violations (half an hour; ARGS='--jobs 300 --seconds 60').
	$(BIN)/python -m tests.chaos $(ARGS)

rehearse: setup ## Run the manifests as processes on this machine and check claims (3.5 minutes; ARGS=--short).
	$(BIN)/python -m rehearsal $(ARGS)

rehearse-podman: setup ## Run the image by podman, if installed, and check claims (ARGS='--base IMAGE').
	$(BIN)/python -m rehearsal.podman $(ARGS)

policy: setup $(POLICY)/installed ## Check image and manifests against common policies (hadolint, checkov; in its own environment).
	$(BIN)/hadolint deploy/docker/Dockerfile
	@for overlay in dev prod; do \
	  $(BIN)/kubectl kustomize deploy/k8s/overlays/$$overlay > $(POLICY)/$$overlay.yaml || exit 1; \
	done
	$(POLICY)/bin/checkov --config-file deploy/k8s/checkov.yaml --file $(POLICY)/dev.yaml $(POLICY)/prod.yaml

# checkov pins its dependencies to exact versions, so it needs its own environment.
$(POLICY)/installed: deploy/k8s/checkov-requirements.txt
	@$(PYTHON) -m venv --clear $(POLICY)
	@$(POLICY)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

setup: $(VENV)/locked $(VENV)/installed generated/made ## Create the virtual environment with all tools, and generate the stubs.

# One environment in two steps: the packages of `make run` (530 MB), then those of tests and checks.
# After a change of the lock it is created again, to remove packages that left the lock. Modules are compiled on first
# import, since most are never imported.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

$(VENV)/run-locked: requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "warmcast needs Python 3.11 or newer, and $(PYTHON) is older; choose another, for example: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "creating $(VENV) (once; a minute or two)"
ifdef UV
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes $<
else
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot create virtual environments: venv or ensurepip is missing." >&2; \
	  echo "Install them (on Debian and Ubuntu: apt install python3-venv), or install uv." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r $<
endif
	@touch $@

$(VENV)/locked: requirements/dev.txt $(VENV)/run-locked
	@if [ -e $@ ]; then rm $@ $(VENV)/run-locked && $(MAKE) --no-print-directory $(VENV)/run-locked; fi
	@echo "adding packages for tests and checks to $(VENV) (once; a minute or two)"
ifdef UV
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes $<
else
	@$(PIP) --require-hashes -r $<
endif
	@rm -f $(VENV)/installed
	@touch $@

$(VENV)/installed: $(VENV)/run-locked pyproject.toml
	@mkdir -p generated
ifdef UV
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	@$(PIP) --no-deps --no-build-isolation -e .
endif
	@touch $@

# The peers are not part of the product, so they are installed in a separate environment with its dependencies.
# BENCH_PYTHON=python3.13 sets its interpreter; oban needs 3.12 or newer.
BENCH_PYTHON ?= $(firstword $(foreach name,python3.12 python3.13 $(PYTHON),$(shell $(name) --version >/dev/null 2>&1 && echo $(name))))

$(PEERS)/installed: requirements/dev.txt benchmarks/queue/requirements.txt
	@$(BENCH_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || { \
	  echo "the peers need Python 3.12 or newer; choose one, for example: make bench-queue BENCH_PYTHON=python3.12" >&2; exit 1; }
	@echo "creating $(PEERS) (once; a minute or two)"
	@$(BENCH_PYTHON) -m venv --clear $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/queue/requirements.txt
	@touch $@

$(FORECAST_PEERS)/installed: requirements/dev.txt benchmarks/forecast/requirements.txt
	@echo "creating $(FORECAST_PEERS) (once; a minute or two)"
	@$(BENCH_PYTHON) -m venv --clear $(FORECAST_PEERS)
	@$(FORECAST_PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(FORECAST_PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/forecast/requirements.txt
	@touch $@

protos: $(VENV)/installed ## Generate the typed stubs from protos/.
	@rm -rf generated && mkdir -p generated
	@$(BIN)/python -m grpc_tools.protoc -I protos --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
	  --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	  --python_out=generated --grpc_python_out=generated --mypy_out=quiet:generated --mypy_grpc_out=quiet:generated \
	  $(PROTOS)
	@# protobuf accepts a datetime for a Timestamp in constructors; the stubs do not allow it yet.
	@find generated -name '*_pb2.pyi' -exec sed -i -E -e 's/^import builtins as _builtins/import datetime as _datetime\n&/' \
	  -e '/= \.\.\.,$$/s/_timestamp_pb2\.Timestamp\b/_timestamp_pb2.Timestamp | _datetime.datetime/' {} +
	@touch generated/made

generated/made: $(PROTOS) $(VENV)/installed
	@$(MAKE) --no-print-directory protos

check-protos: setup ## Lint the protos, and refuse changes that break clients of main.
	$(BIN)/buf lint protos
	$(BIN)/python -m devtools.breaking

lock: ## Resolve the hashed locks again, with equal versions (needs uv; no release younger than a week).
	@before=$$($(PYTHON) -c 'import datetime as d; print(d.date.today() - d.timedelta(days=7))'); \
	compile="uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --exclude-newer $$before \
	  --no-header --quiet"; \
	$$compile --extra run --extra dev --upgrade -o requirements/dev.txt || exit 1; \
	cp requirements/dev.txt requirements/run.txt && cp requirements/dev.txt requirements/runtime.txt; \
	$$compile --extra run -o requirements/run.txt && $$compile -o requirements/runtime.txt

clean: ## Remove everything that was built or installed; keep the data of `make run` in .warmcast.
	rm -rf $(VENV) $(PEERS) $(FORECAST_PEERS) $(POLICY) generated build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
