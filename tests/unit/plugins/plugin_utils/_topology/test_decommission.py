# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each host releases when a server or a backup server ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.decommission import (
    Decommission,
    Leaving,
    decommission,
    manual_texts,
    problems,
    served,
    without,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Topology
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.resolve import resolve

COMMON = {"barman_backup_server": "backup", "barman_postgres_version": 17, "barman_postgres_password": "a"}
PG: dict[str, dict[str, Any]] = {
    "pg1": {**COMMON, "ansible_host": "198.51.100.1", "barman_streaming_password": "b", "barman_synchronous": True},
    "pg2": {
        **COMMON,
        "ansible_host": "198.51.100.2",
        "barman_wal": ["archiving"],
        "barman_backup_method": "rsync",
        "barman_passive_servers": ["passive"],
    },
}
BACKUP: dict[str, dict[str, Any]] = {
    "backup": {"ansible_host": "198.51.100.11"},
    "passive": {"ansible_host": "198.51.100.12"},
}


def topology(pg: Mapping[str, Any] | None = None, backup: Mapping[str, Any] | None = None) -> Topology:
    resolution = resolve(PG if pg is None else pg, BACKUP if backup is None else backup)
    assert resolution.problems == []
    return resolution.topology


def leaving(*servers: str, backup_server: str = "", pg: Mapping[str, Any] | None = None) -> Decommission:
    return decommission(topology(pg), Leaving(servers, backup_server))


def test_a_streaming_server_releases_all_that_it_has() -> None:
    work = leaving("pg1").work
    assert set(work) == {"pg1", "backup"}
    postgres = work["pg1"].postgres
    assert postgres is not None
    assert (postgres.synchronous, postgres.slots) == (("barman_receive_wal",), ("barman",))
    assert postgres.roles == ("barman", "streaming_barman")
    assert (postgres.archiving, postgres.rules, postgres.settings) == (False, (), ())
    assert work["pg1"].whole
    barman = work["backup"].barman
    assert barman is not None
    assert (barman.servers, barman.remaining, barman.whole) == (("pg1",), ("pg2",), False)
    assert not work["backup"].whole


def test_ssh_trust_goes_on_both_sides_and_that_of_others_stays() -> None:
    work = leaving("pg2").work
    assert work["pg2"].ssh.revocable == ("backup",)
    assert work["pg2"].ssh.known == {"postgres": ("198.51.100.11",)}
    # The passive node replicates nothing else.
    assert work["backup"].ssh.revocable == ("passive", "pg2")
    assert work["passive"].ssh.known == {"barman": ("198.51.100.11",)}
    barman = work["passive"].barman
    assert barman is not None
    assert barman.servers == ("pg2",)
    assert leaving("pg1").work["backup"].ssh.revocable == ()


def test_a_passive_node_leaves_the_servers_alone() -> None:
    work = leaving(backup_server="passive").work
    assert set(work) == {"backup", "passive"}
    assert work["backup"].barman is None
    assert work["backup"].ssh.revocable == ("passive",)
    assert work["passive"].whole
    barman = work["passive"].barman
    assert barman is not None
    assert (barman.servers, barman.whole) == (("pg2",), True)


def test_the_program_and_monitoring_go_with_the_last_server() -> None:
    backup = {**BACKUP, "backup": {**BACKUP["backup"], "barman_monitoring": ["prometheus"]}}
    found = decommission(topology(backup=backup), Leaving(("pg1", "pg2")))
    assert not found.requirements["backup"]["barman"]["monitoring"]["prometheus"]
    assert found.requirements["backup"]["barman"]["program"]["schedule_lines"] == []
    one = decommission(topology(backup=backup), Leaving(("pg1",)))
    assert one.requirements["backup"]["barman"]["monitoring"]["prometheus"]


def test_a_backup_server_that_others_need_stays() -> None:
    assert problems(topology(), Leaving()) != []
    (message,) = problems(topology(), Leaving(("pg1",), "backup"))[:1]
    assert message.startswith("backup backs up pg2. Move them first")
    assert any("passive replicates from backup" in one for one in problems(topology(), Leaving(("pg1",), "backup")))
    assert problems(topology(), Leaving(("pg1", "pg2"), "backup")) == []
    assert "'x' is no backup server of the inventory" in problems(topology(), Leaving((), "x"))[0]
    whole = {"backup": BACKUP["backup"], "passive": {**BACKUP["passive"], "barman_passive_of": "backup"}}
    pg = {"pg1": PG["pg1"]}
    (message,) = problems(topology(pg, whole), Leaving(("pg1",), "backup"))
    assert message.startswith("passive replicates from backup. Change barman_passive_of")


STANDBYS = {
    "primary": {**PG["pg1"], "ansible_host": "198.51.100.1", "barman_backup_server": None, "barman_synchronous": False},
    "standby": {**PG["pg1"], "ansible_host": "198.51.100.2", "barman_primary": "primary", "barman_synchronous": False},
}


def test_a_primary_goes_with_the_last_standby_that_is_backed_up_through_it() -> None:
    found = leaving("standby", pg=STANDBYS)
    assert found.remaining.postgres_servers == {}
    postgres = found.work["primary"].postgres
    assert postgres is not None
    # Roles and slots are the primary's.
    assert postgres.slots != ()
    assert postgres.roles == ("barman", "streaming_barman")
    assert served(topology(STANDBYS)) == {"standby": "primary"}


def test_a_primary_that_has_another_standby_stays() -> None:
    pg = {**STANDBYS, "other": {**STANDBYS["standby"], "ansible_host": "198.51.100.3", "barman_slot_name": "other"}}
    found = leaving("standby", pg=pg)
    assert set(found.remaining.postgres_servers) == {"primary", "other"}
    assert found.work["standby"].postgres is not None
    primary = found.work["primary"].postgres
    assert primary is not None
    assert (primary.slots, primary.roles) == (("barman",), ())
    assert "max_wal_senders" in primary.settings


CLUSTERS: dict[str, dict[str, Any]] = {
    **{
        host: {
            **PG["pg1"],
            "ansible_host": f"198.51.100.{number}",
            "barman_synchronous": False,
            "barman_cluster": cluster,
        }
        for number, (host, cluster) in enumerate(
            {"orders-1": "orders", "orders-2": "orders", "stock-1": "stock", "stock-2": "stock"}.items(), 31
        )
    },
    "pg3": {**PG["pg1"], "ansible_host": "198.51.100.35", "barman_synchronous": False},
}


def test_the_standbys_of_another_cluster_keep_everything() -> None:
    found = leaving("pg3", pg=CLUSTERS)
    assert set(found.work) == {"pg3", "backup"}
    assert set(found.remaining.postgres_servers) == set(CLUSTERS) - {"pg3"}
    assert found.work["backup"].ssh.revocable == ()
    lines = [(line["host"], line["database"]) for line in found.requirements["backup"]["barman"]["pgpass"]]
    assert {host for host, _database in lines} == {"orders-1", "orders-2", "stock-1", "stock-2"}


def test_a_cluster_goes_with_all_its_members() -> None:
    found = leaving("orders", pg=CLUSTERS)
    assert set(found.work) == {"orders-1", "orders-2", "backup"}
    assert set(found.remaining.postgres_servers) == set(CLUSTERS) - {"orders-1", "orders-2"}
    for member in ("orders-1", "orders-2"):
        postgres = found.work[member].postgres
        assert postgres is not None
        assert (postgres.slots, postgres.roles) == (("barman",), ("barman", "streaming_barman"))
        assert {*postgres.members, member} == {"orders-1", "orders-2"}
        assert found.work[member].whole


PATRONI = {
    host: {**one, "barman_cluster_manager": "patroni", "barman_patroni_file": "/etc/patroni/17-main.yml"}
    if host.startswith("orders")
    else one
    for host, one in CLUSTERS.items()
}
DROPS_SLOT = (
    """echo '{"slots": {"barman": null}}' | patronictl -c /etc/patroni/17-main.yml edit-config --force --apply=-"""
)


def test_a_cluster_under_patroni_goes_like_another_one() -> None:
    for leaves in (("orders",), ("pg3", "stock", "unknown")):
        assert problems(topology(PATRONI), Leaving(leaves)) == []
    assert leaving("orders", pg=PATRONI).work == leaving("orders", pg=CLUSTERS).work


def test_members_that_ansible_does_not_manage_have_patronis_manual_steps() -> None:
    pg = {
        host: {**one, "barman_manage_postgres": False} if host.startswith("orders") else one
        for host, one in PATRONI.items()
    }
    assert problems(topology(pg), Leaving(("orders",))) == []
    found = leaving("orders", pg=pg)
    assert found.manual == ("orders-1", "orders-2")
    (text,) = manual_texts(topology(pg), found)["orders-1"]
    for part in (DROPS_SLOT, "# BEGIN pgdr.barman", 'DROP ROLE "streaming_barman"'):
        assert part in text
    assert "pg_drop_replication_slot" not in text
    del pg["orders-1"]["barman_patroni_file"]
    assert "patronictl -c FILE edit-config" in manual_texts(topology(pg), leaving("orders", pg=pg))["orders-1"][0]


FLEET = {
    **{host: {**one, "ansible_host": f"198.51.100.4{number}"} for number, (host, one) in enumerate(STANDBYS.items())},
    **CLUSTERS,
    **PG,
}
#: What leaves with each of Barman's names.
HOSTS = {
    "orders": {"orders-1", "orders-2"},
    "stock": {"stock-1", "stock-2"},
    "standby": {"standby", "primary"},
    **{name: {name} for name in ("pg1", "pg2", "pg3")},
    "unknown": set[str](),
}


@given(st.sets(st.sampled_from(sorted(HOSTS)), min_size=1))
def test_a_host_that_has_nothing_to_do_with_it_releases_nothing(names: set[str]) -> None:
    one = Leaving(tuple(sorted(names)))
    found = decommission(topology(FLEET), one)
    gone = {host for name in names for host in HOSTS[name]}
    assert {host for host in found.work if host not in BACKUP} == gone
    assert set(found.remaining.postgres_servers) == set(FLEET) - gone
    assert without(found.remaining, one) == found.remaining


def test_an_instance_of_a_machine_that_has_another_one_is_not_the_whole_machine() -> None:
    pg = {"pg1": PG["pg1"], "pg3": {**PG["pg1"], "barman_postgres_port": 5433, "barman_synchronous": False}}
    assert not leaving("pg3", pg=pg).work["pg3"].whole


def test_a_server_that_the_inventory_does_not_have_is_searched_for_everywhere() -> None:
    found = leaving("old")
    assert found.unknown == ("old",)
    assert {host: one.barman.servers for host, one in found.work.items() if one.barman} == {
        "backup": ("old",),
        "passive": ("old",),
    }


def test_a_host_that_is_not_managed_has_manual_steps() -> None:
    shared = topology({"pg1": {**PG["pg1"], "barman_manage_postgres": False}})
    found = decommission(shared, Leaving(("pg1",)))
    assert found.manual == ("pg1",)
    assert "pg1" not in found.work
    (text,) = manual_texts(shared, found)["pg1"]
    for part in (
        "remove barman_receive_wal from synchronous_standby_names",
        "pg_drop_replication_slot('barman')",
        'DROP OWNED BY "streaming_barman"; DROP ROLE "streaming_barman"',
        "# BEGIN pgdr.barman",
    ):
        assert part in text


def test_the_members_of_a_cluster_stay_and_go_together() -> None:
    member = {**PG["pg1"], "barman_cluster": "orders", "barman_synchronous": False}
    pg = {"a": member, "b": {**member, "ansible_host": "198.51.100.3"}, "pg2": PG["pg2"]}
    assert set(leaving("pg2", pg=pg).work) == {"pg2", "backup", "passive"}
    found = leaving("orders", pg=pg)
    assert set(found.remaining.postgres_servers) == {"pg2"}
    assert set(found.work) == {"a", "b", "backup"}


@pytest.mark.parametrize(
    "one",
    [Leaving(("pg1",)), Leaving(("pg2",)), Leaving(("pg1", "pg2")), Leaving((), "passive"), Leaving(("old",))],
    ids=str,
)
def test_a_topology_without_it_has_nothing_more_to_release(one: Leaving) -> None:
    rest = without(topology(), one)
    assert without(rest, one) == rest
    again = decommission(rest, Leaving(one.servers))
    assert [host for host, work in again.work.items() if work.postgres is not None] == []
