# `make` or `make help` lists the targets. Everything installed lives in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
MEMBERS := $(sort $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml)))
PROTOS := $(sort $(shell find protos -name '*.proto'))
GENERATED := libs/headwater_protos

# uv does not read pip's settings; an index or a certificate given to pip counts for it too.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif
export UV_HTTP_TIMEOUT ?= 180

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.members ## Make .venv: the locked dependencies, and every member editable

$(PY):
	@python=$${PYTHON:-}; for candidate in $$python python3 python3.13 python3.12 python3.11; do \
	  if $$candidate -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "$$($$candidate --version) in $(VENV)"; exec $$candidate -m venv $(VENV); fi; done; \
	echo "make setup needs Python 3.11 or newer with its venv module: install it, or name one with PYTHON=..." >&2; exit 1

# pip, which every Python has, installs only uv, by its hash; uv installs the rest in a tenth of the time.
$(VENV)/.locked: requirements/lock.txt | $(PY)
	@awk '/^[^ ]/{on=/^uv==/} on' $< > $(VENV)/uv.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt
	$(BIN)/uv pip install --compile-bytecode --python $(PY) --require-hashes -r $< || $(PY) -m pip install --require-hashes -r $<
	@touch $@

$(VENV)/.members: $(VENV)/.locked $(addsuffix /pyproject.toml,$(MEMBERS))
	$(BIN)/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@touch $@

.PHONY: demo
demo: setup ## Run the platform on a real corpus, show it, stop; JSON=FILE writes the figures
	$(BIN)/headwater demo $(if $(JSON),--json '$(JSON)') $(ARGS)

# What starts no engine runs on all cores. What does waits most of its time, so two workers run side by side, each with
# engines of its own; a file is one worker's. Either begins with what takes long, so that none is busy alone at the end.
WITHOUT_ENGINES := -n auto --dist worksteal tests/chaos/memory tests/architecture tests/unit
WITH_ENGINES := -n 2 --dist loadfile --no-loadscope-reorder \
  tests/e2e tests/chaos --ignore=tests/chaos/memory tests/integration tests/contract
# That ARGS select nothing in one of the two is no fault; without ARGS it is.
OR_NONE := || test $$? -eq 5 -a -n '$(if $(ARGS),some)'

.PHONY: test
test: setup ## Run all tests; ARGS go to pytest
	@$(PY) -m pytest $(WITHOUT_ENGINES) $(ARGS) $(OR_NONE)
	@$(PY) -m pytest $(WITH_ENGINES) $(ARGS) $(OR_NONE)

.PHONY: unit
unit: setup ## Run the tests that need no engine, on all cores
	$(PY) -m pytest -n auto --dist worksteal tests/unit tests/architecture $(ARGS)

.PHONY: chaos
chaos: setup ## Break a real platform by SEED for SECONDS with FAULTS (all); DATA=DIR, MUTATION=name, JSON=FILE; ARGS too
	PYTHONPATH=tests $(PY) -m chaos.run $(if $(SEED),--seed $(SEED)) $(if $(filter command line,$(origin SECONDS)),--seconds $(SECONDS)) \
	  $(if $(FAULTS),--faults '$(FAULTS)') $(if $(MUTATION),--mutation '$(MUTATION)') \
	  $(if $(DATA),--data '$(DATA)') $(if $(JSON),--json '$(JSON)') $(ARGS)

.PHONY: soak
soak: setup ## Chaos at length: 100,000 histories, 20 seeds, every crash point, every planted bug; DATA=DIR, JSON=FILE
	HEADWATER_SOAK=10 $(PY) -m pytest tests/chaos/memory --timeout=3600
	PYTHONPATH=tests $(PY) -m chaos.soak $(if $(DATA),--data '$(DATA)') $(if $(JSON),--json '$(JSON)') $(ARGS)

.PHONY: images
images: setup ## Build all images with docker and print their sizes; ONLY='embed guard', TAG=dev, JSON=FILE
	$(PY) deploy/docker/images.py $(if $(ONLY),--only $(ONLY)) $(if $(TAG),--tag $(TAG)) $(if $(JSON),--json '$(JSON)') \
	  --revision "$$(git rev-parse HEAD 2>/dev/null || true)"

.PHONY: cluster-test
cluster-test: setup ## Try it all on the cluster of the current kube context (docs/deploying.md); STEPS=smoke,…, JSON=FILE
	PATH="$$PATH:$(CURDIR)/$(BIN)" PYTHONPATH=tests $(PY) -m cluster.run $(if $(STEPS),--steps '$(STEPS)') \
	  $(if $(JSON),--json '$(JSON)') $(ARGS)

.PHONY: lint
lint: setup ## Check style (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: setup ## Put the code in shape (ruff)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: setup ## Check types (mypy, strict)
	$(BIN)/mypy

.PHONY: layers
layers: setup ## Check who may import whom (import-linter)
	$(BIN)/lint-imports --no-logo

.PHONY: protos
protos: setup ## Generate the Python code of the protos
	find $(GENERATED)/headwater -name '*_pb2*' -delete
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) -m grpc_tools.protoc -I protos --python_out=$(GENERATED) \
	  --grpc_python_out=$(GENERATED) --mypy_out=$(GENERATED) --mypy_grpc_out=$(GENERATED) $(PROTOS)

.PHONY: golden
golden: setup ## Keep what RELEASE writes to the topics, for the releases after it to read
	PYTHONPATH=tests $(PY) -m architecture.golden '$(RELEASE)'

.PHONY: check-protos
check-protos: setup ## Lint the protos, refuse breaking changes against main, check that the generated code is current
	$(BIN)/buf lint protos
	@main=$$(git rev-parse -q --verify origin/main || git rev-parse -q --verify main || true); \
	if [ -n "$$main" ] && git cat-file -e "$$main:protos/buf.yaml" 2>/dev/null; then \
	  before=$$(mktemp -d); trap 'rm -rf "$$before"' EXIT; \
	  git archive "$$main" protos | tar -x -C "$$before"; \
	  echo "$(BIN)/buf breaking protos --against main"; $(BIN)/buf breaking protos --against "$$before/protos"; \
	fi
	$(PY) -m pytest tests/architecture/test_protos.py

.PHONY: docs
docs: setup ## Write the generated tables of topics, rights, settings, policies, metrics, spans and licences
	$(PY) -m headwater_kit.bus.docs docs/topics.md
	$(PY) -m headwater_kit.rpc.docs docs/access.md
	$(PY) -m headwater_kit.bus.acl_docs docs/exposing.md
	$(PY) -m headwater_kit.telemetry.docs docs/observing.md
	$(PY) -m headwater_kit.telemetry.span_docs docs/tracing.md
	PYTHONPATH=tests $(PY) -m architecture.licences docs/licences.md
	$(PY) -m headwater_kit.settings.docs $(sort $(wildcard services/*/README.md))

.PHONY: manifests
manifests: setup ## Write what of deploy/k8s follows from the code: settings, network policies, topics, users
	PYTHONPATH=deploy $(PY) -m manifests

.PHONY: observability
observability: setup ## Write the rules and dashboards of deploy/observability
	$(PY) -m headwater_observability.rules deploy/observability/rules.yaml deploy/k8s/components/observability/rules.yaml
	$(PY) -m headwater_observability.dashboards.grafana deploy/observability/dashboards

.PHONY: tools
tools: ## Build promtool and Prometheus from their Go modules, into the user's cache; needs Go
	deploy/observability/build_tools.sh promtool prometheus

.PHONY: audit
audit: setup ## Look the locked packages up in an advisory source; exit 3 where there is none. SERVICE=osv or pypi
	@.ci/audit

# checkov and what it needs have versions of their own, so they have an environment of their own.
.venv-deploy/.locked: requirements/deploy.txt | $(PY)
	@$(PY) -m venv --without-pip .venv-deploy
	$(BIN)/uv pip install --quiet --python .venv-deploy/bin/python --require-hashes -r $<
	@touch $@

.PHONY: check-deploy
check-deploy: setup .venv-deploy/.locked ## Check manifests and Dockerfile: kustomize, hadolint, checkov, kube-score, kubeconform
	@deploy/check/gate

.PHONY: deploy-tools
deploy-tools: setup .venv-deploy/.locked ## Build kubeconform, its schemas and kube-score into the user's cache; needs Go
	@deploy/check/tools

.PHONY: lock
lock: setup ## Resolve requirements/*.txt anew from the members and requirements/*.in; ARGS=--upgrade takes newer versions
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --constraint requirements/pins.in --extra eval requirements/dev.in $(addsuffix /pyproject.toml,$(MEMBERS)) \
	  $(addprefix --no-emit-package ,$(shell sed -n 's/^name = "\(headwater-.*\)"/\1/p' libs/*/pyproject.toml services/*/pyproject.toml)) \
	  --output-file requirements/lock.txt $(ARGS) > /dev/null
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  requirements/deploy.in --output-file requirements/deploy.txt $(ARGS) > /dev/null

.PHONY: clean
clean: ## Remove .venv and the tools' caches; data of the platform stays
	rm -rf $(VENV) .venv-deploy .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
