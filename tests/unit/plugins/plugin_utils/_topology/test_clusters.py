# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of a cluster are one server in Barman, and each of them has what its primary needs."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.clusters import SHARED
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import PostgresServer
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import KNOWN_VARIABLES
from tests.unit.plugins.plugin_utils._topology.inventories import good, only_problem, pg, problems

ORDERS = {"barman_cluster": "orders"}
#: What each member has for itself, or what is compared or refused elsewhere.
OWN = {
    *(
        "host",
        "zone",
        "hypervisor",
        "accepted_findings",
        "fail_on",
        "address",
        "ssh_port",
        "os_user",
        "postgres_host",
        "port",
        "local_port",
        "manage",
        "variables",
        "reached_at",
        "given",
    ),
    *("has_password", "has_streaming_password", "has_s3_keys", "ssh_public_key", "ssh_host_key", "cluster", "primary"),
    *("archive_method", "archive_compression", "archive_timeout"),
}


def two(**both):
    """A cluster with the members pg and pg-2."""
    return good({**ORDERS, **both}, more_pg={"pg-2": pg("198.51.100.22", **ORDERS, **both)})


def entry(outcome):
    (found,) = outcome.requirements["backup"]["barman"]["servers"]
    return found


def test_one_entry_connects_to_the_member_that_is_the_primary():
    found = entry(two())
    assert (found["name"], found["host"], found["slot_name"]) == ("orders", "pg", "barman")
    assert found["options"]["description"] == "PostgreSQL 17 on cluster orders: pg, pg-2"
    for option in ("conninfo", "streaming_conninfo"):
        words = dict(word.split("=", 1) for word in found["options"][option].split())
        assert words["host"] == "198.51.100.21,198.51.100.22"
        assert words["port"] == "5432,5432"
        assert words["target_session_attrs"] == "read-write"
        # A receiver whose primary has lost its power must notice that within the time that a failover may take.
        assert int(words["tcp_user_timeout"]) <= 20000


def test_each_member_has_what_its_primary_needs():
    found = two().requirements
    for host in ("pg", "pg-2"):
        required = found[host]["postgres"]
        assert required["server_name"] == "orders"
        assert required["backed_up_as"] == "pg"
        assert required["slots"] == ["barman"]
        assert required["settings"]["max_wal_senders"] == {"minimum": 5}
        assert [rule["databases"] for rule in required["hba_rules"]] == ["postgres", "replication"]
        assert [role["name"] for role in required["roles"]] == ["barman", "streaming_barman"]
    lines = [(line["host"], line["database"]) for line in found["backup"]["barman"]["pgpass"]]
    assert lines == [("pg", "postgres"), ("pg", "*"), ("pg-2", "postgres"), ("pg-2", "*")]


@pytest.mark.parametrize("both", [{}, {"barman_cluster_manager": "repmgr"}, {"barman_cluster_manager": "patroni"}])
def test_each_other_member_needs_a_sender_of_the_primary(both):
    member = {**ORDERS, **both}
    found = good(member, more_pg={f"pg-{number}": pg(f"198.51.100.2{number}", **member) for number in (2, 3)})
    alone = good(member).requirements["pg"]["postgres"]["settings"]["max_wal_senders"]["minimum"]
    assert alone == 4
    for host in ("pg", "pg-2", "pg-3"):
        assert found.requirements[host]["postgres"]["settings"]["max_wal_senders"] == {"minimum": 6}


def test_a_cluster_is_backed_up_once():
    found = two(barman_backup_schedule="0 1 * * *")
    assert len(found.requirements["backup"]["barman"]["schedule_lines"]) == 1
    assert found.topology["backed_up_hosts"] == ["pg"]


def test_a_backup_can_be_restored_to_each_member():
    connections = two().topology["recovery_ssh_connections"]
    assert [(one["from_host"], one["to_host"]) for one in connections] == [("backup", "pg"), ("backup", "pg-2")]


def test_a_name_in_barman_can_differ_from_the_clusters():
    assert entry(two(barman_server_name="orders-eu"))["name"] == "orders-eu"


def test_a_passive_node_has_one_copy_of_a_cluster():
    found = good(
        {**ORDERS, "barman_passive_servers": ["backup-2"]},
        more_pg={"pg-2": pg("198.51.100.22", barman_passive_servers=["backup-2"], **ORDERS)},
        more_backup={"backup-2": {"ansible_host": "198.51.100.12"}},
    )
    assert [one["name"] for one in found.requirements["backup-2"]["barman"]["servers"]] == ["orders"]


def test_members_that_disagree_are_named_with_the_variable():
    found = problems(
        ORDERS,
        more_pg={
            "pg-2": pg("198.51.100.22", barman_slot_name="other", barman_options={"compression": "gzip"}, **ORDERS)
        },
    )
    assert [(one.host, one.variable) for one in found] == [("pg-2", "barman_options"), ("pg-2", "barman_slot_name")]
    assert "is other, and pg has barman; both are members of cluster orders" in found[1].message
    assert "differs from that of pg" in found[0].message


def test_each_field_of_a_server_is_shared_or_a_members_own():
    assert {field.name for field in dataclasses.fields(PostgresServer)} == {*SHARED, *OWN}
    assert set(SHARED.values()) <= set(KNOWN_VARIABLES)


def test_members_have_the_same_passwords():
    problem = only_problem(
        ORDERS, more_pg={"pg-2": pg("198.51.100.22", **{**ORDERS, "barman_postgres_password": "another"})}
    )
    assert (problem.host, problem.variable) == ("pg-2", "barman_postgres_password")
    assert "members of cluster orders have the same roles" in problem.message


# What is set on the only member; the variable that is blamed; words of the message.
MISTAKES = [
    ({"barman_backup_method": "rsync"}, "barman_backup_method", "needs SSH to one host"),
    ({"barman_wal": ["streaming", "archiving"]}, "barman_wal", "has archiving"),
    ({"barman_synchronous": True}, "barman_synchronous", "whose commits would wait for Barman during every failover"),
    (
        {"barman_connection_options": {"target_session_attrs": "any"}},
        "barman_connection_options",
        "sets target_session_attrs",
    ),
    ({"barman_cluster": "a/b"}, "barman_cluster", "can be neither a section"),
]


@pytest.mark.parametrize(("variables", "blamed", "message"), MISTAKES)
def test_a_mistake_of_a_member_has_its_message(variables, blamed, message):
    problem = only_problem({**ORDERS, **variables})
    assert (problem.host, problem.variable) == ("pg", blamed)
    assert message in problem.message


def test_an_address_that_moves_with_the_primary_is_no_members():
    problem = only_problem(
        {**ORDERS, "barman_postgres_host": "198.51.100.30"},
        more_pg={"pg-2": pg("198.51.100.22", barman_postgres_host="198.51.100.30", **ORDERS)},
    )
    assert (problem.host, problem.variable) == ("pg-2", "barman_postgres_host")
    assert "as that of pg" in problem.message


def test_a_manager_without_a_cluster_has_no_effect():
    assert only_problem({"barman_cluster_manager": "patroni"}).message == "has no effect without barman_cluster"


def test_a_member_is_nobodys_primary_for_ever():
    problem = only_problem(
        ORDERS, more_pg={"standby": pg("198.51.100.22", barman_primary="pg", barman_slot_name="standby")}
    )
    assert (problem.host, problem.variable) == ("standby", "barman_primary")
    assert problem.instead == "remove it, and write barman_cluster: orders for this standby"


def test_a_member_is_declared_as_nobodys_standby():
    found = problems({**ORDERS, "barman_primary": "other"}, more_pg={"other": pg("198.51.100.23")})
    assert ("pg", "barman_primary") in [(one.host, one.variable) for one in found]


def test_the_backup_server_follows_its_clusters():
    program = two(barman_cluster_manager="patroni").requirements["backup"]["barman"]["program"]
    assert program["settings"]["follow"] == {"managed_slots": {"orders": True}}
    assert program["schedule_lines"] == [
        "* * * * * barman /usr/local/bin/pgdr-barman follow --seconds 57 2>&1 | logger -t pgdr-barman"
    ]
    assert two().requirements["backup"]["barman"]["program"]["settings"]["follow"] == {
        "managed_slots": {"orders": False}
    }
    assert good().requirements["backup"]["barman"]["program"]["schedule_lines"] == []


def test_patronis_part_of_the_manual_steps_is_for_the_dcs():
    found = two(barman_cluster_manager="patroni", barman_manage_postgres=False)
    assert found.requirements["pg-2"]["postgres"]["manual"]["dcs"] == [
        "slots:",
        "  barman: {type: physical}",
        "postgresql:",
        "  parameters:",
        "    wal_level: replica   # or more",
        "    max_wal_senders: 5   # or more",
        "    max_replication_slots: 1   # or more",
        "  pg_hba:",
        "  - host   postgres   barman   198.51.100.11/32   scram-sha-256",
        "  - host   replication   streaming_barman   198.51.100.11/32   scram-sha-256",
    ]
    assert two(barman_manage_postgres=False).requirements["pg-2"]["postgres"]["manual"]["dcs"] == []
