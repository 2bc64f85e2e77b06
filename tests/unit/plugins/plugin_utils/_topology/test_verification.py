# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifications of stored backups and WAL as the inventory declares them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.plugins.plugin_utils._topology.inventories import good, only_problem


def test_a_backup_server_verifies_its_servers() -> None:
    barman = good(
        {"barman_verification_days": "14", "barman_verification_schedule": "0 5 * * *"},
        {"barman_verification_bandwidth_limit": 50000},
    ).requirements["backup"]["barman"]
    line = "0 5 * * * barman pgdr-barman verify --quiet --wait 86400 pg"
    assert barman["verification"] == {
        "days": {"pg": 14},
        "maximum_ages": {"pg": 15 * 86400},
        "bandwidth_limit": 50000,
        "schedule_lines": [line],
    }
    program = barman["program"]
    assert program["settings"]["verify"] == {"days": {"pg": 14}, "bandwidth_limit": 50000}
    assert program["settings"]["check"]["verification_maximum_age"] == {"pg": 15 * 86400}
    assert program["schedule_lines"] == [line]


def test_without_a_declaration_nothing_is_scheduled_and_nothing_is_too_old() -> None:
    assert good({}).requirements["backup"]["barman"]["verification"] == {
        "days": {},
        "maximum_ages": {},
        "bandwidth_limit": None,
        "schedule_lines": [],
    }


@pytest.mark.parametrize("value", [0, -1, "soon", 1.5])
def test_wrong_days_are_named(value: Any) -> None:
    assert only_problem({"barman_verification_days": value}).variable == "barman_verification_days"
