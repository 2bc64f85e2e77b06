# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is adopted, and what the inventory can't express: one case each, beside a plain entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.archiving import destination_of
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.changes import same_value
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.document import inventory_text, is_unchanged
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.facts import Adoption
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.inventory import adopt
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.report import plan_of
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from tests.unit.plugins.plugin_utils._adoption.layouts import DEBIAN_MAIN, Layout, facts_of

CLUSTER = "host=192.0.2.21,192.0.2.22 port=5432,5433 target_session_attrs=read-write"
PLAIN = """\
conninfo = host={host} port={port} user=barman dbname=postgres
streaming_conninfo = host={host} port={port} user=streaming_barman
backup_method = postgres
streaming_archiver = on
slot_name = barman
path_prefix = /usr/lib/postgresql/15/bin
"""


def entry(name: str, host: str = "192.0.2.21", port: Any = 5432, **changes: str) -> str:
    options = dict(line.split(" = ", 1) for line in PLAIN.format(host=host, port=port).splitlines())
    options.update(changes)
    return "".join([f"[{name}]\n", *(f"{key} = {value}\n" for key, value in options.items() if value)])


class Site:
    """Backup servers, each with its files below a directory of its own."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place, self.monkeypatch = place, monkeypatch
        self.facts: dict[str, Any] = {}

    def barman(self, host: str, *entries: str, main: str = "", answers: Any = None, **files: str) -> None:
        texts = {f"/etc/barman.d/{number}.conf": text for number, text in enumerate(entries)}
        layout = Layout(
            {
                "/etc/barman.conf": DEBIAN_MAIN + main,
                **texts,
                **{path.replace("__", "/"): text for path, text in files.items()},
            },
            answers=answers or {},
        )
        self.facts[host] = facts_of(layout, self.place / host, self.monkeypatch)

    def adopt(self, known: Any = None) -> Adoption:
        addresses = {
            host: {"ansible_host": f"198.51.100.{number}"} for number, host in enumerate(sorted(self.facts), 1)
        }
        return adopt(self.facts, {**addresses, **(known or {})}, {"pg", "backup"})


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conninfo": "host=a,b user=barman"}, "has target_session_attrs any for several hosts"),
        ({"conninfo": f"{CLUSTER} user=barman", "backup_method": "rsync"}, "a cluster whose backups need SSH"),
        ({"conninfo": f"{CLUSTER} user=barman", "streaming_conninfo": "host=b,a"}, "other hosts in streaming_conninfo"),
        ({"streaming_conninfo": f"{CLUSTER} user=s"}, "has several hosts in streaming_conninfo, and one in conninfo"),
        ({"conninfo": "user=barman dbname=postgres"}, "conninfo has no host"),
        ({"conninfo": "postgresql://barman@a/postgres"}, "conninfo has no parameters that can be read"),
        ({"conninfo": "host=a hostaddr=192.0.2.1"}, "conninfo has both host and hostaddr"),
        ({"conninfo": "host=a service=x"}, "conninfo has service"),
        ({"streaming_conninfo": "host=192.0.2.99 user=s"}, "streaming_conninfo to 192.0.2.99:5432"),
        ({"backup_method": "local-rsync"}, "has the backup_method local-rsync"),
        ({"slot_name": "Slot"}, "barman_slot_name 'Slot' is not a name for a replication slot"),
    ],
)
def test_an_entry_without_words_in_the_inventory_stays(site: Site, changes: dict[str, str], message: str) -> None:
    site.barman("backup-1", entry("odd", "192.0.2.20", **changes), entry("plain"))
    adoption = site.adopt()
    assert sorted(adoption.pg) == ["plain"]
    assert adoption.left_out == {"backup-1": ["odd"]}
    (remark,) = [one for one in adoption.remarks if one.subject == "odd"]
    assert message in remark.message
    assert "Barman continues to back it up" in remark.message


def test_a_cluster_with_models_stays(site: Site) -> None:
    model = "[orders:b]\ncluster = orders\nmodel = true\nconninfo = host=192.0.2.30 user=barman\n"
    site.barman("backup-1", entry("orders", cluster="orders") + model, entry("other", "192.0.2.22"))
    adoption = site.adopt()
    assert adoption.left_out == {"backup-1": ["orders"]}
    assert sorted(adoption.pg) == ["other"]


def test_a_cluster(site: Site) -> None:
    """Two members, of which the inventory knows the second."""
    text = entry(
        "orders",
        conninfo=f"{CLUSTER} user=barman dbname=postgres",
        streaming_conninfo=f"{CLUSTER} user=streaming_barman",
    )
    site.barman("backup-1", text, var__lib__barman__x="")
    adoption = site.adopt({"pg-b": {"ansible_host": "192.0.2.22", "barman_postgres_port": 5433}})
    assert list(adoption.pg) == ["orders", "pg-b"]
    first, second = adoption.pg["orders"], adoption.pg["pg-b"]
    assert (first["barman_cluster"], second["barman_cluster"]) == ("orders", "orders")
    assert (first["ansible_host"], second["ansible_host"]) == ("192.0.2.21", "192.0.2.22")
    assert second["barman_postgres_port"] == 5433
    assert first["barman_postgres_password"] == second["barman_postgres_password"]
    assert "barman_server_name" not in first
    assert any("write barman_cluster_manager" in one.instead for one in adoption.remarks)


def test_a_member_of_a_cluster_is_no_server_of_another_entry(site: Site) -> None:
    cluster = entry("orders", conninfo=f"{CLUSTER} user=barman dbname=postgres", streaming_conninfo="")
    site.barman("backup-1", cluster, entry("other", "192.0.2.22", 5433))
    assert site.adopt().left_out == {"backup-1": ["other"]}


def test_a_cluster_that_is_left_out_takes_no_server_of_another_entry(site: Site) -> None:
    """Its second member is a server of its own, and its first one that of a third entry."""
    cluster = entry("orders", conninfo=f"{CLUSTER} user=barman dbname=postgres", streaming_conninfo="")
    site.barman("backup-1", entry("first", "192.0.2.22", 5433), cluster, entry("other", "192.0.2.21"))
    adoption = site.adopt()
    assert adoption.left_out == {"backup-1": ["orders"]}
    assert sorted(adoption.pg) == ["first", "other"]


def test_an_entry_with_a_value_that_no_variable_takes_holds_no_server_and_no_name(site: Site) -> None:
    """The inventory can't have its slot, which only its variables show. Another Barman backs up the same server."""
    site.barman("backup-1", entry("orders", slot_name="Slot"))
    site.barman("backup-2", entry("orders"))
    adoption = site.adopt()
    assert adoption.left_out == {"backup-1": ["orders"]}
    assert {host: variables["barman_backup_server"] for host, variables in adoption.pg.items()} == {
        "orders": "backup-2"
    }
    assert [one.host for one in adoption.remarks if one.subject == "orders" and "stays" not in one.message].count(
        "backup-1"
    ) == 1


def test_an_entry_that_is_left_out_with_its_variables_leaves_its_name_to_another_server(site: Site) -> None:
    site.barman("backup-1", entry("orders", slot_name="Slot"))
    site.barman("backup-2", entry("orders", "192.0.2.22"))
    adoption = site.adopt()
    assert adoption.left_out == {"backup-1": ["orders"]}
    assert sorted(adoption.pg) == ["orders"]


def test_a_server_of_two_backup_servers_has_one_in_the_inventory(site: Site) -> None:
    site.barman("backup-1", entry("orders"))
    site.barman("backup-2", entry("orders-too", slot_name="second"))
    adoption = site.adopt()
    assert adoption.left_out == {"backup-2": ["orders-too"]}
    assert adoption.backup["backup-2"]["barman_allow_empty"] is True


def test_a_section_of_the_main_file_is_adopted(site: Site) -> None:
    site.barman("backup-1", main=entry("orders"))
    adoption = site.adopt()
    assert adoption.pg["orders"]["barman_backup_server"] == "backup-1"
    assert site.facts["backup-1"]["servers"]["orders"]["in_main_file"] is True
    assert plan_of(adoption, site.facts).refusals == ()


def test_the_name_of_a_known_host_comes_first(site: Site) -> None:
    site.barman("backup-1", entry("orders"), entry("orders-17", port=5433), entry("web", "web.example.net"))
    adoption = site.adopt({"db-1": {"ansible_host": "192.0.2.21", "barman_zone": "eu"}})
    assert {host: own.get("barman_server_name", host) for host, own in adoption.pg.items()} == {
        "db-1": "orders",
        "orders-17": "orders-17",
        "web.example.net": "web",
    }
    assert adoption.pg["db-1"]["barman_zone"] == "eu"
    assert adoption.pg["orders-17"]["ansible_host"] == "192.0.2.21"


def test_a_name_is_never_used_twice(site: Site) -> None:
    site.barman("backup-1", entry("pg"), entry("backup-1", "192.0.2.22"))
    assert sorted(site.adopt().pg) == ["backup-1-backup-1", "pg-backup-1"]


def test_a_standby_gets_its_primary(site: Site) -> None:
    site.barman(
        "backup-1", entry("orders", "192.0.2.22", primary_conninfo="host=192.0.2.21 user=barman dbname=postgres")
    )
    adoption = site.adopt()
    assert adoption.pg["orders"]["barman_primary"] == "orders-primary"
    assert adoption.pg["orders-primary"]["ansible_host"] == "192.0.2.21"
    assert "barman_backup_server" not in adoption.pg["orders-primary"]
    assert build(adoption.pg, adoption.backup).problems == []
    changed = {one.option for one in plan_of(adoption, site.facts).changes}
    assert {"wal_conninfo", "wal_streaming_conninfo"} <= changed


def test_passive_copies(site: Site) -> None:
    site.barman("backup-1", entry("orders"), entry("billing", "192.0.2.22"))
    copy = "[orders]\ndescription = copy\nprimary_ssh_command = ssh barman@198.51.100.1\nparallel_jobs = 4\n"
    site.barman("backup-2", copy)
    adoption = site.adopt()
    assert adoption.pg["orders"]["barman_passive_servers"] == ["backup-2"]
    assert "barman_passive_servers" not in adoption.pg["billing"]
    assert any("options of its own (parallel_jobs)" in one.message for one in adoption.remarks)


def test_a_copy_of_a_whole_backup_server(site: Site) -> None:
    site.barman("backup-1", entry("orders"), entry("billing", "192.0.2.22"))
    site.barman(
        "backup-2", *(f"[{name}]\nprimary_ssh_command = ssh barman@backup-1\n" for name in ("orders", "billing"))
    )
    site.barman("backup-3", "[orders]\nprimary_ssh_command = ssh barman@backup-2\n")
    adoption = site.adopt()
    assert adoption.backup["backup-2"]["barman_passive_of"] == "backup-1"
    assert adoption.left_out == {"backup-3": ["orders"]}
    assert any("is a passive copy of a copy on backup-2" in one.message for one in adoption.remarks)


def test_copies_of_an_entry_that_is_left_out_stay(site: Site) -> None:
    """Also if their backup server replicates everything else of another one."""
    site.barman("backup-1", entry("orders", slot_name="Slot"), entry("billing", "192.0.2.22"))
    for host, source in (("backup-2", "backup-1"), ("backup-3", "backup-2")):
        site.barman(host, *(f"[{name}]\nprimary_ssh_command = ssh barman@{source}\n" for name in ("billing", "orders")))
    adoption = site.adopt()
    assert adoption.left_out == {"backup-1": ["orders"], "backup-2": ["orders"], "backup-3": ["orders"]}
    assert adoption.pg["billing"]["barman_passive_servers"] == ["backup-2"]
    assert adoption.backup["backup-3"]["barman_passive_of"] == "backup-2"
    reasons = [one.message for one in adoption.remarks if one.subject == "orders" and one.host != "backup-1"]
    assert len(reasons) == 2
    assert all("the inventory does not declare" in one for one in reasons)


def test_a_copy_without_its_source_stays(site: Site) -> None:
    site.barman("backup-1", "[orders]\nprimary_ssh_command = ssh barman@elsewhere\n")
    adoption = site.adopt()
    assert (adoption.pg, adoption.left_out) == ({}, {"backup-1": ["orders"]})


def test_an_empty_retention_policy_against_that_of_the_section(site: Site) -> None:
    site.barman(
        "backup-1",
        entry("orders") + "retention_policy =\n",
        entry("b", "192.0.2.22"),
        main="retention_policy = REDUNDANCY 2\n",
    )
    adoption = site.adopt()
    assert "barman_retention_policy" not in adoption.pg["orders"]
    assert adoption.pg["orders"]["barman_options"]["retention_policy"] == ""
    assert adoption.pg["b"]["barman_retention_policy"] == "REDUNDANCY 2"
    plan = plan_of(adoption, site.facts)
    assert plan.refusals == ()
    assert "retention_policy" not in {one.option for one in plan.changes}


def test_an_inactive_entry_and_ssh_with_options_stay_as_they_are(site: Site) -> None:
    command = "ssh -i /srv/key postgres@192.0.2.21"
    site.barman("backup-1", entry("orders", backup_method="rsync", ssh_command=command, active="false"))
    assert site.adopt().pg["orders"]["barman_options"] == {"active": False, "ssh_command": command}


def test_two_schedules_become_one_expression_or_a_remark(site: Site) -> None:
    lines = "0 1 * * 1 barman barman backup orders\n0 1 * * 4 barman barman backup orders\n"
    more = "0 1 * * 1 barman barman backup billing\n30 2 1 * * barman barman backup billing\n"
    site.barman("backup-1", entry("orders"), entry("billing", "192.0.2.22"), **{"__etc__cron.d__x": lines + more})
    adoption = site.adopt()
    assert adoption.pg["orders"]["barman_backup_schedule"] == "0 1 * * 1,4"
    assert adoption.pg["billing"]["barman_backup_schedule"] == ""
    assert any("one cron expression can't have these schedules" in one.message for one in adoption.remarks)


def test_a_server_without_a_schedule_gets_none(site: Site) -> None:
    site.barman("backup-1", entry("orders"))
    adoption = site.adopt()
    assert adoption.pg["orders"]["barman_backup_schedule"] == ""
    assert any("takes backups of orders, so it is empty" in one.message for one in adoption.remarks)


def test_archiving_that_is_not_recognized(site: Site) -> None:
    site.barman(
        "backup-1",
        entry("orders", archiver="on"),
        answers={
            "orders": {
                "archive_mode": "on",
                "archive_command": "/usr/local/bin/send %p",
                "client_address": "203.0.113.9",
            }
        },
    )
    adoption = site.adopt()
    assert adoption.pg["orders"]["barman_wal"] == ["streaming", "archiving"]
    assert "barman_archive_overwrite" not in adoption.pg["orders"]
    assert any("is not recognized as a way to this Barman" in one.message for one in adoption.remarks)
    assert adoption.backup["backup-1"]["barman_addresses"] == ["203.0.113.9/32"]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("barman-wal-archive backup orders %p", ("barman-wal-archive", "none", "backup", "orders", "")),
        (
            "/usr/bin/barman-wal-archive -U barman -z backup orders %p",
            ("barman-wal-archive", "gzip", "backup", "orders", ""),
        ),
        (
            "barman-wal-archive --port 2222 --zstd --user b backup orders %p",
            ("barman-wal-archive", "zstd", "backup", "orders", ""),
        ),
        ("rsync -a %p barman@backup:/b/orders/incoming/%f", ("rsync", "none", "backup", "", "/b/orders/incoming")),
        (
            "rsync -az -e 'ssh -p 22' %p barman@[2001:db8::1]:/b/incoming/%f",
            ("rsync", "gzip", "2001:db8::1", "", "/b/incoming"),
        ),
        ("test ! -f /x/%f && cp %p /x/%f", None),
        ("rsync -a %p /mnt/%f", None),
        ("barman-wal-archive backup orders %p; true", None),
        ("", None),
    ],
)
def test_the_destination_of_archive_command(command: str, found: tuple[str, ...] | None) -> None:
    destination = destination_of(command)
    assert (None if destination is None else tuple(destination)) == found


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("active", "true", "", True),
        ("network_compression", "no", "", True),
        ("conninfo", "host=a user=b", "user='b'  host=a", True),
        ("conninfo", "host=a", "host=b", False),
        ("retention_policy", "recovery window  of 2 weeks", "RECOVERY WINDOW OF 2 WEEKS", True),
        ("compression", "None", "", True),
        ("compression", "gzip", "", False),
    ],
)
def test_values_that_barman_reads_alike(name: str, one: str, other: str, *, same: bool) -> None:
    assert same_value(name, one, other) is same


def test_the_file_is_recognized_until_somebody_changes_it(site: Site) -> None:
    site.barman("backup-1", entry("orders"), entry("billing", "192.0.2.22"))
    text = inventory_text(site.adopt(), pg_group="pg", backup_group="backup")
    assert is_unchanged(text)
    assert not is_unchanged(text + "# mine\n")
    assert not is_unchanged("all: {}\n")
    # What all servers have is a variable of the group.
    assert text.count("barman_backup_server: backup-1") == 1


def test_text_of_a_host_is_never_a_template(site: Site) -> None:
    hook = "/bin/echo {{ lookup('pipe', 'id') }}"
    site.barman("backup-1", entry("orders", post_backup_script=hook, description="{{ vault_barman_x }}"))
    text = inventory_text(site.adopt(), pg_group="pg", backup_group="backup")
    assert f'post_backup_script: !unsafe "{hook}"' in text
    assert 'description: !unsafe "{{ vault_barman_x }}"' in text
    assert 'barman_postgres_password: "{{ vault_barman_postgres_password }}"' in text


def test_ansible_s_own_types_are_written_as_plain_ones(site: Site) -> None:
    class Tagged(str):
        pass

    site.barman("backup-1", entry("orders"))
    adoption = site.adopt()
    adoption.pg[Tagged("orders")]["barman_zone"] = Tagged("eu")
    assert "barman_zone: eu" in inventory_text(adoption, pg_group=Tagged("pg"), backup_group=Tagged("backup"))


def test_text_of_a_host_ends_no_comment(site: Site) -> None:
    site.barman(
        "backup-1", entry("orders"), **{"__etc__cron.d__x": "0 1 * * * barman barman backup orders # \u2028all: {}\n"}
    )
    text = inventory_text(site.adopt(), pg_group="pg", backup_group="backup")
    assert "\u2028" not in text
    assert set(yaml.safe_load(text)["all"]["children"]) == {"backup", "pg"}


def test_keys_and_slots_of_others_are_remarked(site: Site) -> None:
    site.barman("backup-1", entry("orders"), answers={"orders": {"inactive_slots": ["former"]}})
    site.facts["backup-1"]["foreign_keys"] = ["postgres@db"]
    remarks = [str(one) for one in site.adopt().remarks]
    assert any("authorized_keys: has keys of others (postgres@db)" in one for one in remarks)
    assert any("keeps WAL for inactive slots (former)" in one for one in remarks)
