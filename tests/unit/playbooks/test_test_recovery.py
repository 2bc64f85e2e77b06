# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook test_recovery refuses before it connects to any host. The scenario adopt has the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playing import play

INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"barman_postgres_password": "x", "barman_streaming_password": "x", "barman_postgres_version": 17},
        "children": {
            "backup": {"hosts": {"backup": {"ansible_host": "192.0.2.11"}}},
            "pg": {
                "vars": {"barman_backup_server": "backup"},
                "hosts": {
                    "pg": {"ansible_host": "192.0.2.21"},
                    "manual": {"ansible_host": "192.0.2.22", "barman_manage_postgres": False},
                },
            },
        },
    }
}
DIRECTORY = {"barman_recover_directory": "/srv/recovered"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["barman_recover_server", "barman_recover_directory"]),
        ({"barman_recover_server": "other", **DIRECTORY}, ["other"]),
        ({"barman_recover_server": "manual", **DIRECTORY}, ["manual has barman_manage_postgres: false"]),
        ({"barman_recover_server": "pg", "barman_test_rows": "many", **DIRECTORY}, ["barman_test_rows", "many"]),
    ],
    ids=["nothing", "unknown", "unmanaged", "wrong"],
)
def test_nothing_is_written_for_wrong_arguments(tmp_path: Path, given: dict[str, Any], expected: list[str]) -> None:
    (tmp_path / "inventory.json").write_text(json.dumps(INVENTORY))
    stdout = play(
        tmp_path,
        "pgdr.barman.test_recovery",
        "--inventory=inventory.json",
        "--extra-vars",
        json.dumps(given),
        rc=2,
    )
    assert all(word in stdout for word in expected), stdout
    assert "Write rows before the backup" not in stdout
