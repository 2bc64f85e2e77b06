# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories for the tests: small ones that are right, to which a test adds its mistake."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import Outcome, build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Problem

Variables = dict[str, Any]


def backup(address: str = "198.51.100.11", **variables: Any) -> Variables:
    return {"ansible_host": address, **variables}


def pg(address: str = "198.51.100.21", **variables: Any) -> Variables:
    return {
        "ansible_host": address,
        "barman_backup_server": "backup",
        "barman_postgres_version": 17,
        "barman_postgres_password": "management secret",
        "barman_streaming_password": "streaming secret",
        **variables,
    }


def outcome(
    pg_variables: Variables | None = None,
    backup_variables: Variables | None = None,
    *,
    more_pg: dict[str, Variables] | None = None,
    more_backup: dict[str, Variables] | None = None,
) -> Outcome:
    """One server pg on one server backup, with variables added or (None) taken away, and more hosts."""
    return build(
        {"pg": _with(pg(), pg_variables), **(more_pg or {})},
        {"backup": _with(backup(), backup_variables), **(more_backup or {})},
    )


def _with(variables: Variables, changes: Variables | None) -> Variables:
    return {name: value for name, value in {**variables, **(changes or {})}.items() if value is not None}


def problems(*arguments: Any, **keywords: Any) -> list[Problem]:
    return outcome(*arguments, **keywords).problems


def only_problem(*arguments: Any, **keywords: Any) -> Problem:
    """The one problem of an inventory with one mistake; a second message for the same mistake fails the test."""
    found = problems(*arguments, **keywords)
    assert len(found) == 1, "\n".join(str(problem) for problem in found) or "no problem"
    return found[0]


def good(*arguments: Any, **keywords: Any) -> Outcome:
    found = outcome(*arguments, **keywords)
    assert found.problems == [], "\n".join(str(problem) for problem in found.problems)
    return found
