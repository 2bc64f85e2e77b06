# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Barman need not run as the user barman: every task that runs it says as whom, and every module asks for that user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

MODULES = {
    path.stem
    for path in (REPOSITORY / "plugins" / "modules").glob("*.py")
    if "pgdr.barman._barman" in path.read_text(encoding="utf-8")
}
FILES = sorted((REPOSITORY / "playbooks").rglob("*.yml")) + sorted((REPOSITORY / "roles").glob("*/tasks/**/*.yml"))


def tasks(value: Any) -> Iterator[tuple[str, Any]]:
    """Every use of a module that runs Barman, with its arguments."""
    if isinstance(value, dict):
        for key, item in value.items():
            if str(key).removeprefix("pgdr.barman.") in MODULES and str(key).startswith("pgdr.barman."):
                yield key, item
            else:
                yield from tasks(item)
    elif isinstance(value, list):
        for item in value:
            yield from tasks(item)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_task_reports_who_runs_barman(path: Path) -> None:
    for module, arguments in tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
        # Where the arguments are a variable, it is made with the user in it.
        assert isinstance(arguments, str) or "barman_user" in arguments, module


def test_there_are_such_tasks() -> None:
    found = {name for path in FILES for name, _ in tasks(yaml.safe_load(path.read_text(encoding="utf-8")))}
    assert {"pgdr.barman.backup", "pgdr.barman.check", "pgdr.barman.server"} <= found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_reads_the_configuration_as_that_user(module: str) -> None:
    text = (REPOSITORY / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    for call in re.findall(r"\bread\((.*)\)$", text, re.MULTILINE):
        assert "barman_user" in call or "barman.user" in call, call
