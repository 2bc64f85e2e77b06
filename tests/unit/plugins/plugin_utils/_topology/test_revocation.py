# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose SSH trust may be revoked."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.observed_entries import Entries
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.revocation import revocable_hosts

REQUIREMENTS: dict[str, Any] = {
    "pg": {"postgres": {}},
    "pg3": {"postgres": {}},
    "backup-a": {"barman": {"servers": [{"name": "main", "host": "pg"}]}},
    "backup-b": {"barman": {"servers": []}},
}
ALL = list(REQUIREMENTS)
NOTHING = Entries()


def entry(host: str | None, **more: Any) -> dict[str, Any]:
    return {"name": host or "unknown", "host": host, "active": True, "passive": False, **more}


def names(host: str, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None, play: Any = ALL) -> list[str]:
    return revocable_hosts(
        host, REQUIREMENTS, play, {"backup-a": Entries(**(a or {})), "backup-b": Entries(**(b or {}))}
    )


def test_only_hosts_of_the_inventory():
    assert names("backup-a") == sorted(ALL)
    assert "pg2" not in names("backup-a")


def test_only_hosts_of_this_run():
    assert names("backup-a", play=["backup-a", "pg"]) == ["backup-a", "pg"]


def test_a_host_whose_entry_stays_is_spared_on_both_sides():
    stays = {"unlisted": [entry("pg3")]}
    assert "pg3" not in names("backup-a", stays)
    assert "backup-a" not in names("pg3", stays)
    assert "pg3" in names("backup-b", stays)
    assert "backup-a" in names("pg", stays)


def test_an_undeclared_host_may_be_the_machine_under_another_name():
    """Two instances share postgres' authorized_keys, and the one whose entry stays is not in the inventory of this run."""
    stays = {"unlisted": [entry("pg2")]}
    assert "backup-a" not in names("pg", stays)
    assert "backup-a" not in names("pg3", stays)
    # The line on the backup server may have the name of any instance.
    assert names("backup-a", stays) == []


def test_an_entry_of_another_instance_on_the_machine_is_spared_too():
    connection = {"from_hosts": ["backup-b"], "to_hosts": ["pg", "pg3"]}
    # Both hosts of a connection have it.
    requirements = {
        name: {**one, "ssh_connections": [connection]} if name != "backup-a" else one
        for name, one in REQUIREMENTS.items()
    }
    entries = {"backup-a": Entries([entry("pg3")]), "backup-b": NOTHING}
    assert "backup-a" not in revocable_hosts("pg", requirements, ALL, entries)
    assert {"pg", "pg3"}.isdisjoint(revocable_hosts("backup-a", requirements, ALL, entries))


def test_a_released_entry_needs_nothing():
    assert names("backup-a", {"unlisted": [entry("pg3", active=False)]}) == sorted(ALL)


def test_an_entry_that_is_handed_over_needs_what_it_had():
    moving = {"handing_over": {"main": ["archiving"]}}
    assert "pg" not in names("backup-a", moving)
    assert "backup-a" not in names("pg", moving)


def test_a_passive_copy_that_stays_needs_its_source():
    copies = {"unlisted": [entry("pg", passive=True)]}
    assert "backup-b" not in names("backup-a", None, copies)
    assert "backup-b" in names("pg", None, copies)


def test_an_entry_of_an_unknown_host_spares_everybody():
    assert names("backup-a", {"unlisted": [entry(None)]}) == []
    assert "backup-a" not in names("pg", {"unlisted": [entry(None)]})


def test_entries_that_were_not_read():
    assert revocable_hosts("backup-a", REQUIREMENTS, ALL, {}) == []
    assert revocable_hosts("pg", REQUIREMENTS, ALL, {"backup-b": NOTHING}) == ["backup-b", "pg", "pg3"]


@given(
    st.lists(
        st.builds(
            lambda host, active, passive: entry(host, active=active, passive=passive),
            st.sampled_from([*ALL, "pg2", None]),
            st.booleans(),
            st.booleans(),
        )
    ),
    st.sampled_from(ALL),
    st.sets(st.sampled_from([*ALL, "pg2"])),
)
def test_no_trust_that_an_active_entry_needs_is_ever_revoked(unlisted, host, play):
    found = names(host, {"unlisted": unlisted}, None, play)
    assert set(found) <= set(REQUIREMENTS) & play
    for item in unlisted:
        if item["active"] and not item["passive"]:
            if host == "backup-a":
                assert item["host"] not in found
            if item["host"] in (host, "pg2", None) and host != "backup-a":
                assert "backup-a" not in found
