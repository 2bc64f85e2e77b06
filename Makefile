# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Each job is a small program under tests/tools; this file only names them.

# A distribution's own Python is built with optimization, which another one on PATH may not be: Ansible needs an eighth less CPU time with it.
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
VENV_PYTHON := .venv/bin/python
# Ansible requires UTF-8, whatever the caller has.
export LC_ALL := C.UTF-8
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/collections

.DEFAULT_GOAL := help

.PHONY: help
help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: quickstart lab-down
quickstart: run-venv  ## The main job on lab machines: protect, destroy, recover, prove (leaves them up)
	@$(VENV_PYTHON) -m tests.quickstart

lab-down: run-venv  ## Take the quickstart's machines away
	@$(VENV_PYTHON) -m tests.lab down tests/quickstart/lab.yml

.PHONY: test check package sanity cores molecule links bench matrix alerts
test: venv  ## Everything that the project has to check itself: check, package, cores and molecule (a part of both)
	@$(VENV_PYTHON) -m tests.tools.everything

check: venv  ## The fast part: formatting, lint, types, licences, changelog, unit tests
	@$(VENV_PYTHON) -m tests.tools.check

package: venv  ## Build the collection, install it into an empty path, and look at what is found there
	@$(VENV_PYTHON) -m tests.tools.package

sanity: venv  ## ansible-test sanity on the built collection, with the project's own ansible-core
	@$(VENV_PYTHON) -m tests.tools.sanity

cores: venv  ## Unit tests and syntax with every ansible-core that controllers run, sanity with the oldest and the newest
	@$(VENV_PYTHON) -m tests.tools.cores $(CORES)

molecule: venv  ## Every scenario on lab machines; SCENARIOS="streaming ..." for some
	@$(VENV_PYTHON) -m tests.tools.molecule $(SCENARIOS)

links: venv  ## Ask each external address of the pages whether it exists (needs a network; no part of test)
	@$(VENV_PYTHON) -m tests.tools.links

bench: venv  ## Measure side by side with bare tools; ARGS="--only check" for some (ARGS=--help)
	@$(VENV_PYTHON) -m tests.bench $(ARGS)

matrix: venv  ## Releases of Barman and PostgreSQL that no image of the lab has; ARGS="--part barman --only 3.16.2" for some
	@$(VENV_PYTHON) -m tests.matrix --output docs/tested.md $(ARGS)

alerts: venv  ## Each fault and its alert in real time, and a quiet hour beside it; ARGS="--part faults --only BarmanSlotLost" for some
	@$(VENV_PYTHON) -m tests.alerts --output docs/tested.md $(ARGS)

.PHONY: format docs images controller changelog lock
format: venv  ## Format the Python, repair what can be repaired
	@ruff check --quiet --fix --unsafe-fixes . || true
	@ruff format --quiet .

docs: venv  ## Generate docs/reference from the code, and build the documentation site in .cache/site/html
	@$(VENV_PYTHON) -m tests.tools.docs
	@$(VENV_PYTHON) -m tests.tools.site

images: venv  ## Copy the quickstart's picture and report into docs/images
	@$(VENV_PYTHON) -m tests.tools.images

controller: venv  ## Generate controller/ (AWX's templates, surveys, project) from the playbooks' arguments
	@$(VENV_PYTHON) -m tests.tools.controller

changelog: venv  ## Write CHANGELOG.md from changelogs/fragments, for the version in galaxy.yml
	@antsibull-changelog release --update-existing --reload-plugins
	@antsibull-changelog generate --reload-plugins --refresh

lock: venv  ## Pin the newest versions of requirements/*.in
	@$(VENV_PYTHON) tests/tools/lock_requirements.py

.PHONY: venv run-venv clean
venv:  ## Make or renew .venv and .cache/collections, everything pinned
	@$(PYTHON) tests/tools/environment.py dev

run-venv:
	@$(PYTHON) tests/tools/environment.py run

clean:  ## Remove .venv and .cache (the lab's images are kept elsewhere)
	rm -rf .venv .cache .ansible
