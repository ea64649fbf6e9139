# `make demo` and `make test` are all that a newcomer needs; each makes the virtual environments that it uses.
# Variables of a call, such as PEOPLE=10000, reach the programs through the environment.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

IS_PYTHON_313 := -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null
ifndef PYTHON
# pyenv's shims follow .python-version, which asks for 3.13; uv may know one that is not on the path.
PYTHON := $(shell for candidate in python3.13 python3 python "$$(uv python find 3.13 2>/dev/null)"; do \
	"$$candidate" $(IS_PYTHON_313) && { command -v "$$candidate"; break; }; done)
endif

# A stamp is written when its environment is complete, so a half-made one is made again. Six of them, because aws-sam-cli,
# awscli, checkov, ministack and the project pin different versions of boto3, and Lambda has no other packages.
DEV := .venv/.complete
SAM := .venv-sam/.complete
EMULATOR := .venv-emulator/.complete
RUNTIME := .venv-runtime/.complete
AWS := .venv-aws/.complete
CHECKOV := .venv-checkov/.complete
ENVIRONMENTS := $(DEV) $(SAM) $(EMULATOR) $(RUNTIME) $(AWS) $(CHECKOV)

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# Python compiles what is imported. To compile everything at the installation takes half of its time.
INSTALL_LOCK := $(PIP_INSTALL) --no-compile --no-deps --require-hashes --requirement
LOCK := .venv/bin/uv pip compile --quiet --no-header --no-annotate \
	--universal --python-version 3.13 --generate-hashes $(if $(UPGRADE),--upgrade)
PYTEST = .venv/bin/pytest --numprocesses=$(or $(WORKERS),$(1)) --dist=loadgroup
export SAM_CLI_TELEMETRY := 0
# Where it is set, every process of the tests would compile its imports again: a third of the linters' time.
unexport PYTHONDONTWRITEBYTECODE
AWS_REGION_OF_LINT := us-east-1

.PHONY: help install demo console test static format format-check lint typecheck files validate template covered others beside-e2e build deploy count unit e2e bench simulate chaos mutate screenshots run inspect erase redrive rejected sign-out-everybody env-vars lock hooks clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-19s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Make the virtual environments that are missing or out of date
	@$(MAKE) --silent --jobs=2 $(ENVIRONMENTS)

demo: install ## Run an export on this machine: PEOPLE= EVENTS= REPORT= KEEP= SENDGRID_URL= LYTICS_URL= INPUT=
	@.venv/bin/python -m tests.local.demo

console: install ## Run the console on this machine, until Ctrl-C: PEOPLE=
	@.venv/bin/python -m tests.local.console

test: install ## Check format, lint, types and template, then run every test
	@$(MAKE) --jobs=2 --output-sync e2e beside-e2e

# Not `template`: tests/template runs both linters, and shows that they find what is in their configuration and no more.
static: format-check lint typecheck validate files

format: $(DEV) ## Format the code and fix what ruff can fix
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

format-check: $(DEV)
	.venv/bin/ruff format --check

lint: $(DEV) ## Check the code with ruff
	.venv/bin/ruff check

typecheck: $(DEV) ## Check the types
	.venv/bin/mypy

files: $(DEV) ## Check whitespace and syntax of all other files
	@for hook in trailing-whitespace end-of-file yaml json toml; do \
		.venv/bin/pre-commit run --all-files "$$hook" || exit 1; done

validate: $(SAM)
	.venv-sam/bin/sam validate --region $(AWS_REGION_OF_LINT)

template: validate $(CHECKOV) ## Check template.yaml with sam validate, cfn-lint and checkov
	.venv-sam/bin/cfn-lint
	.venv-checkov/bin/checkov

build: $(SAM) ## Build the functions and layers into .aws-sam/build, for `sam deploy`
	PATH="$(CURDIR)/.venv-sam/bin:$$PATH" .venv-sam/bin/sam build

deploy: build ## Build and deploy, with a question for each parameter; samconfig.local.toml keeps the answers: ENV=dev|prod
	@[[ -e samconfig.local.toml ]] || cp samconfig.toml samconfig.local.toml
	.venv-sam/bin/sam deploy --guided --config-file samconfig.local.toml --config-env "$(or $(ENV),prod)" --no-confirm-changeset

covered: $(DEV) ## Run the unit tests; they must cover every branch of the modules that decide
	$(call PYTEST,2) tests/unit --cov --cov-report=term

others: $(ENVIRONMENTS) ## Run the tests that are neither unit tests nor on the local cloud
	$(call PYTEST,2) --ignore=tests/unit --ignore=tests/e2e --ignore=tests/workflow

# The end-to-end tests take longest and mostly wait, for processes that have time limits: all else gives way to them.
beside-e2e: $(ENVIRONMENTS)
	@nice -n 5 $(MAKE) static covered others

count: $(DEV) ## Count lines and tests, separately for the tests proper and their platform
	@.venv/bin/python -m tests.count

unit: $(DEV) ## Run the quick tests: all but those on the local cloud
	$(call PYTEST,3) --ignore=tests/e2e --ignore=tests/workflow

e2e: $(ENVIRONMENTS) ## Run the tests on the local cloud
	$(call PYTEST,5) tests/e2e tests/workflow

bench: install ## Measure requests, units, CPU and dollars against their floors: REPORT=
	@.venv/bin/python -m tests.bench

simulate: $(DEV) ## Run deliver, confirm, erase and whole runs in schedules full of faults: SCHEDULES= SEED= FIRST= MUTATION= WORKERS=
	@PYTHONHASHSEED=0 .venv/bin/python -m tests.simulation

chaos: install ## Run an export through every fault and compare every person at the end: PEOPLE= SEED= REPORT=
	@.venv/bin/python -m tests.local.chaos

mutate: $(DEV) ## Break deciding modules in one small way at a time and list the faults no test notices: MODULES= REPORT=
	@PYTHONHASHSEED=0 nice -n 15 .venv/bin/python -m tests.mutation

screenshots: $(DEV) ## Write the pictures of the console that README and docs show; needs Chromium
	@.venv/bin/python -m tests.browser.screenshots

run: $(DEV) ## Start an export, show its progress and print its report: STACK= INPUT=file.json DRY=1 REPORT= FOLLOW=
	@.venv/bin/python -m functions.operate.run

inspect: $(DEV) ## Say why a person is or is not in a segment: STACK= EMAIL= EXPORT=
	@.venv/bin/python -m functions.operate.inspect

erase: $(DEV) ## Erase people in SendGrid and in the ledger: STACK= EMAILS=file EXPORT= AGAIN=1 WAIT=0
	@.venv/bin/python -m functions.operate.erase

redrive: $(DEV) ## Put messages of the dead-letter queues or the rejects queue back to work: STACK= QUEUE=changes|imports|rejects DRY=1
	@.venv/bin/python -m functions.operate.redrive

rejected: $(DEV) ## List rejected contacts and why SendGrid refused them: STACK= EXPORT=
	@.venv/bin/python -m functions.operate.rejected

sign-out-everybody: $(DEV) ## End every session of the console: STACK=
	@.venv/bin/python -m functions.operate.sign_out_everybody

env-vars: $(DEV) ## Write the functions' variables for `sam local invoke --env-vars`: STACK= FILE=env.json
	@.venv/bin/python -m functions.operate.env_vars

lock: $(DEV) ## Lock every environment's and the layer's packages, with hashes: UPGRADE=1
	$(LOCK) layers/dependencies/requirements.in --output-file layers/dependencies/requirements.txt
	$(LOCK) layers/console/requirements.in --constraints layers/dependencies/requirements.txt \
		--output-file layers/console/requirements.txt
	$(LOCK) --group dev pyproject.toml --constraints layers/dependencies/requirements.txt \
		--constraints layers/console/requirements.txt \
		--output-file requirements-dev.txt
	for name in sam emulator runtime aws checkov; do \
		$(LOCK) tests/local/requirements-$$name.in --output-file tests/local/requirements-$$name.txt; done

hooks: $(DEV) ## Check each commit before it is made: format, lint, types, whitespace, YAML
	.venv/bin/pre-commit install

clean: ## Remove the virtual environments and everything else that make created
	rm -rf .venv .venv-sam .venv-emulator .venv-runtime .venv-aws .venv-checkov .aws-sam .local-cloud build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A new environment each time, so that packages that are no longer required are gone.
define new_environment
@"$(PYTHON)" $(IS_PYTHON_313) || { echo "Python 3.13 is needed and not found: install it, or name it with make PYTHON=/path/to/python3.13" >&2; exit 1; }
@echo "Making $(@D)"
@"$(PYTHON)" -m venv --clear $(@D)
endef

$(DEV): requirements-dev.txt pyproject.toml .python-version
	$(new_environment)
	@$(@D)/bin/python $(INSTALL_LOCK) $<
	@$(@D)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv-%/.complete: tests/local/requirements-%.txt .python-version
	$(new_environment)
	@$(@D)/bin/python $(INSTALL_LOCK) $<
	@touch $@
