# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""adopt(deploy(x)) = x: the inventory of a deployed Barman is the one that it was deployed from."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.inventory import (
    BACKUP_DECIDED,
    PG_DECIDED,
    adopt,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import Outcome, build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import SECRET_VARIABLES
from tests.unit.plugins.plugin_utils._adoption.deployed import facts_after
from tests.unit.plugins.plugin_utils._topology.inventories import pg
from tests.unit.plugins.plugin_utils._topology.test_properties import SECRET, inventories

Inventory = tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]
quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def members(draw: Any, backups: list[str]) -> dict[str, dict[str, Any]]:
    """The members of at most one cluster, which have everything but their addresses in common."""
    shared = {
        "barman_cluster": "stock",
        "barman_cluster_manager": draw(st.sampled_from(["none", "patroni", "repmgr"])),
        "barman_backup_server": draw(st.sampled_from(backups)),
        "barman_postgres_password": SECRET,
        "barman_streaming_password": SECRET,
        "barman_postgres_version": draw(st.integers(13, 18)),
        "barman_slot_name": draw(st.sampled_from(["barman", "barman_stock"])),
        "barman_sslmode": draw(st.sampled_from(["prefer", "require"])),
        "barman_retention_policy": draw(st.sampled_from(["", "REDUNDANCY 3"])),
        "barman_connection_options": draw(st.sampled_from([{}, {"connect_timeout": "20"}])),
        "barman_passive_servers": draw(st.lists(st.sampled_from(backups), max_size=1)),
        "barman_options": draw(st.sampled_from([{}, {"description": "stock", "last_backup_maximum_age": "2 DAYS"}])),
    }
    if shared["barman_backup_server"] in shared["barman_passive_servers"]:
        del shared["barman_passive_servers"]
    port = st.integers(5432, 5434)
    return {
        f"stock-{number}": pg(f"10.0.1.{number + 1}", **shared, barman_postgres_port=draw(port))
        for number in range(draw(st.sampled_from([0, 2, 3])))
    }


@st.composite
def deployed_inventories(draw: Any, *, clusters: bool = True) -> Inventory:
    """Those of the topology's own properties, with more of the variables that an entry shows."""
    pg_hosts, backup_hosts = draw(inventories())
    for host, variables in pg_hosts.items():
        method, streaming = variables["barman_backup_method"], "streaming" in variables["barman_wal"]
        more: dict[str, Any] = {
            "barman_server_name": f"{host}-server",
            "barman_postgres_port": draw(st.integers(5432, 5440)),
            "barman_retention_policy": draw(st.sampled_from(["", "REDUNDANCY 3", "RECOVERY WINDOW OF 4 WEEKS"])),
            "barman_minimum_redundancy": draw(st.integers(0, 2)),
            "barman_backup_schedule": draw(st.sampled_from(["", "30 2 * * *", "0 4 * * wed,sat"])),
            "barman_connection_options": draw(
                st.sampled_from([{}, {"connect_timeout": "20"}, {"channel_binding": "prefer"}])
            ),
            "barman_options": draw(
                st.sampled_from(
                    [
                        {"parallel_jobs": 2, "description": "the orders"},
                        {"last_backup_maximum_age": "2 DAYS", "immediate_checkpoint": True},
                        {"post_backup_script": "/usr/local/bin/notify --100%"},
                        {"backup_directory": f"/srv/{host}"},
                    ]
                )
            ),
            "barman_hooks": draw(
                st.sampled_from(
                    [
                        {"pre_backup_script": "/usr/local/bin/before"},
                        {
                            "post_archive_retry_script": {
                                "command": "/bin/true",
                                "arguments": ["a b"],
                                "attempts": 5,
                                "give_up": "continue",
                            }
                        },
                        {"post_backup_retry_script": {"ready": "tar", "directory": "/srv/tar", "compression": "gzip"}},
                    ]
                )
            ),
        }
        if method == "rsync":
            more["barman_postgres_os_user"] = draw(st.sampled_from(["postgres", "enterprisedb"]))
            more["barman_ssh_port"] = draw(st.sampled_from([22, 2222]))
        if streaming and "barman_slot_name" not in variables:
            more["barman_slot_name"] = draw(st.sampled_from(["barman", f"slot_{host.replace('-', '_')}"]))
        if method == "postgres":
            more["barman_sslmode"] = draw(st.sampled_from(["prefer", "require"]))
            more["barman_database"] = None
            more["barman_postgres_database"] = draw(st.sampled_from(["postgres", "admin"]))
        if "archiving" in variables["barman_wal"]:
            more["barman_archive_method"] = draw(st.sampled_from(["barman-wal-archive", "rsync"]))
            more["barman_archive_compression"] = draw(st.sampled_from(["none", "gzip", "zstd"]))
        chosen = draw(st.sets(st.sampled_from(sorted(more))))
        variables.update(
            {name: more[name] for name in sorted(chosen) if more[name] is not None and name not in variables}
        )
        followed = any(other.get("barman_primary") == host for other in pg_hosts.values())
        if method == "rsync" and not streaming and not followed:
            # No connection uses it, so nothing shows it.
            del variables["barman_streaming_password"]
    if clusters:
        pg_hosts.update(draw(members(sorted(backup_hosts))))
    for variables in backup_hosts.values():
        if draw(st.booleans()):
            variables["barman_home"] = "/srv/barman"
        if draw(st.booleans()):
            variables["barman_client_directory"] = draw(st.sampled_from(["", "/usr/pgsql-{version}/bin", "/opt/bin"]))
    return pg_hosts, backup_hosts


def unknown_to_barman(variables: dict[str, Any], decided: frozenset[str]) -> dict[str, Any]:
    """What an inventory for the adoption has already: addresses, and what no Barman shows."""
    hidden = {*decided, *SECRET_VARIABLES, "barman_postgres_version", "barman_synchronous"}
    return {name: value for name, value in variables.items() if name not in hidden}


def adopted(inventory: Inventory, *, with_servers: bool = True) -> tuple[Outcome, Outcome, Any]:
    """The requirements of the inventory, those of the adopted one, and the adoption. with_servers: whether the adoption knows the PostgreSQL hosts."""
    pg_hosts, backup_hosts = inventory
    before = build(pg_hosts, backup_hosts)
    assume(not before.problems)
    known = {host: unknown_to_barman(variables, BACKUP_DECIDED) for host, variables in backup_hosts.items()}
    if with_servers:
        known.update({host: unknown_to_barman(variables, PG_DECIDED) for host, variables in pg_hosts.items()})
    with tempfile.TemporaryDirectory() as place:
        adoption = adopt(facts_after(before, Path(place)), known)
    return before, build(adoption.pg, adoption.backup), adoption


def without_given(value: Any) -> Any:
    """Requirements without the names of what the inventory sets itself, which may be as the default is."""
    if isinstance(value, dict):
        return {key: without_given(item) for key, item in value.items() if key != "given"}
    return [without_given(item) for item in value] if isinstance(value, (list, tuple)) else value


@quick
@given(deployed_inventories())
def test_the_adopted_inventory_requires_the_same_of_every_host(inventory: Inventory) -> None:
    before, after, adoption = adopted(inventory)
    assert [str(problem) for problem in after.problems] == []
    assert adoption.left_out == {}
    for host, required in before.requirements.items():
        found, expected = without_given(after.requirements[host]), without_given(required)
        for part in expected:
            assert found[part] == expected[part], (host, part)


@quick
@given(deployed_inventories(clusters=False))
def test_the_backup_servers_alone_are_enough(inventory: Inventory) -> None:
    """Their files have everything but whether Ansible manages PostgreSQL, and how the hosts are reached over SSH if nothing uses that.

    The names of a cluster's other members are in no file.
    """
    for variables in inventory[0].values():
        variables["barman_manage_postgres"] = True
    before, after, adoption = adopted(inventory, with_servers=False)
    assert [str(problem) for problem in after.problems] == []
    assert adoption.left_out == {}
    assert set(adoption.pg) == set(inventory[0])
    for host in inventory[1]:
        assert without_given(after.requirements[host]["barman"]) == without_given(before.requirements[host]["barman"])
    for host in inventory[0]:
        assert without_given(after.requirements[host]["postgres"]) == without_given(
            before.requirements[host]["postgres"]
        )


@quick
@given(deployed_inventories())
def test_an_adopted_inventory_is_adopted_unchanged(inventory: Inventory) -> None:
    _before, _after, first = adopted(inventory)
    _again, _outcome, second = adopted((first.pg, first.backup))
    assert second.pg == first.pg
    assert second.backup == first.backup


@quick
@given(deployed_inventories())
def test_every_password_is_a_reference_to_a_variable_that_is_listed(inventory: Inventory) -> None:
    _before, _after, adoption = adopted(inventory)
    secrets = {
        value
        for variables in (*adoption.pg.values(), *adoption.backup.values())
        for name, value in variables.items()
        if name in SECRET_VARIABLES
    }
    assert secrets == {"{{ " + one.name + " }}" for one in adoption.vault}
