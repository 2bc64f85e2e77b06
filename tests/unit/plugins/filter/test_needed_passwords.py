# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The passwords of a backup server: of what is declared, and of what it still has from before."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.needed_passwords import needed_passwords
from tests.unit.plugins.plugin_utils._topology.inventories import backup, good, pg

FLEET = good(
    more_pg={"moved": pg("198.51.100.22", barman_backup_server="elsewhere")},
    more_backup={"elsewhere": backup("198.51.100.12")},
)
TOPOLOGY: dict[str, Any] = {"topology": FLEET.topology, "requirements": FLEET.requirements}
MOVED = {
    "name": "moved",
    "host": "moved",
    "active": True,
    "passive": False,
    "streaming": True,
    "archiving": False,
    "slot_name": "barman",
}


def hosts(entries: dict[str, Any], written: dict[str, Any] | None = None) -> list[str]:
    """The hosts to which the backup server needs passwords. Each connection is there once."""
    found = needed_passwords(TOPOLOGY, "backup", entries, written)
    assert [one for one in found if found.count(one) > 1] == []
    return list(dict.fromkeys(one["host"] for one in found))


@pytest.mark.parametrize("entries", [{}, {"unlisted": []}, {"failed": True, "unlisted": [MOVED]}, {"skipped": True}])
def test_what_is_declared(entries: dict[str, Any]) -> None:
    assert hosts(entries) == ["pg"]


def test_a_server_that_moved_away_needs_its_passwords_until_it_is_released() -> None:
    entries = {"unlisted": [MOVED], "handing_over": {"moved": ["streaming"]}}
    assert hosts(entries) == ["pg", "moved"]
    assert hosts({**entries, "unlisted": [{**MOVED, "passive": True}]}) == ["pg"]


def test_a_password_is_named_by_its_variable_and_never_by_its_value() -> None:
    found = needed_passwords(TOPOLOGY, "backup", {"unlisted": [MOVED]})
    assert {one["password_variable"] for one in found} == {"barman_postgres_password", "barman_streaming_password"}
    assert "management secret" not in str(found)


def test_a_filter_without_the_topology_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match=r"needed_passwords needs what .* with the host 'backup' in it"):
        needed_passwords({}, "backup", {})
