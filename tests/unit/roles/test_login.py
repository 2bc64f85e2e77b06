# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine may have several instances of PostgreSQL: every task says to which it connects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

COLLECTION = "community.postgresql"
RUNTIME = REPOSITORY / ".cache/collections/ansible_collections/community/postgresql/meta/runtime.yml"
# These are included where the defaults are given.
INCLUDED = ("adjust.yml", "alter_system.yml", "grants.yml")
FILES = [
    path
    for path in sorted(
        [
            *(REPOSITORY / "roles").glob("*/tasks/*.yml"),
            *(REPOSITORY / "roles").glob("*/handlers/*.yml"),
            *(REPOSITORY / "playbooks").rglob("*.yml"),
        ]
    )
    if f"{COLLECTION}.postgresql_" in path.read_text(encoding="utf-8")
]


def group() -> set[str]:
    """The modules that module_defaults of the group reach."""
    modules = yaml.safe_load(RUNTIME.read_text(encoding="utf-8"))["action_groups"]["all"]
    return {f"{COLLECTION}.{name}" for name in modules}


def managed_defaults() -> frozenset[str]:
    """The modules that get their login from the block of managed.yml, also in the files that it includes."""
    managed = yaml.safe_load((REPOSITORY / "roles/pg/tasks/managed.yml").read_text(encoding="utf-8"))
    given = next(task["module_defaults"] for task in managed if "module_defaults" in task)
    names = {name for name, arguments in given.items() if "login_port" in arguments}
    return frozenset(names | (group() if f"group/{COLLECTION}.all" in names else set()))


def tasks(value: Any, defaults: frozenset[str] = frozenset()) -> Iterator[tuple[str, dict[str, Any], frozenset[str]]]:
    """Each task's module, its arguments, and the modules whose defaults name a port where it stands."""
    for task in value or []:
        given = {name for name, arguments in task.get("module_defaults", {}).items() if "login_port" in arguments}
        reached = defaults | frozenset(given) | (group() if f"group/{COLLECTION}.all" in given else frozenset())
        for part in ("block", "rescue", "always", "tasks", "handlers"):
            yield from tasks(task.get(part), reached)
        for name, arguments in task.items():
            if name.startswith(f"{COLLECTION}.postgresql_"):
                yield name, arguments, reached


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_task_reports_at_which_port_it_connects(path: Path) -> None:
    outer = managed_defaults() if path.name in INCLUDED else frozenset()
    for name, arguments, reached in tasks(yaml.safe_load(path.read_text(encoding="utf-8")), outer):
        assert "login_port" in arguments or name in reached, f"{name} would connect to port 5432"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_timeout_of_a_role_or_database_cuts_a_task_off(path: Path) -> None:
    variables = yaml.safe_load((REPOSITORY / "roles/pg/vars/main.yml").read_text(encoding="utf-8"))
    for name, arguments, reached in tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
        # Where module_defaults reach, they are one of these, too. A ping asks nothing that takes time.
        if name in reached or name.endswith("_ping") or path.name in INCLUDED:
            continue
        options = arguments["connect_params"]["options"]
        assert "statement_timeout=0" in options or "__pg_session" in options, name
    assert "-c statement_timeout=0 -c lock_timeout=0" in variables["__pg_session"]
    managed = (REPOSITORY / "roles/pg/tasks/managed.yml").read_text(encoding="utf-8")
    assert 'options: "{{ __pg_session }}"' in managed.split("block:")[0]


def test_there_are_such_tasks() -> None:
    assert {"managed.yml", "start.yml", "configure.yml"} <= {path.name for path in FILES}
