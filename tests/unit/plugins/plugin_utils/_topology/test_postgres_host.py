# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What role pg finds out about a PostgreSQL server, from what state.sql reports."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.postgres_host import (
    Comparison,
    Requests,
    compare,
    not_in_effect,
)


def rule(source: str, user: str = "barman") -> str:
    return f'host "postgres" "{user}" {source} scram-sha-256'


BACKUPS = ["198.51.100.11/32", "198.51.100.12/32"]
DECLARED = [rule(source) for source in BACKUPS]
FORMER = rule("198.51.100.11/32", "former")
UNKNOWN = rule("198.51.100.77/32")
REQUIREMENTS: dict[str, Any] = {
    "version": 17,
    "port": 5432,
    "cluster": None,
    "cluster_manager": "none",
    "primary": None,
    "standbys": [],
    "archiving": None,
    "hba_lines": DECLARED,
    "slots": ["barman"],
    "synchronous": [],
    "roles": [{"name": "barman", "replication": False, "password": "barman_postgres_password"}],
}
STATE: dict[str, Any] = {
    "version": 17,
    "in_recovery": False,
    "patroni": False,
    "hba_rules": "".join(f"{line}\n" for line in DECLARED),
    "hba_unloaded": False,
    "settings": [],
    "existing_roles": [],
    "archive_command": "",
    "archive_library": "",
    "archive_mode": "off",
    "idle_slots": [],
    "synchronous_standby_names": "",
    "alter_system_allowed": True,
    "mounts_below": [],
    "data_directory": "/data/pg",
}


def compared(
    state: dict[str, Any] | None = None, requirements: dict[str, Any] | None = None, **requests: Any
) -> Comparison:
    return compare(
        "pg",
        {**REQUIREMENTS, **(requirements or {})},
        {**STATE, **(state or {})},
        BACKUPS,
        Requests(**{"superuser": "postgres", **requests}),
    )


@pytest.mark.parametrize("exclusive", [True, False])
def test_rules_of_unknown_backup_servers_stay(exclusive: bool) -> None:
    there = "\n".join([rule("198.51.100.11/32"), FORMER, UNKNOWN])
    found = compared({"hba_rules": f"{there}\n"}, rules_exclusive=exclusive)
    stays = (UNKNOWN,) if exclusive else (FORMER, UNKNOWN)
    assert found.hba_lines == (*DECLARED, *stays)
    assert found.rules_undeclared == (() if exclusive else (FORMER,))
    assert found.unknown_rules == (UNKNOWN,)


def test_the_first_deployment_warns_of_what_a_recovery_would_be_refused_for() -> None:
    assert compared().warnings == ()
    (strict,) = compared({"alter_system_allowed": False}).warnings
    assert strict.startswith("WARNING: pg: allow_alter_system is off.")
    (mounted,) = compared({"mounts_below": ["/data/pg/pg_wal"]}).warnings
    assert "WARNING: pg: /data/pg/pg_wal is mounted below the data directory" in mounted
    assert "Mount it outside of /data/pg" in mounted


OLD = [
    {"name": "barman", "bootstrap": False, "ours": False, "attributes": ["SUPERUSER", "CREATEDB"]},
    {"name": "streaming_barman", "bootstrap": False, "ours": False, "attributes": []},
]
OURS = [{"name": "barman", "bootstrap": False, "ours": True, "attributes": []}]
GROWN = [{**OURS[0], "attributes": ["SUPERUSER", "CREATEDB"]}]
POSTGRES = [{"name": "postgres", "bootstrap": True, "ours": True, "attributes": ["SUPERUSER"]}]
# What state.sql reports of a server, and what is shown.
ROLES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "somebody-elses": (
        {"existing_roles": OLD},
        [
            "The database role 'barman' exists, and loses SUPERUSER, CREATEDB.",
            "The database role 'barman' was not created by this collection, and gets the inventory's password.",
            "The database role 'streaming_barman' was not created",
        ],
    ),
    "changed-since": (
        {"existing_roles": GROWN},
        ["The database role 'barman' exists, and loses SUPERUSER, CREATEDB."],
    ),
    "ours": ({"existing_roles": OURS}, []),
    "new": ({"existing_roles": []}, []),
    "standby": ({"existing_roles": OLD, "in_recovery": True}, []),
}


@pytest.mark.parametrize("case", ROLES)
def test_what_a_role_loses_is_shown(case: str) -> None:
    state, sentences = ROLES[case]
    shown = compared(state, roles_overwrite=True).warnings
    assert bool(shown) == bool(sentences)
    for sentence in sentences:
        assert sentence in shown[0]
    if sentences:
        assert shown[0].startswith("WARNING: pg:")
        assert shown[0].count("The database role") == len(sentences)


@pytest.mark.parametrize(
    ("state", "overwrite", "expected"),
    [
        ({"existing_roles": OLD}, False, "'barman' exists, and loses SUPERUSER, CREATEDB."),
        ({"existing_roles": OLD}, True, ""),
        # A person gave the collection's own role more since.
        ({"existing_roles": GROWN}, False, ""),
        ({"existing_roles": OLD[1:]}, False, ""),
        ({"existing_roles": OLD, "in_recovery": True}, False, ""),
        ({"existing_roles": POSTGRES}, True, "as postgres, which is PostgreSQL's own superuser"),
        ({"existing_roles": [{**OURS[0], "name": "dba"}]}, True, "as dba, which is"),
    ],
)
def test_a_role_loses_nothing_without_a_word_of_the_user(state: dict[str, Any], overwrite: bool, expected: str) -> None:
    refusal = compared(state, superuser="dba", roles_overwrite=overwrite).refusal
    assert expected in refusal
    assert bool(expected) == bool(refusal)


ARCHIVING = {"archiving": {"method": "barman-wal-archive"}}


@pytest.mark.parametrize(
    ("state", "requirements", "expected"),
    [
        ({"version": 16}, {}, "is version 16, and barman_postgres_version is 17"),
        ({}, {"primary": "pg-1"}, "pg is not a standby, and barman_primary declares"),
        ({"in_recovery": True}, {"primary": "pg-1"}, ""),
        ({"in_recovery": True}, {"standbys": ["pg-2"]}, "barman_primary of pg-2 names it as the primary"),
        ({"archive_command": "rsync %p away:"}, ARCHIVING, "not by this role: archive_command = rsync %p away:"),
        ({"archive_library": "basic_archive"}, ARCHIVING, "not by this role: archive_library = basic_archive"),
        ({"archive_command": "/usr/bin/true"}, ARCHIVING, ""),
        ({"archive_command": "x %p # pgdr.barman"}, ARCHIVING, ""),
        ({"archive_command": "rsync %p away:"}, {}, ""),
        ({"patroni": True}, {"cluster": "main"}, "is none. Patroni would drop the receiver's slot"),
        (
            {"patroni": True, "in_recovery": True},
            {"cluster": "main", "cluster_manager": "repmgr"},
            "Write barman_cluster_manager: patroni for all members of main",
        ),
        ({"patroni": True}, {"cluster": "main", "cluster_manager": "patroni"}, ""),
        # Without barman_cluster, the variable has no effect.
        ({"patroni": True}, {}, ""),
    ],
)
def test_a_server_that_is_not_the_declared_one_is_refused(
    state: dict[str, Any], requirements: dict[str, Any], expected: str
) -> None:
    refusal = compared(state, requirements).refusal
    assert expected in refusal
    assert bool(expected) == bool(refusal)


@pytest.mark.parametrize(
    ("state", "foreign", "ours"),
    [
        ({"archive_command": "rsync %p away:", "archive_mode": "on"}, "archive_command = rsync %p away:", False),
        ({"archive_command": "barman-wal-archive b pg %p # pgdr.barman", "archive_mode": "on"}, "", True),
        ({"archive_command": "/bin/true # pgdr.barman", "archive_mode": "on"}, "", False),
        # What Barman leaves in a server that it restored fails for ever, and keeps WAL.
        ({"archive_command": "false", "archive_mode": "on"}, "", True),
        ({"archive_command": "", "archive_mode": "off"}, "", False),
    ],
)
def test_archiving_that_is_not_declared(state: dict[str, Any], foreign: str, ours: bool) -> None:
    found = compared(state)
    assert (found.foreign_archiving, found.archives_undeclared) == (foreign, ours)
    declared = compared(state, ARCHIVING, archive_overwrite=True)
    assert (declared.foreign_archiving, declared.archives_undeclared) == ("", False)


def test_slots_under_patroni_are_patronis() -> None:
    assert compared({"idle_slots": ["pg_2"]}, {"cluster_manager": "patroni"}).idle_slots == ()


def test_slots_that_nothing_uses() -> None:
    assert compared({"idle_slots": ["barman", "other"]}).idle_slots == ("other",)


@pytest.mark.parametrize(("names", "found"), [("", False), ('"barman_receive_wal"', True), ("other", False)])
def test_commits_that_wait_for_barman(names: str, found: bool) -> None:
    assert compared({"synchronous_standby_names": names}).synchronous_undeclared == found


def test_a_standby_gets_no_roles() -> None:
    assert compared({"in_recovery": True}).roles == ()
    assert len(compared().roles) == 1


def setting(name: str, **more: Any) -> dict[str, Any]:
    values = {"name": name, "running": "2", "desired": "4", "source": "command line", "sourcefile": None}
    short = {"running_short": True, "written_short": False, "needs_restart": True, "needs_reload": False}
    return {**values, **short, **more}


def test_settings_that_a_restart_did_not_bring() -> None:
    pending = [
        {"name": "max_wal_senders", "setting": "2", "pending": "4", "file": "/etc/postgresql.conf", "line": 7},
    ]
    assert not_in_effect({**STATE, "settings": [setting("wal_level")]}, pending) == [
        "max_wal_senders is 2 and waits for a restart to become 4 (/etc/postgresql.conf, line 7)",
        "wal_level is 2 and has to be 4 (set by: command line)",
    ]
    assert not_in_effect(STATE, []) == []
