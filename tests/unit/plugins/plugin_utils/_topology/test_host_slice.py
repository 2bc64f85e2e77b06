# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a single host gets of the topology."""

from __future__ import annotations

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.host_slice import host_slice, hosts_by_part
from tests.bench.topology import inventory

BACKUPS: dict[str, dict[str, str]] = {"backup-1": {}, "backup-2": {}}
SERVER = {"barman_postgres_version": 17, "barman_postgres_password": "x", "barman_streaming_password": "x"}


def resolved(**servers):
    outcome = build({name.replace("_", "-"): {**SERVER, **own} for name, own in servers.items()}, BACKUPS)
    assert not outcome.problems
    return outcome


def test_hosts_by_part_are_those_that_ansible_connects_to_and_each_once():
    outcome = resolved(
        pg_1={"barman_backup_server": "backup-1"},
        pg_2={"barman_backup_server": "backup-2", "barman_manage_postgres": False},
    )
    assert hosts_by_part(outcome.requirements, ["pg-2", "pg-1"], ["backup-1", "backup-2"]) == {
        "pg": ["pg-1"],
        "backup": ["backup-1", "backup-2"],
        "all": ["pg-1", "backup-1", "backup-2"],
        "ssh": [],
        "members": [],
        "archiving": [],
        "synchronous": [],
        "manual": ["pg-2"],
    }
    both = build(
        {"both": {**SERVER, "barman_backup_server": "both"}},
        {"both": {}},
    )
    assert hosts_by_part(both.requirements, ["both"], ["both"])["all"] == ["both"]


def test_a_postgres_server_gets_itself_its_neighbours_and_the_addresses_of_all_backup_servers():
    outcome = resolved(
        primary={},
        standby={"barman_primary": "primary", "barman_backup_server": "backup-2"},
        other={"barman_backup_server": "backup-1"},
    )
    for host in ("primary", "standby"):
        found = host_slice(host, outcome.topology, outcome.requirements)
        assert set(found["topology"]["postgres_servers"]) == {"primary", "standby"}
        assert set(found["topology"]["backup_servers"]) == {"backup-1", "backup-2"}
        assert found["requirements"] == {host: outcome.requirements[host], "backup-2": {"barman": {"user": "barman"}}}


def test_a_backup_server_gets_everything_and_a_host_without_a_part_nothing():
    outcome = resolved(pg_1={"barman_backup_server": "backup-1"}, pg_2={"barman_backup_server": "backup-2"})
    assert host_slice("backup-1", outcome.topology, outcome.requirements)["requirements"] is outcome.requirements
    assert host_slice("elsewhere", outcome.topology, outcome.requirements) == {"topology": {}, "requirements": {}}


def test_the_part_of_a_postgres_server_does_not_grow_with_the_number_of_servers():
    def size(servers: int) -> int:
        outcome = build(*inventory(servers))
        return len(str(host_slice("pg-0001", outcome.topology, outcome.requirements)["requirements"]))

    # The names of the backup servers have as many digits.
    assert size(100) == size(800)


def test_hosts_by_part_select_those_with_ssh_archiving_and_synchronous_commit():
    outcome = resolved(
        pg_1={"barman_backup_server": "backup-1", "barman_wal": "archiving"},
        pg_2={"barman_backup_server": "backup-2", "barman_synchronous": True},
    )
    found = hosts_by_part(outcome.requirements, ["pg-1", "pg-2"], ["backup-1", "backup-2"])
    assert (found["archiving"], found["synchronous"]) == (["pg-1"], ["pg-2"])
    assert found["ssh"] == ["pg-1", "backup-1"]
