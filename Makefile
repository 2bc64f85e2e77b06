# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
VENV := .venv/bin

.DEFAULT_GOAL := help

.PHONY: venv run-venv lock
venv:  ## Make or renew .venv and .cache/collections, everything pinned
	@$(PYTHON) tests/tools/environment.py dev

run-venv:
	@$(PYTHON) tests/tools/environment.py run

lock: venv  ## Pin the newest versions of requirements/*.in
	@$(VENV)/python tests/tools/lock_requirements.py
