# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Synchronous receivers: PostgreSQL told to wait, and the receiver seen to be what is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import Result
from ansible_collections.pgdr.barman.plugins.module_utils._host.waiting import WaitTimeout
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import QueryFailed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.synchronous import (
    configure,
    problem_of,
    wait_until_given,
)

NAME = "barman_receive_wal"
OURS = 'FIRST 1 ("barman_receive_wal")'


@dataclass
class Postgres:
    """A server that is asked and told. files: (setting, whether ALTER SYSTEM wrote it), the last one wins.

    broken: the error in postgresql.conf: PostgreSQL reads no further, and takes over nothing. refuses: what it says to statements with
    these words. gone_after: how many statements that change something until the session breaks.
    """

    running: str = ""
    files: list[tuple[str, bool]] = field(default_factory=list)
    commit: str = "on"
    source: str = "configuration file"
    deaf: bool = False
    broken: str = ""
    refuses: dict[str, str] = field(default_factory=dict)
    breaks_at: str = "nothing"
    broken_off: bool = False
    flushed: str | None = "0/5000100"
    senders: list[tuple[str, str, str | None]] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    time: float = 0.0
    version: int = 17

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        self.broken_off = self.broken_off or self.breaks_at in sql
        if self.broken_off:
            raise QueryFailed("PostgreSQL refused it: server closed the connection unexpectedly")
        for words, reason in self.refuses.items():
            if words in sql:
                raise QueryFailed(f"PostgreSQL refused it: {reason}", "42501")
        if sql.startswith("ALTER SYSTEM"):
            self.statements.append(sql)
            self.files = [entry for entry in self.files if not entry[1]]
            if " SET " in sql:
                value = sql.partition(" = ")[2]
                self.files.append((value[1:-1].replace("''", "'"), True))
            return []
        if "pg_reload_conf" in sql:
            self.statements.append("reload")
            if not self.deaf and not self.broken:
                self.running = self.files[-1][0] if self.files else ""
            return [{"pg_reload_conf": True}]
        if "pg_file_settings" in sql and "error IS NOT NULL" in sql:
            return [{"place": "postgresql.conf, line 816", "error": self.broken}] if self.broken else []
        if "pg_file_settings" in sql and self.broken:
            return [{"setting": setting, "altered": False} for setting, altered in self.files if not altered]
        if "pg_file_settings" in sql:
            return [{"setting": setting, "altered": altered} for setting, altered in self.files]
        if "FROM pg_catalog.pg_settings" in sql:
            return [
                {"name": "synchronous_standby_names", "setting": self.running, "source": self.source},
                {"name": "synchronous_commit", "setting": self.commit, "source": "default"},
            ]
        if "pg_stat_replication" in sql:
            return [
                {"application_name": name, "state": "streaming", "sync_state": state, "flushed": flushed}
                for name, state, flushed in self.senders
            ]
        assert "current_setting('synchronous_standby_names')" in sql, sql
        return [{"names": self.running, "commit": self.commit, "flushed": self.flushed}]

    def try_stream(self, lsn: int, timeline: int, patience: float = 5.0) -> None:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError

    def clock(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds


def configured(pg: Postgres, desired: list[str], unwanted: list[str] | None = None, *, check: bool = False) -> Result:
    return configure(pg, desired, unwanted, check_mode=check, clock=pg.clock, pause=pg.pause)


def waits(pg: Postgres) -> str:
    """Why its commits are not protected."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        return problem_of(pg, NAME, 0.0)


# --- telling PostgreSQL -----------------------------------------------------------------------------------------------


def test_commits_wait():
    pg = Postgres()
    answer = configured(pg, [NAME])
    assert pg.statements == [
        "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (\"barman_receive_wal\")'",
        "reload",
    ]
    assert answer == Result(
        changed=True,
        values={"synchronous_standby_names": OURS, "added": [NAME], "removed": []},
        diff={"before": {"synchronous_standby_names": ""}, "after": {"synchronous_standby_names": OURS}},
    )


def test_a_second_time_nothing_is_changed():
    pg = Postgres()
    configured(pg, [NAME])
    pg.statements.clear()
    assert not configured(pg, [NAME]).changed
    assert pg.statements == []


def test_what_is_in_a_file_is_added_to():
    pg = Postgres("it's", [('"it\'s"', False)])
    answer = configured(pg, [NAME])
    assert answer.values["synchronous_standby_names"] == 'FIRST 2 ("barman_receive_wal", "it\'s")'
    assert pg.running == answer.values["synchronous_standby_names"]
    assert "''" in pg.statements[0]


def test_and_taken_back_to_it():
    pg = Postgres("a", [("a", False)])
    configured(pg, [NAME])
    answer = configured(pg, [])
    assert answer.values["removed"] == [NAME]
    assert answer.values["synchronous_standby_names"] == "a"
    assert pg.statements[-2:] == ["ALTER SYSTEM RESET synchronous_standby_names", "reload"]
    assert pg.files == [("a", False)]


def test_what_a_hand_wrote_is_left():
    pg = Postgres(NAME, [(NAME, True)])
    assert not configured(pg, []).changed
    assert pg.statements == []


def test_only_what_was_added_just_now():
    pg = Postgres(OURS, [(OURS, True)])
    added = configured(pg, [NAME, "barman_2"]).values["added"]
    assert added == ["barman_2"]
    assert configured(pg, [], added).values["synchronous_standby_names"] == OURS


def test_in_check_mode_nothing_is_executed():
    pg = Postgres()
    assert configured(pg, [NAME], check=True).changed
    assert pg.statements == []


def test_what_is_written_and_not_in_effect():
    pg = Postgres("", [(OURS, True)])
    answer = configured(pg, [NAME])
    assert answer.changed
    assert pg.statements == ["reload"]
    assert pg.running == OURS


@pytest.mark.parametrize("before", [[], [("a", False)], [("a", False), ('FIRST 2 (b, "it\'s")', True)]])
def test_what_does_not_come_into_effect_is_set_back(before):
    """Else commits would hang for it from a later reload on, or a restart."""
    running = before[-1][0] if before else ""
    pg = Postgres(running, list(before), deaf=True)
    with pytest.raises(HostError) as failure:
        configured(pg, [NAME])
    assert pg.files == before
    assert pg.statements[-1] == "reload"
    assert f"last observed: it is '{running}'" in str(failure.value)
    assert str(failure.value).endswith(f"synchronous_standby_names was set back to '{running}'")


def test_a_setting_that_can_not_be_reset_is_reported():
    pg = Postgres(breaks_at="pg_reload_conf")
    with pytest.raises(HostError) as failure:
        configured(pg, [NAME])
    assert pg.files == [(OURS, True)]
    assert f"synchronous_standby_names = '{OURS}' is left in PostgreSQL's files" in str(failure.value)
    assert "ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf();" in str(failure.value)


def test_a_setting_that_may_have_been_written_is_reported():
    """The session breaks while it is written, and what was there before is to be put back by hand."""
    pg = Postgres("a", [("a", True)], breaks_at="ALTER SYSTEM")
    with pytest.raises(HostError, match="may remain in PostgreSQL's files") as failure:
        configured(pg, [NAME])
    assert "ALTER SYSTEM SET synchronous_standby_names = 'a'; SELECT pg_reload_conf();" in str(failure.value)


def test_a_reset_setting_that_is_not_reloaded_is_reported():
    pg = Postgres("", refuses={"pg_reload_conf": "permission denied"})
    with pytest.raises(HostError, match=r"set back to '', and that has not taken effect.*permission denied"):
        configured(pg, [NAME])
    assert pg.files == []


def test_what_postgresql_refuses_to_write():
    pg = Postgres(refuses={"ALTER SYSTEM": "permission denied"})
    with pytest.raises(QueryFailed, match=r"^PostgreSQL refused it: permission denied$"):
        configured(pg, [NAME])
    assert pg.statements == []


def test_what_is_taken_away_and_not_in_effect_stays_taken_away():
    pg = Postgres(OURS, [(OURS, True)], deaf=True)
    with pytest.raises(WaitTimeout):
        configured(pg, [])
    assert pg.files == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("running", "files", "desired"),
    [
        ("", [], [NAME]),
        # With an error in postgresql.conf, PostgreSQL does not say what ALTER SYSTEM wrote.
        (OURS, [(OURS, True)], [NAME]),
        (OURS, [(OURS, True)], []),
    ],
)
def test_a_configuration_that_postgresql_does_not_take_over(check, running, files, desired):
    pg = Postgres(running, list(files), broken="syntax error")
    with pytest.raises(HostError, match=r"postgresql\.conf, line 816: syntax error"):
        configured(pg, desired, check=check)
    assert (pg.statements, pg.files) == ([], files)


def test_the_command_line_overrules():
    pg = Postgres("a", source="command line")
    with pytest.raises(HostError, match="command line"):
        configured(pg, [NAME])
    assert pg.statements == []


@pytest.mark.parametrize("commit", ["off", "local", "remote_apply"])
def test_commits_that_would_not_wait_or_for_ever(commit):
    pg = Postgres(commit=commit)
    with pytest.raises(HostError, match=f"synchronous_commit is {commit}"):
        configured(pg, [NAME])
    assert pg.statements == []
    # The way out is not barred.
    pg.files, pg.running = [(OURS, True)], OURS
    assert configured(pg, []).changed


def test_somebodys_quorum():
    pg = Postgres("ANY 1 (a, b)", [("ANY 1 (a, b)", True)])
    with pytest.raises(HostError, match=r"'ANY 1 \(a, b\)'"):
        configured(pg, [NAME])
    assert pg.statements == []


# --- what is waited for -----------------------------------------------------------------------------------------------


def test_a_receiver_that_confirms():
    for state in ("sync", "quorum"):
        assert waits(Postgres(OURS, senders=[(NAME, state, "0/5000100"), ("other", "async", None)])) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"running": ""}, "is empty"),
        ({"running": f"{NAME}, a"}, "wait for 1 of 2"),
        ({"commit": "local"}, "synchronous_commit is local"),
        ({"commit": "remote_apply"}, "applies nothing"),
        ({"flushed": None}, "in recovery"),
        ({"senders": []}, "no receiver named barman_receive_wal is connected"),
        ({"senders": [(NAME, "potential", "0/5000100")]}, "sync_state is potential"),
        # It runs without --synchronous, and PostgreSQL does not know.
        ({"senders": [(NAME, "sync", "0/5000000")]}, "confirmed 0/5000000, and not 0/5000100"),
        ({"senders": [(NAME, "sync", None)]}, "confirmed nothing, and not 0/5000100"),
        (
            {"senders": [(NAME, "sync", "0/5000100"), (NAME, "potential", "0/5000100")]},
            "more than one standby is connected as barman_receive_wal",
        ),
        (
            {"senders": [(NAME, "sync", "0/5000100"), ("a", "sync", "0/1"), ("A", "potential", "0/1")]},
            "more than one standby is connected as a",
        ),
    ],
)
def test_a_receiver_that_does_not(changes, words):
    whole = {"running": OURS, "senders": [(NAME, "sync", "0/5000100")], **changes}
    assert words in waits(Postgres(**whole))


def test_a_receiver_that_comes_up():
    """What is written meanwhile is not waited for: on a busy server it would never end."""
    pg = Postgres(OURS)

    def pause(seconds: float) -> None:
        pg.time += seconds
        pg.flushed = "0/9000000"
        pg.senders = [(NAME, "sync", "0/5000100")]

    synchrony = wait_until_given(pg, NAME, 5.0, pg.clock, pause)
    assert synchrony.flushed == 0x9000000


def test_a_receiver_that_has_ended_is_not_waited_for():
    pg = Postgres(OURS, senders=[(NAME, "sync", "0/5000000")])
    with pytest.raises(WaitTimeout, match=r"no receiver runs.*it has confirmed 0/5000000"):
        wait_until_given(pg, NAME, 60.0, pg.clock, pg.pause, lambda: pg.time < 1.0)
    assert pg.time < 2.0


def test_what_has_ended_and_confirmed_everything():
    pg = Postgres(OURS, senders=[(NAME, "sync", "0/5000100")])
    assert wait_until_given(pg, NAME, 60.0, pg.clock, pg.pause, lambda: False).senders
