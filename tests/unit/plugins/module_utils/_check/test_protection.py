# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the recovered server is the one that Barman protects: by system identifier and timeline, never by its name."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._check.protection import (
    ExpectedServer,
    ObservedProtection,
    Protection,
    ServerIdentity,
    as_result,
    entry_problems,
    missing_protection,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed

RECOVERED = ServerIdentity("7710", 2)
BACKUP = Backup(
    "20261120T090402", "DONE", "/x", systemid="7710", timeline=2, begin_wal="00000002000000000000001C", version=170011
)
EXPECTED = ExpectedServer("7710", 2, BACKUP.backup_id)
STREAMS = ObservedProtection(
    server=RECOVERED,
    receives_from=RECOVERED,
    streaming=True,
    receiver_pid=4711,
    sender_state="streaming",
    received="00000002000000000000001E.partial",
    delivered="00000002000000000000001D",
    archived="00000002000000000000001D",
    backup=BACKUP,
)
ARCHIVES = ObservedProtection(server=RECOVERED, delivered="00000002000000000000001D", backup=BACKUP)
OLD = ServerIdentity("42", 1)


@pytest.mark.parametrize("observed", [STREAMS, ARCHIVES], ids=["streaming", "archiving"])
def test_what_is_protected(observed: ObservedProtection) -> None:
    assert missing_protection("pg", EXPECTED, observed) == []


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (replace(STREAMS, server=OLD, receives_from=OLD), ["connects to .* 42, and .* 7710"]),
        (replace(STREAMS, receives_from=OLD), ["receiver .* connects to .* 42, and .* 7710"]),
        (replace(STREAMS, server=ServerIdentity("7710", 1), receives_from=None), ["on timeline 1, and .* timeline 2"]),
        (replace(STREAMS, server=ServerIdentity("7710", None), receives_from=None), ["in recovery"]),
        (replace(STREAMS, receiver_pid=None), ["no WAL receiver"]),
        (replace(STREAMS, sender_state=None), ["does not stream .* no connection"]),
        (replace(STREAMS, sender_state="catchup"), ["does not stream .* catchup"]),
        (replace(STREAMS, archived=None), ["no WAL segment of timeline 2 .* archived"]),
        (replace(STREAMS, archived=None, received=None), ["nothing of timeline 2", "archived"]),
        (replace(ARCHIVES, delivered=None), ["no WAL segment of timeline 2 .* arrived"]),
        (replace(ARCHIVES, backup=None), ["has no backup 20261120T090402"]),
        (replace(ARCHIVES, backup=replace(BACKUP, systemid="42")), ["of system identifier 42"]),
        (replace(ARCHIVES, backup=replace(BACKUP, timeline=1)), ["begins on timeline 1"]),
        (replace(ARCHIVES, backup=replace(BACKUP, begin_wal="00000001000000000000001C")), ["00000001000000000000001C"]),
        (replace(ARCHIVES, backup=replace(BACKUP, status="FAILED")), ["is FAILED"]),
    ],
)
def test_what_is_not_protected(observed: ObservedProtection, expected: list[str]) -> None:
    missing = missing_protection("pg", EXPECTED, observed)
    assert len(missing) == len(expected)
    for text, pattern in zip(missing, expected, strict=True):
        assert re.search(pattern, text), text


def test_without_a_new_backup() -> None:
    (missing,) = missing_protection("pg", replace(EXPECTED, backup_id=None), STREAMS)
    assert "no backup of timeline 2" in missing


def parse(text: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in text.split())


def entry(**options: str) -> ServerConfiguration:
    return ServerConfiguration("pg", options, "/etc/barman.d/pg.conf")


def test_an_entry_that_leads_elsewhere() -> None:
    declared = {
        "conninfo": "host=198.51.100.10 port=5433 user=barman",
        "streaming_conninfo": "host=198.51.100.10 port=5433",
        "backup_method": "postgres",
    }
    written = entry(conninfo="host=198.51.100.20 password=secret", streaming_conninfo="host=198.51.100.10 port=5433")
    (problem,) = entry_problems(written, declared, parse)
    assert "conninfo of Barman's server 'pg'" in problem
    assert "is host 198.51.100.20, port 5432, and the inventory's is host 198.51.100.10, port 5433" in problem
    assert "secret" not in problem
    (problem,) = entry_problems(entry(conninfo=declared["conninfo"]), declared, parse)
    assert "streaming_conninfo of Barman's server 'pg' (/etc/barman.d/pg.conf) is not set" in problem
    assert (
        entry_problems(entry(conninfo="port=5433 host=198.51.100.10"), {"conninfo": declared["conninfo"]}, parse) == []
    )


class Session:
    """A server that answers what the test says."""

    version = 17

    def __init__(self, states: list[str], identifier: str) -> None:
        self.states = states
        self.identifier = identifier

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        if "pg_control_system" in sql:
            return [{"system_identifier": self.identifier, "in_recovery": False, "timeline": "00000002"}]
        if sql == "IDENTIFY_SYSTEM":
            return [{"systemid": self.identifier, "timeline": 2, "xlogpos": "0/1E000000"}]
        if "pg_replication_slots" in sql:
            return [{"slot_name": "barman", "active": True, "active_pid": 9, "restart_lsn": None, "wal_status": None}]
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        lsn = {"sent_lsn": None, "flush_lsn": None, "age": 1.0, "client_addr": None}
        return [{"pid": 9, "application_name": "barman_receive_wal", "state": state, **lsn}]

    def try_stream(self, lsn: int, timeline: int, patience: float = 5.0) -> None:
        raise AssertionError

    def close(self) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> ServerConfiguration:
    home = tmp_path / "pg"
    names = ("base", "wals", "incoming", "streaming", "meta")
    for name in names:
        (home / name).mkdir(parents=True)
    (home / "wals" / "0000000200000000").mkdir()
    (home / "wals" / "0000000200000000" / "00000002000000000000001D").write_bytes(b"")
    (home / "streaming" / "00000002000000000000001E.partial").write_bytes(b"")
    (home / "meta" / "20261120T090402-backup.info").write_text(
        "backup_id=20261120T090402\nstatus=DONE\nsystemid=7710\ntimeline=2\nbegin_wal=00000002000000000000001C\nversion=170011\n"
        "mode=postgres\nserver_name=pg\n"
    )
    (tmp_path / ".pg-receive-wal.lock").write_text("4711")
    return ServerConfiguration(
        "pg",
        {
            "backup_directory": str(home),
            "basebackups_directory": str(home / "base"),
            "wals_directory": str(home / "wals"),
            "incoming_wals_directory": str(home / "incoming"),
            "streaming_wals_directory": str(home / "streaming"),
            "barman_lock_directory": str(tmp_path),
            "streaming_archiver": "on",
            "slot_name": "barman",
            "conninfo": "host=198.51.100.10",
        },
        "pg.conf",
    )


def protection(server: ServerConfiguration, session: Session, waited: list[float]) -> Protection:
    def run(command: Command) -> Completed:
        raise AssertionError(command)

    return Protection(
        Barman(run, getpass.getuser()),
        server,
        lambda conninfo, user=None, name=None, replication=False: session,
        clock=lambda: sum(waited),
        pause=waited.append,
        process=lambda pid: "barman receive-wal pg",
    )


def test_the_receiver_is_waited_for(server: ServerConfiguration) -> None:
    waited: list[float] = []
    observed, missing = protection(server, Session(["startup", "catchup", "streaming"], "7710"), waited).prove(
        EXPECTED, 60
    )
    assert missing == []
    assert waited == [1.0, 1.0]
    assert (observed.receiver_pid, observed.archived) == (4711, "00000002000000000000001D")
    assert as_result(EXPECTED, observed)["backup"]["begin_wal"] == "00000002000000000000001C"


def test_another_server_is_not_waited_for(server: ServerConfiguration) -> None:
    waited: list[float] = []
    _observed, missing = protection(server, Session(["streaming"], "42"), waited).prove(EXPECTED, 60)
    assert "system identifier 42" in missing[0]
    assert waited == []


def test_a_receiver_that_never_streams(server: ServerConfiguration) -> None:
    waited: list[float] = []
    _observed, missing = protection(server, Session(["startup"], "7710"), waited).prove(EXPECTED, 5)
    assert len(missing) == 1
    assert sum(waited) == 5
