# `make run` and `make test` need Linux with glibc, Python >= 3.11 and make; everything else is installed here.
# PYTHON=python3.13 picks the interpreter that .venv is made with; ARGS reach pytest and the benchmarks.
SHELL  := /bin/sh
VENV   := .venv
BIN    := $(VENV)/bin
PEERS  := .venv-bench
FORECAST_PEERS := .venv-bench-forecast
PYTHON ?= python3
UV     := $(shell command -v uv 2>/dev/null)

PROTOS := $(shell find protos -name '*.proto')

POLICY := .venv-policy

# Each worker starts stores of its own. WORKERS=0 runs the tests in one process, as a debugger needs.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: help run test test-unit test-slow lint policy rehearse rehearse-podman protos check-protos docs examples bench bench-queue bench-forecast bench-gateway bench-hostile bench-capacity bench-upkeep chaos lock clean setup
.DEFAULT_GOAL := help
.NOTPARALLEL:

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed generated/made ## Start the product: PostgreSQL, Valkey, the three services, one sample comparison.
	@exec $(BIN)/python -m devstack

test: setup ## Run the tests in parallel, against real servers and processes on ports of their own.
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

docs: setup ## Write the pages, and the blocking client, that are made from code.
	$(BIN)/python -m devtools.blocking_client
	$(BIN)/python -m devtools.configuration
	$(BIN)/python -m devtools.metrics
	$(BIN)/python -m devtools.command_line
	$(BIN)/python -m devtools.picture
	$(BIN)/python -m services.gateway.openapi > docs/reference/rest.md

examples: setup ## Take the examples of the REST pages from a run of the whole product (half a minute), then make docs.
	$(BIN)/python -m devtools.examples
	@$(MAKE) --no-print-directory docs

bench: setup ## Run the benchmarks; ARGS=NAME runs one of them.
	$(BIN)/python -m benchmarks $(ARGS)

bench-queue: $(PEERS)/installed generated/made ## Measure the queue beside its peers (Python 3.12; about 20 minutes; ARGS=--quick).
	PYTHONPATH=generated:client $(PEERS)/bin/python -m benchmarks.queue.measure $(ARGS)

bench-forecast: $(FORECAST_PEERS)/installed ## Measure the engine beside its peers (an hour; ARGS=--write for RESULTS.md; --quick takes six minutes).
	$(FORECAST_PEERS)/bin/python -m benchmarks.forecast.measure $(ARGS)

bench-gateway: setup ## Measure the gateway beside bare Starlette (about 8 minutes; wrk where it is installed; ARGS=--write).
	$(BIN)/python -m benchmarks.gateway.measure $(ARGS)

bench-hostile: setup ## Measure what hostile connections cost the gateway, against bars (two minutes; ARGS=--write).
	$(BIN)/python -m benchmarks.hostile.measure $(ARGS)

bench-capacity: setup ## Measure what a comparison takes of services and stores (a few minutes; ARGS=--write).
	$(BIN)/python -m benchmarks.capacity.measure $(ARGS)

bench-upkeep: setup ## Measure what CronJobs, migrate and jobs at its limits take (a few minutes; ARGS=--write).
	$(BIN)/python -m benchmarks.upkeep.measure $(ARGS)

chaos: setup ## Strike real processes at random and count what was lost (half an hour; ARGS='--jobs 300 --seconds 60').
	$(BIN)/python -m tests.chaos $(ARGS)

rehearse: setup ## Run what the manifests say on this machine, and check each claim (3.5 minutes; ARGS=--short).
	$(BIN)/python -m rehearsal $(ARGS)

rehearse-podman: setup ## The same of the image, by podman where it is there (ARGS='--base IMAGE').
	$(BIN)/python -m rehearsal.podman $(ARGS)

policy: setup $(POLICY)/installed ## Hold image and manifests to common policies (hadolint, checkov; its own environment).
	$(BIN)/hadolint deploy/docker/Dockerfile
	@for overlay in dev prod; do \
	  $(BIN)/kubectl kustomize deploy/k8s/overlays/$$overlay > $(POLICY)/$$overlay.yaml || exit 1; \
	done
	$(POLICY)/bin/checkov --config-file deploy/k8s/checkov.yaml --file $(POLICY)/dev.yaml $(POLICY)/prod.yaml

# checkov pins what it needs to the patch, and so cannot share an environment with anything.
$(POLICY)/installed: deploy/k8s/checkov-requirements.txt
	@$(PYTHON) -m venv --clear $(POLICY)
	@$(POLICY)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

setup: $(VENV)/locked $(VENV)/installed generated/made ## Make the virtual environment with all tools, and the stubs.

# One environment in two steps: what `make run` needs (below 300 MB), and on top of it what tests and checks need.
# A changed lock makes it anew, so that nothing stays that the lock no longer names. pip leaves compiling to the first
# import: most modules are never imported.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

$(VENV)/run-locked: requirements/run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "warmcast needs Python 3.11 or newer, and $(PYTHON) is not; name one, as in: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "making $(VENV) (once; a minute or two)"
ifdef UV
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes $<
else
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: it comes without venv or ensurepip." >&2; \
	  echo "Install them (on Debian and Ubuntu: apt install python3-venv), or install uv." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r $<
endif
	@touch $@

$(VENV)/locked: requirements/dev.txt $(VENV)/run-locked
	@if [ -e $@ ]; then rm $@ $(VENV)/run-locked && $(MAKE) --no-print-directory $(VENV)/run-locked; fi
	@echo "adding what tests and checks need to $(VENV) (once; a minute or two)"
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

# The project's own dependencies and the peers in an environment of their own: none of the peers is part of the product.
# BENCH_PYTHON=python3.13 picks its interpreter, which oban wants to be 3.12 or newer.
BENCH_PYTHON ?= $(firstword $(foreach name,python3.12 python3.13 $(PYTHON),$(shell $(name) --version >/dev/null 2>&1 && echo $(name))))

$(PEERS)/installed: requirements/dev.txt benchmarks/queue/requirements.txt
	@$(BENCH_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || { \
	  echo "the peers need Python 3.12 or newer; name one, as in: make bench-queue BENCH_PYTHON=python3.12" >&2; exit 1; }
	@echo "making $(PEERS) (once; a minute or two)"
	@$(BENCH_PYTHON) -m venv --clear $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/queue/requirements.txt
	@touch $@

$(FORECAST_PEERS)/installed: requirements/dev.txt benchmarks/forecast/requirements.txt
	@echo "making $(FORECAST_PEERS) (once; a minute or two)"
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
	@# protobuf takes a datetime where a Timestamp is expected in a constructor; the stubs do not know it yet.
	@find generated -name '*_pb2.pyi' -exec sed -i -E -e 's/^import builtins as _builtins/import datetime as _datetime\n&/' \
	  -e '/= \.\.\.,$$/s/_timestamp_pb2\.Timestamp\b/_timestamp_pb2.Timestamp | _datetime.datetime/' {} +
	@touch generated/made

generated/made: $(PROTOS) $(VENV)/installed
	@$(MAKE) --no-print-directory protos

check-protos: setup ## Lint the protos, and refuse what would break a client of main.
	$(BIN)/buf lint protos
	$(BIN)/python -m devtools.breaking

lock: ## Resolve the hashed locks anew, with equal versions (needs uv; nothing younger than a week).
	@before=$$($(PYTHON) -c 'import datetime as d; print(d.date.today() - d.timedelta(days=7))'); \
	compile="uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --exclude-newer $$before \
	  --no-header --quiet"; \
	$$compile --extra run --extra dev --upgrade -o requirements/dev.txt || exit 1; \
	cp requirements/dev.txt requirements/run.txt && cp requirements/dev.txt requirements/runtime.txt; \
	$$compile --extra run -o requirements/run.txt && $$compile -o requirements/runtime.txt

clean: ## Remove what was built; the data of `make run` stay in .warmcast.
	rm -rf $(VENV) $(PEERS) $(FORECAST_PEERS) $(POLICY) generated build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
