# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery as one value: who takes part, what is refused, and what each step gets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.value import (
    Parties,
    RecoveryError,
    TargetHost,
    parties,
    recovery,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import specification

COMMON = {"barman_postgres_version": 17, "barman_postgres_password": "x", "barman_streaming_password": "x"}
BUILT = build(
    {
        "pg-eu": {
            **COMMON,
            "barman_backup_server": "backup-eu",
            "barman_passive_servers": ["backup-us"],
            "barman_server_name": "orders",
            "barman_postgres_port": 5433,
            "barman_address": "192.0.2.21",
        },
        "other": {
            **COMMON,
            "barman_backup_server": "backup-eu",
            "barman_address": "192.0.2.22",
            "barman_backup_method": "rsync",
        },
        "pg-1": {**COMMON, "barman_address": "192.0.2.23"},
        "pg-2": {
            **COMMON,
            "barman_address": "192.0.2.24",
            "barman_backup_server": "backup-eu",
            "barman_primary": "pg-1",
        },
        "far": {
            **COMMON,
            "barman_address": "192.0.2.25",
            "barman_backup_server": "backup-eu",
            "barman_manage_postgres": False,
        },
        "waits": {
            **COMMON,
            "barman_address": "192.0.2.26",
            "barman_backup_server": "backup-eu",
            "barman_synchronous": True,
            "barman_wal": ["streaming", "archiving"],
        },
    },
    {
        "backup-eu": {"barman_address": "192.0.2.11", "barman_user": "barman_eu"},
        "backup-us": {"barman_address": "192.0.2.12"},
    },
)
HOSTS = [*BUILT.topology["postgres_servers"], *BUILT.topology["backup_servers"], "spare"]
RUN = "20261120T083000Z-f3a9c1"


def arguments(server: str, **more: Any) -> dict[str, Any]:
    given = {"barman_recover_server": server, **{f"barman_recover_{name}": value for name, value in more.items()}}
    values, problems = convert(specification("recover"), given)
    assert problems == []
    return values


def who(server: str, in_run: list[str] | None = None, **more: Any) -> Parties:
    return parties(
        arguments(server, **more),
        BUILT.topology,
        BUILT.requirements,
        inventory=HOSTS,
        in_run=HOSTS if in_run is None else in_run,
    )


def value(server: str, place: TargetHost | None = None, /, **more: Any) -> dict[str, Any]:
    found = who(server, **more)
    place = place or TargetHost(address="192.0.2.21")
    return recovery(
        arguments(server, **more),
        found,
        BUILT.topology,
        BUILT.requirements,
        place,
        run=RUN,
        database_user=place.superuser,
    )


def test_the_topology_is_valid() -> None:
    assert BUILT.problems == []


@pytest.mark.parametrize(
    ("server", "more", "expected"),
    [
        ("pg-eu", {}, Parties("pg-eu", "pg-eu", "backup-eu", "backup-eu", "pg-eu", "")),
        ("pg-eu", {"backup_server": "backup-us"}, Parties("pg-eu", "pg-eu", "backup-us", "backup-eu", "pg-eu", "")),
        ("pg-eu", {"host": "spare"}, Parties("pg-eu", "pg-eu", "backup-eu", "backup-eu", "spare", "")),
        ("pg-1", {}, Parties("pg-1", "pg-2", "backup-eu", "backup-eu", "pg-1", "")),
        (
            "pg-1",
            {"host": "pg-2", "replace_other": True},
            Parties("pg-1", "pg-2", "backup-eu", "backup-eu", "pg-2", ""),
        ),
        ("far", {"directory": "/srv/far"}, Parties("far", "far", "backup-eu", "backup-eu", "backup-eu", "/srv/far")),
    ],
)
def test_who_takes_part(server: str, more: dict[str, Any], expected: Parties) -> None:
    assert who(server, **more) == expected


@pytest.mark.parametrize(
    ("server", "more", "messages"),
    [
        (
            "pg-us",
            {},
            ["'pg-us' is not a PostgreSQL server of the inventory; there are far, other, pg-1, pg-2, pg-eu, waits."],
        ),
        ("pg-2", {}, ["'pg-2' is a standby of pg-1, and recovered it would be a second primary."]),
        (
            "pg-eu",
            {"backup_server": "spare"},
            ["'spare' is not a backup server of the inventory; there are backup-eu, backup-us."],
        ),
        ("pg-eu", {"host": "nowhere"}, ["barman_recover_host: 'nowhere' is not in the inventory."]),
        ("pg-eu", {"host": "other"}, ["'other' is another PostgreSQL server of the inventory, which would be stopped"]),
        (
            "far",
            {},
            ["far has barman_manage_postgres: false, so nothing may be done there. Choose a directory on backup-eu"],
        ),
        ("pg-eu", {"directory": "/srv/x", "host": "spare"}, ["barman_recover_directory is on the backup server"]),
        (
            "pg-eu",
            {"directory": "/srv/x", "data_directory": "/y"},
            ["barman_recover_directory is on the backup server"],
        ),
        ("pg-eu", {"target_xid": "800", "target_immediate": True}, ["Only one of barman_recover_target_time"]),
        ("pg-eu", {"timeout": 0, "jobs": -1}, ["barman_recover_jobs is -1; give", "barman_recover_timeout is 0; give"]),
        (
            "pg-eu",
            {"target_time": "2026-11-20 08:30:00"},
            ["barman_recover_target_time: '2026-11-20 08:30:00' has no time zone"],
        ),
        ("pg-eu", {"target_timeline": "newest"}, ["barman_recover_target_timeline: 'newest' is not a timeline"]),
        (
            "pg-us",
            {"host": "nowhere", "target_lsn": "0/1", "target_xid": "800", "timeout": 0},
            ["'pg-us' is not", "'nowhere' is not", "Only one of", "barman_recover_timeout is 0"],
        ),
    ],
)
def test_every_problem_is_reported(server: str, more: dict[str, Any], messages: list[str]) -> None:
    with pytest.raises(RecoveryError) as error:
        who(server, **more)
    assert len(error.value.problems) == len(messages)
    for message in messages:
        assert message in str(error.value)


@pytest.mark.parametrize(
    ("in_run", "more", "message"),
    [
        (["pg-eu"], {}, "--limit leaves the backup server backup-eu out, and it is needed."),
        (["backup-eu"], {}, "--limit leaves pg-eu out, and it is needed."),
        (["pg-eu", "backup-us"], {"backup_server": "backup-us"}, "backup-eu out, which is to protect pg-eu again."),
    ],
)
def test_a_limit_without_a_host_that_is_needed_is_refused(
    in_run: list[str], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecoveryError) as error:
        who("pg-eu", in_run, **more)
    assert message in str(error.value)


def test_a_recovery_elsewhere_does_not_need_the_backup_server_that_is_lost() -> None:
    assert who("pg-eu", ["spare", "backup-us"], backup_server="backup-us", host="spare").backup_server == "backup-eu"


def test_a_recovery_in_place() -> None:
    found = value("pg-eu", target_lsn="0/50CA0B8", tablespaces="fast=/srv/fast")
    assert (found["name"], found["source"], found["source_user"]) == ("orders", "backup-eu", "barman_eu")
    assert (found["in_place"], found["standby"], found["directory"]) == (True, "", "")
    assert (found["port"], found["version"], found["user"], found["database_user"]) == (
        5433,
        17,
        "postgres",
        "postgres",
    )
    assert found["recover"] == {
        "barman_user": "barman_eu",
        "server": "orders",
        "backup_id": "auto",
        "tablespaces": {"fast": "/srv/fast"},
        "target_immediate": False,
        "target_inclusive": True,
        "target_lsn": "0/50CA0B8",
        "target_timeline": "latest",
        "verify_backup": True,
        "verify_wal": True,
        "remote_host": "192.0.2.21",
        "remote_user": "postgres",
        "remote_port": 22,
    }
    assert found["locks"] == [{"host": "backup-eu", "resources": ["server orders"]}]
    assert found["locked_hosts"] == ["backup-eu", "pg-eu"]
    assert found["cluster"]["port"] == 5433
    assert found["entry_options"]["conninfo"].startswith("host=192.0.2.21")
    assert found["ssh"]["run"] == RUN
    assert found["temporary_ssh_connections"] == [found["ssh"]]
    assert found["ssh_lifetime"] == 86400 + 3600


def test_the_groups_are_of_this_recovery_alone_and_the_newest_is_the_last() -> None:
    names = [name for one in value("pg-eu")["groups"] for name in one["names"]]
    assert all(name.endswith("_20261120T083000Z_f3a9c1") for name in names)
    older = "barman_recovery_target_20261120T082959Z_ffffff"
    assert max(name for name in [*names, older] if name.startswith("barman_recovery_target_")) != older


def test_a_recovery_from_a_passive_node_locks_both_backup_servers() -> None:
    found = value("pg-eu", backup_server="backup-us")
    assert [one["host"] for one in found["locks"]] == ["backup-us", "backup-eu"]
    assert (found["source_user"], found["backup_server_user"]) == ("barman", "barman_eu")


def test_a_copy_on_another_host_is_not_protected() -> None:
    host = TargetHost(
        address="198.51.100.9", ssh_port=2222, superuser="admin", socket_directory="/run/pg", service="pg.service"
    )
    found = value("waits", host, host="spare")
    assert (found["in_place"], found["synchronous"], found["archives"]) == (False, False, False)
    assert (found["ssh"]["to_address"], found["ssh"]["to_port"]) == ("198.51.100.9", 2222)
    assert [one["host"] for one in found["locks"]] == ["backup-eu"]
    assert found["lasting_ssh_connections"] == {"backup-eu": [], "spare": []}
    assert found["cluster"] == {
        "port": 5432,
        "version": 17,
        "cluster": "",
        "service": "pg.service",
        "data_directory": "",
        "socket_directory": "/run/pg",
        "login_user": "admin",
        "refuse_managed": True,
    }


def test_what_the_inventory_declares_is_configured_again() -> None:
    found = value("waits")
    assert (found["synchronous"], found["archives"]) == (True, True)


def test_trust_that_the_architecture_needs_is_not_temporary() -> None:
    found = value("other", TargetHost(address="192.0.2.22"))
    assert found["temporary_ssh_connections"] == []
    assert found["lasting_ssh_connections"]["other"]


def test_a_recovery_of_a_primary_from_its_standby() -> None:
    found = value("pg-1")
    assert (found["name"], found["standby"], found["standby_streams"]) == ("pg-2", "pg-2", True)
    assert found["in_place"] is True


def test_a_recovery_to_a_directory() -> None:
    found = value("far", directory="/srv/far", verify_wal=False)
    assert (found["target"], found["in_place"], found["user"]) == ("backup-eu", False, "barman_eu")
    assert found["recover"]["destination"] == "/srv/far"
    assert found["recover"]["tablespace_directory"] == "/srv/far.tablespaces"
    assert found["recover"]["verify_wal"] is False
    assert "remote_host" not in found["recover"]
