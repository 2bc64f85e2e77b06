# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""archive_command: what is written, what is left alone, and where it stopped."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._archive_command import archiving
from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.command import (
    MARK,
    NOTHING,
    ArchiveTarget,
    archive_command,
    does_nothing,
    marked,
)
from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.configure import configure
from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.plan import (
    ArchiverStatistics,
    ArchivingError,
    ArchivingPlan,
    CurrentArchiving,
    DesiredArchiving,
    HistoryFile,
    has_archived,
    make_plan,
    problems,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import Segment

TARGET = ArchiveTarget("pg", "198.51.100.11")
RSYNC = ArchiveTarget("pg", "198.51.100.11", method="rsync", directory="/var/lib/barman/pg/incoming")
OURS = marked(archive_command(TARGET))
DESIRED = DesiredArchiving(TARGET)
FOREIGN = "pgbackrest --stanza=main archive-push %p"
WORKS = ArchiverStatistics("000000010000000000000004", 100, None, None, 0)


def current(**changes: Any) -> CurrentArchiving:
    return replace(
        CurrentArchiving(
            17,
            in_recovery=False,
            data_directory="/srv/pg",
            mode="on",
            mode_written="on",
            command=OURS,
            statistics=WORKS,
        ),
        **changes,
    )


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_by_barman_wal_archive():
    assert archive_command(TARGET) == "barman-wal-archive --user barman 198.51.100.11 pg %p"


def test_another_port_user_and_compression():
    target = ArchiveTarget("pg", "backup", 2222, "vault", compression="zstd")
    assert archive_command(target) == "barman-wal-archive --port 2222 --zstd --user vault backup pg %p"


def test_the_command_by_rsync():
    assert archive_command(RSYNC) == (
        "rsync --archive --rsh 'ssh -q -o BatchMode=yes' %p barman@198.51.100.11:/var/lib/barman/pg/incoming/%f"
    )


def test_rsync_to_another_port_and_an_ipv6_address():
    command = archive_command(replace(RSYNC, host="2001:db8::11", port=2222, compression="zstd"))
    words = shlex.split(command)
    assert words[2:5] == ["--compress-choice=zstd", "--rsh", "ssh -q -o BatchMode=yes -p 2222"]
    assert words[-1] == "barman@[2001:db8::11]:/var/lib/barman/pg/incoming/%f"


def test_rsync_compresses_with_what_every_rsync_knows():
    assert "--compress --rsh" in archive_command(replace(RSYNC, compression="gzip"))


@given(server=st.text(st.characters(codec="ascii", exclude_characters="\n\0"), min_size=1))
def test_a_name_reaches_the_command_as_it_is(server):
    command = archive_command(ArchiveTarget(server, "backup"))
    # As PostgreSQL puts in the file.
    put_in = re.sub(r"%(.)", lambda found: {"p": "pg_wal/F", "%": "%"}[found.group(1)], command)
    assert shlex.split(put_in) == ["barman-wal-archive", "--user", "barman", "backup", server, "pg_wal/F"]


@pytest.mark.parametrize("command", ["", "true", "/bin/true", "/usr/bin/true", ":", "exit 0", NOTHING, "(disabled)"])
def test_commands_that_do_nothing(command):
    assert does_nothing(command)


@pytest.mark.parametrize("command", [OURS, FOREIGN, "true && cp %p /srv", "truely"])
def test_commands_that_do_something(command):
    assert not does_nothing(command)


# --- what speaks against it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "installed", "far", "words"),
    [
        (replace(TARGET, compression="zstd"), (3, 13, 3), (3, 19, 1), "this host has 3.13.3"),
        (replace(TARGET, compression="zstd"), (3, 19, 1), (3, 13, 3), "which has 3.13.3"),
        (replace(TARGET, compression="zstd"), (3, 19, 1), None, "barman_version"),
        (replace(RSYNC, compression="xz"), None, None, "one of none, gzip, zstd, lz4"),
        (replace(RSYNC, directory=None), None, None, "incoming_directory is required"),
    ],
)
def test_what_speaks_against_it(target, installed, far, words):
    (problem,) = problems(DesiredArchiving(target), installed, far)
    assert words in problem


def test_both_ends_are_reported_at_once():
    assert len(problems(DesiredArchiving(replace(TARGET, compression="xz")), (3, 4), (3, 4))) == 2


@pytest.mark.parametrize(
    "target", [TARGET, RSYNC, replace(TARGET, compression="lz4"), replace(RSYNC, compression="lz4")]
)
def test_nothing_speaks_against_it(target):
    assert problems(DesiredArchiving(target), (3, 14), (3, 14, 0)) == []


# --- the plan -----------------------------------------------------------------------------------------------------


def test_nothing_to_do():
    assert make_plan(current(), DesiredArchiving(TARGET)) == ArchivingPlan()


def test_a_fresh_server_needs_a_restart_and_proves_nothing_before_it():
    plan = make_plan(
        current(mode="off", mode_written="off", command="", statistics=ArchiverStatistics()), DesiredArchiving(TARGET)
    )
    assert plan == ArchivingPlan({"archive_mode": "on", "archive_command": OURS}, restart_required=True, prove=False)


def test_written_and_waiting_for_the_restart():
    plan = make_plan(current(mode="off", statistics=ArchiverStatistics()), DesiredArchiving(TARGET))
    assert plan == ArchivingPlan(restart_required=True)


def test_after_the_restart_it_is_proven():
    assert make_plan(current(statistics=ArchiverStatistics()), DesiredArchiving(TARGET)) == ArchivingPlan(prove=True)


def test_a_failing_archiver_is_proven_again():
    failed = replace(WORKS, failed_wal="000000010000000000000005", failed_time=101, failed_count=3)
    assert make_plan(current(statistics=failed), DesiredArchiving(TARGET)).prove


def test_a_failure_that_was_overcome_is_none():
    overcome = replace(WORKS, failed_wal="000000010000000000000004", failed_time=99, failed_count=3)
    assert make_plan(current(statistics=overcome), DesiredArchiving(TARGET)) == ArchivingPlan()


def test_a_standby_proves_nothing():
    assert (
        make_plan(current(in_recovery=True, statistics=ArchiverStatistics()), DesiredArchiving(TARGET))
        == ArchivingPlan()
    )


@pytest.mark.parametrize("changes", [{"command": FOREIGN}, {"library": "basic_archive"}])
@pytest.mark.parametrize("target", [TARGET, None])
def test_what_somebody_else_set_stays(changes, target):
    with pytest.raises(ArchivingError, match="set barman_archive_overwrite: true") as caught:
        make_plan(current(**changes), DesiredArchiving(target))
    assert caught.value.kind == "foreign"
    assert make_plan(current(**changes), DesiredArchiving(target, overwrite=True)).settings


def test_a_hidden_command_of_somebody_else_stays_too():
    with pytest.raises(ArchivingError, match="pgbackrest"):
        make_plan(current(mode="off", mode_written="off", command=FOREIGN), DesiredArchiving(TARGET))


@pytest.mark.parametrize(
    "command", ["", "/bin/true", "false", NOTHING, archive_command(TARGET), marked("barman-wal-archive old pg %p")]
)
def test_what_may_be_replaced(command):
    plan = make_plan(current(command=command), DesiredArchiving(TARGET))
    assert plan.settings == {"archive_command": OURS}
    assert plan.prove


def test_a_command_line_wins_over_every_file():
    with pytest.raises(ArchivingError, match="command line"):
        make_plan(current(command="", fixed=("archive_command",)), DesiredArchiving(TARGET))


def test_always_is_more_than_on():
    assert make_plan(current(mode="always", mode_written="always"), DesiredArchiving(TARGET)) == ArchivingPlan()
    plan = make_plan(current(), DesiredArchiving(TARGET, mode="always"))
    assert plan.settings == {"archive_mode": "always"}
    assert plan.restart_required


def test_a_timeout_is_set_and_taken_back():
    plan = make_plan(current(), DesiredArchiving(TARGET, timeout=300))
    assert plan.settings["archive_timeout"] == "300"
    noted = plan.settings["archive_command"]
    assert make_plan(current(command=noted, timeout=300), DesiredArchiving(TARGET, timeout=300)) == ArchivingPlan()
    assert make_plan(current(command=noted, timeout=300), DesiredArchiving(TARGET)).settings["archive_timeout"] is None
    assert make_plan(current(command=noted, timeout=300), DesiredArchiving(None)).settings == {
        "archive_command": NOTHING,
        "archive_timeout": None,
    }
    # Somebody changed it since.
    assert "archive_timeout" not in make_plan(current(command=noted, timeout=60), DesiredArchiving(None)).settings


@pytest.mark.parametrize("command", [OURS, "", "false"])
def test_absent_with_archive_mode_on_never_leaves_an_empty_command(command):
    plan = make_plan(current(command=command), DesiredArchiving(None))
    assert plan == ArchivingPlan({"archive_command": NOTHING})


def test_absent_with_archive_mode_on_and_waiting_for_a_restart():
    assert make_plan(current(mode="off", mode_written="on"), DesiredArchiving(None)).settings == {
        "archive_command": NOTHING
    }


def test_absent_without_archive_mode_takes_the_command_away():
    assert make_plan(current(mode="off", mode_written="off"), DesiredArchiving(None)).settings == {
        "archive_command": None
    }
    assert make_plan(current(mode="off", mode_written="off", command=""), DesiredArchiving(None)) == ArchivingPlan()


@pytest.mark.parametrize("command", ["/bin/true", NOTHING])
def test_absent_twice_changes_nothing(command):
    assert make_plan(current(command=command), DesiredArchiving(None)) == ArchivingPlan()


@given(
    mode=st.sampled_from(["off", "on", "always"]),
    written=st.sampled_from(["off", "on", "always"]),
    command=st.sampled_from(["", OURS, NOTHING, FOREIGN, marked(archive_command(TARGET), 300)]),
    timeout=st.sampled_from([0, 60, 300]),
    desired=st.sampled_from(
        [
            DesiredArchiving(target, mode, timeout, overwrite=True)
            for target in (TARGET, RSYNC, None)
            for mode in ("on", "always")
            for timeout in (None, 0, 300)
        ]
    ),
)
def test_a_second_plan_changes_nothing(mode, written, command, timeout, desired):
    before = current(mode=mode, mode_written=written, command=command, timeout=timeout)
    plan = make_plan(before, desired)
    settings = plan.settings
    after = replace(
        before,
        mode_written=settings.get("archive_mode") or before.mode_written,
        command=(settings["archive_command"] or "") if "archive_command" in settings else before.command,
        timeout=int(settings["archive_timeout"] or 0) if "archive_timeout" in settings else before.timeout,
    )
    assert make_plan(after, desired).settings == {}
    if desired.target is None and after.mode != "off":
        assert after.command, "PostgreSQL would keep all WAL"


# --- the whole, with a server that plays along ----------------------------------------------------------------------


@dataclass
class World:
    """A PostgreSQL server and its archiver. archive: what the archiver's attempt does with the segment."""

    settings: dict[str, str] = field(
        default_factory=lambda: {
            "archive_mode": "on",
            "archive_command": "",
            "archive_timeout": "0",
            "archive_library": "",
        }
    )
    written: dict[str, str] = field(default_factory=lambda: {"archive_mode": "on"})
    statistics: dict[str, Any] = field(
        default_factory=lambda: {
            "last_archived_wal": None,
            "last_archived_time": None,
            "last_failed_wal": None,
            "last_failed_time": None,
            "failed_count": 0,
        }
    )
    archives: bool = True
    answers: Callable[[Command], Completed] = field(default=lambda command: Completed(command.argv, 0, "3.13.3"))
    commands: list[Command] = field(default_factory=list)
    sql: list[str] = field(default_factory=list)
    ready: int = 0
    now: int = 0
    version: int = 17
    history: dict[str, Any] | None = None

    def run(self, command: Command) -> Completed:
        self.commands.append(command)
        return self.answers(command)

    def try_stream(self, lsn: int, timeline: int, patience: float = 5.0) -> None:
        raise AssertionError

    def close(self) -> None:
        pass

    def query(self, sql: str, params: Any = ()) -> list[dict[str, Any]]:
        self.sql.append(sql)
        found = re.match(r"ALTER SYSTEM SET (\w+) = '(.*)'$", sql)
        if found:
            self.written[found.group(1)] = found.group(2).replace("''", "'")
            return []
        found = re.match(r"ALTER SYSTEM RESET (\w+)$", sql)
        if found:
            self.written.pop(found.group(1), None)
            return []
        if "pg_reload_conf" in sql:
            for name in ("archive_command", "archive_timeout", "archive_library"):
                self.settings[name] = self.written.get(name, "0" if name == "archive_timeout" else "")
            return [{}]
        if "pg_file_settings" in sql:
            # What waits for a restart is known by its context, not by the error's text.
            assert "context = 'postmaster'" in sql
            return [{"name": name, "setting": value} for name, value in self.written.items() if name in params[0]]
        if "pg_settings" in sql and "ANY" in sql:
            shown = dict(self.settings)
            if shown["archive_mode"] == "off":
                shown["archive_command"] = "(disabled)"
            return [{"name": name, "setting": shown[name], "source": "x"} for name in params[0] if name in shown]
        if "pg_stat_archiver" in sql:
            self.now += 1
            if not self.archives:
                self.statistics.update(
                    last_failed_wal="000000010000000000000005",
                    last_failed_time=self.now,
                    failed_count=self.statistics["failed_count"] + 1,
                )
            return [dict(self.statistics)]
        if "pg_ls_waldir" in sql:
            return [self.history] if self.history else []
        if "pg_walfile_name" in sql:
            return [{"name": "000000010000000000000005", "segment_size": 16777216}]
        if "pg_switch_wal" in sql:
            if self.archives:
                self.statistics.update(last_archived_wal="000000010000000000000005", last_archived_time=self.now)
            return [{"lsn": "0/5000100"}]
        if "pg_ls_archive_statusdir" in sql:
            self.ready = max(0, self.ready - 1)
            return [{"waiting": self.ready}]
        if "data_directory" in sql:
            return [{"in_recovery": False, "data_directory": "/srv/pg"}]
        return [{}]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(archiving.time, "sleep", lambda seconds: None)


def make(world: World, desired: DesiredArchiving = DESIRED, **options: Any) -> dict[str, Any]:
    return configure(world, world.run, "postgres", desired, timeout=options.pop("timeout", 5), **options)


def test_it_is_set_and_proven():
    world = World()
    done = make(world)
    assert done["changed"]
    assert done["segment"] == done["last_archived"] == "000000010000000000000005"
    assert world.settings["archive_command"] == OURS
    assert done["diff"] == {"before": {"archive_command": ""}, "after": {"archive_command": OURS}}
    again = make(world)
    assert not again["changed"]
    assert again["segment"] is None
    assert again["last_archived"] == "000000010000000000000005"


HISTORY = "00000002.history"


@pytest.mark.parametrize(
    ("file", "changes", "archived"),
    [
        (None, {}, None),
        (HistoryFile(HISTORY), {}, HISTORY),
        (HistoryFile(HISTORY, waiting=True), {}, None),
        (HistoryFile(HISTORY, archived=True), {}, None),
        # It was archived to another place.
        (HistoryFile(HISTORY, archived=True), {"command": "/bin/true"}, HISTORY),
    ],
)
def test_a_history_that_barman_has_not_got_is_archived(file, changes, archived):
    """The server was promoted before it archived its WAL there."""
    plan = make_plan(current(history=file, **changes), DesiredArchiving(TARGET))
    assert plan.history == archived
    assert plan.prove is (archived is not None)
    assert make_plan(current(history=file, **changes), DesiredArchiving(None)).history is None


def test_postgresql_itself_archives_the_history():
    world = World()
    make(world)
    world.commands.clear()
    world.history = {"name": HISTORY, "archived": False, "waiting": False}
    checked = make(world, check_mode=True)
    assert (checked["changed"], checked["history"], world.commands) == (True, HISTORY, [])
    done = make(world)
    (touched,) = world.commands
    assert touched.argv == ["touch", "/srv/pg/pg_wal/archive_status/00000002.history.ready"]
    assert touched.user == "postgres"
    assert done["segment"], "the archiver is woken by a segment"
    assert done["diff"] == {"before": {"history": ""}, "after": {"history": HISTORY}}
    world.history["archived"] = True
    assert not make(world)["changed"]


def test_the_way_is_tried_as_postgresql_s_user_and_with_nothing():
    world = World()
    make(world)
    ssh = world.commands[-1]
    assert ssh.argv[0] == "ssh"
    assert ssh.argv[-2:] == ["barman@198.51.100.11", "barman put-wal pg"]
    assert ssh.user == "postgres"
    assert not (ssh.input or "").strip("\0")


def test_check_mode_changes_nothing_and_goes_nowhere():
    world = World()
    done = make(world, check_mode=True)
    assert done["changed"]
    assert done["archive_command"] == OURS
    assert world.commands == []
    assert not [sql for sql in world.sql if sql.startswith("ALTER") or "switch" in sql]


def test_a_hidden_command_is_read_from_the_files():
    world = World()
    world.settings["archive_mode"] = "off"
    world.written["archive_command"] = FOREIGN
    with pytest.raises(ArchivingError, match="pgbackrest"):
        make(world)


def ssh_fails(stderr: str) -> Callable[[Command], Completed]:
    return lambda command: (
        Completed(command.argv, 255, "", stderr) if command.argv[0] == "ssh" else Completed(command.argv, 0)
    )


@pytest.mark.parametrize(
    ("stderr", "kind", "words"),
    [
        ("Host key verification failed.", "host_key", "known_hosts"),
        ("Connection closed by 198.51.100.52 port 22", "closed", "PerSourcePenalties"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "host_key", "known_hosts"),
        ("barman@198.51.100.11: Permission denied (publickey).", "permission", "authorized_keys"),
        ("ssh: connect to host 198.51.100.11 port 22: Connection refused", "ssh", "Connection refused"),
    ],
)
def test_nothing_is_changed_where_ssh_does_not_work(stderr, kind, words):
    world = World(answers=ssh_fails(stderr))
    with pytest.raises(ArchivingError, match=words) as caught:
        make(world)
    assert caught.value.kind == kind
    assert "archive_command" not in world.written


def test_nothing_is_changed_where_barman_does_not_know_the_server():
    def answers(command: Command) -> Completed:
        return (
            Completed(command.argv, 1, "", "ERROR: Unknown server 'pg'")
            if command.argv[0] == "ssh"
            else Completed(command.argv, 0)
        )

    world = World(answers=answers)
    with pytest.raises(ArchivingError, match="Unknown server") as caught:
        make(world)
    assert caught.value.kind == "not_configured"
    assert "archive_command" not in world.written


def test_a_program_that_is_missing():
    def answers(command: Command) -> Completed:
        raise HostError("'barman-wal-archive' was not found on this host: install it")

    with pytest.raises(ArchivingError, match="barman-cli") as caught:
        make(World(answers=answers))
    assert caught.value.kind == "not_installed"


@pytest.mark.parametrize(
    ("rc", "stderr", "kind"),
    [
        (
            1,
            "ERROR: Error ... No space left on device\nERROR: Remote 'barman put-wal' command has failed!",
            "disk_full",
        ),
        (1, "ERROR: Unknown server 'pg'", "not_configured"),
        (127, "sh: 1: barman-wal-archive: not found", "not_installed"),
        (2, "ERROR: something", "command"),
    ],
)
def test_where_it_stopped(rc, stderr, kind):
    def answers(command: Command) -> Completed:
        if command.argv[0] == "/bin/sh":
            assert command.cwd == "/srv/pg"
            assert (
                command.argv[-1] == "barman-wal-archive --user barman 198.51.100.11 pg pg_wal/000000010000000000000005"
            )
            return Completed(command.argv, rc, "", stderr)
        return Completed(command.argv, 0)

    with pytest.raises(ArchivingError) as caught:
        make(World(archives=False, answers=answers))
    assert caught.value.kind == kind
    assert f"exit code {rc}" in str(caught.value)


def test_an_archiver_that_fails_with_what_works_by_hand():
    with pytest.raises(ArchivingError, match="PostgreSQL's log"):
        make(World(archives=False))


def test_an_archiver_without_output():
    world = World()
    real = world.query

    def query(sql: str, params: Any = ()) -> list[dict[str, Any]]:
        return [{"lsn": "0/5000100"}] if "pg_switch_wal" in sql else real(sql, params)

    world.query = query  # type: ignore[method-assign]
    with pytest.raises(ArchivingError, match="last archived is none") as caught:
        make(world, timeout=0)
    assert caught.value.kind == "timeout"


def test_absent_waits_until_nothing_waits():
    world = World(ready=3)
    world.settings["archive_command"] = world.written["archive_command"] = OURS
    assert make(world, DesiredArchiving(None))["changed"]
    assert world.settings["archive_command"] == NOTHING
    assert world.ready == 0
    assert not make(world, DesiredArchiving(None))["changed"]


def test_the_far_version_is_needed_only_for_a_command_that_is_set_anew():
    desired = DesiredArchiving(replace(TARGET, compression="zstd"))
    world = World(answers=lambda command: Completed(command.argv, 0, "3.19.1"))
    with pytest.raises(ArchivingError, match="set barman_version for that host"):
        make(world, desired)
    assert "archive_command" not in world.written
    assert make(world, desired, check_mode=True)["changed"]
    assert make(world, desired, far_version="3.19.1")["changed"]
    assert not make(world, desired)["changed"]
    with pytest.raises(ArchivingError, match=r"which has 3\.13\.3"):
        make(world, desired, far_version="3.13.3")


def test_a_version_that_is_none():
    with pytest.raises(ArchivingError, match="is not a version"):
        make(World(), far_version="new")


@pytest.mark.parametrize(
    ("archived", "known"),
    [
        ("000000010000000000000005", True),
        ("000000010000000000000006", True),
        ("000000010000000000000004", False),
        ("000000010000000000000005.00000028.backup", False),
        ("000000010000000000000006.00000028.backup", True),
        ("00000002.history", False),
        ("000000020000000000000004", False),
        (None, False),
    ],
)
def test_how_far_the_archiver_has_come(archived, known):
    assert has_archived(archived, Segment(1, 0, 5)) is known


def test_the_mark_is_a_comment_to_the_shell():
    assert MARK.startswith("#")
    assert shlex.split(OURS, comments=True)[-1] == "%p"


# --- two releases -------------------------------------------------------------------------------------------------


@dataclass
class Releases:
    """barman-wal-archive of one release with a Barman of another, as their put-wal ends (barman/server.py)."""

    here: str
    far: tuple[int, int]
    reachable: bool = True

    def __call__(self, command: Command) -> Completed:
        if command.argv[0] != "ssh":
            return Completed(command.argv, 0, f"barman-wal-archive {self.here}\n")
        if not self.reachable:
            return Completed(command.argv, 1, "", "FEHLER")
        sums = (command.input or "").startswith("SHA256SUMS\0")
        return Completed(command.argv, 1 if sums and self.far < (3, 12) else 0)


MD5 = OURS.replace("barman-wal-archive ", "barman-wal-archive --md5 ")


@pytest.mark.parametrize(
    ("here", "far", "command"),
    [
        ("3.13.3", (3, 4), MD5),
        ("3.12.0", (3, 11), MD5),
        ("3.20.0", (3, 12), OURS),
        ("3.13.3", (3, 13), OURS),
        # This one sends MD5 sums and has no option for it; every Barman knows them.
        ("3.4.0", (3, 20), OURS),
        ("3.11.1", (3, 4), OURS),
    ],
)
def test_the_sums_are_those_that_barman_there_knows(here, far, command):
    world = World(answers=Releases(here, far))
    make(world)
    assert world.settings["archive_command"] == command
    world.commands.clear()
    assert not make(world)["changed"]
    assert world.commands == [], "nothing is asked if nothing changes"
    assert not make(world, check_mode=True)["changed"]


@pytest.mark.parametrize(("far", "command"), [((3, 4), MD5), ((3, 13), OURS)])
@pytest.mark.parametrize("before", [MD5, OURS])
def test_a_command_that_fails_gets_the_other_sums(before, far, command):
    """The client was upgraded before Barman was."""
    world = World(answers=Releases("3.13.3", far))
    world.settings["archive_command"] = world.written["archive_command"] = before
    world.statistics.update(last_failed_wal="000000010000000000000004", last_failed_time=1)
    make(world)
    assert world.settings["archive_command"] == command


def test_a_barman_that_takes_nothing_is_reported_and_not_taken_for_an_old_one():
    world = World(answers=Releases("3.13.3", (3, 13), reachable=False))
    with pytest.raises(ArchivingError, match="does not accept WAL of server 'pg': FEHLER"):
        make(world)
    assert world.settings["archive_command"] == ""
