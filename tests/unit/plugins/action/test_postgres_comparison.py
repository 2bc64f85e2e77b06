# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison of a PostgreSQL server, as role pg gets it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.action import postgres_comparison
from tests.unit.plugins.action.running import run_action
from tests.unit.plugins.plugin_utils._topology.test_postgres_host import REQUIREMENTS, STATE, UNKNOWN, setting


def ran(**arguments: Any) -> dict[str, Any]:
    given = {"requirements": REQUIREMENTS, "state": STATE, **arguments}
    return run_action(postgres_comparison, {"inventory_hostname": "pg"}, **given)


def test_its_lists_are_lists_for_templates() -> None:
    found = ran(state={**STATE, "hba_rules": f"{UNKNOWN}\n"}, backup_addresses=["198.51.100.11/32"])
    assert found["unknown_rules"] == [UNKNOWN]
    assert found["hba_lines"] == [*REQUIREMENTS["hba_lines"], UNKNOWN]
    assert [name for name, value in found.items() if isinstance(value, tuple)] == []
    assert not found["changed"]


def test_another_server_is_refused() -> None:
    with pytest.raises(AnsibleActionFail, match="is version 16"):
        ran(state={**STATE, "version": 16})


def test_a_setting_that_a_restart_did_not_bring_is_a_failure() -> None:
    late = {**STATE, "settings": [setting("wal_level")]}
    assert ran(state=late)["restart"] == late["settings"]
    with pytest.raises(AnsibleActionFail, match=r"\(postgresql@17-main, port 5432\) was restarted.*wal_level is 2"):
        ran(state=late, restarted="postgresql@17-main")
