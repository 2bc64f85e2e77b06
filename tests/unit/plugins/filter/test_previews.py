# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters backup_preview and postgres_preview with requirements as module topology returns them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.backup_preview import backup_preview
from ansible_collections.pgdr.barman.plugins.filter.postgres_preview import postgres_preview
from tests.unit.plugins.plugin_utils._topology.inventories import good

REQUIREMENTS: dict[str, Any] = good().requirements
SECRETS = ("management secret", "streaming secret")


def test_a_backup_server_shows_packages_and_entries() -> None:
    lines = backup_preview(REQUIREMENTS["backup"]["barman"], "backup", ["barman"])
    assert "A real run does this on backup:" in lines[0]
    assert "- install the packages barman" in lines
    assert [line for line in lines if line.startswith("    pg: ")]


def test_a_postgresql_server_shows_roles_rules_and_settings() -> None:
    required = REQUIREMENTS["pg"]["postgres"]
    asked = {"stdout_lines": ["wal_level|minimal|postmaster"]}
    lines = postgres_preview(required, "pg", ["python3-psycopg"], {"wal_level": {"minimum": "replica"}}, asked)
    text = "\n".join(lines)
    assert "- install the packages python3-psycopg" in lines
    assert all(role["name"] in text for role in required["roles"])
    assert all(rule in text for rule in required["hba_lines"])
    assert "wal_level" in text
    assert not any(secret in text for secret in SECRETS)


def test_a_server_that_does_not_answer_shows_its_first_error() -> None:
    asked = {"stderr_lines": ["psql: no such socket", "more"]}
    lines = postgres_preview(REQUIREMENTS["pg"]["postgres"], "pg", [], {"wal_level": {"value": "replica"}}, asked)
    assert "psql: no such socket" in "\n".join(lines)
    assert "more" not in lines


@pytest.mark.parametrize("required", [None, {}, "text", REQUIREMENTS["pg"]])
def test_requirements_of_something_else_are_an_error(required: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="requirements of a backup server"):
        backup_preview(required, "backup", [])
    with pytest.raises(AnsibleFilterError, match="requirements of a PostgreSQL server"):
        postgres_preview(required, "pg", [], {}, {})
