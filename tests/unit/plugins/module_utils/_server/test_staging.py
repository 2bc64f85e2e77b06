# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._host import files
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import (
    Command,
    Completed,
    HostError,
    lookup_user,
)
from ansible_collections.pgdr.barman.plugins.module_utils._server import staging
from ansible_collections.pgdr.barman.plugins.module_utils._server.entries import (
    DesiredConfiguration,
    DesiredEntry,
    render_entry,
)

USER = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")


class FakeBarman:
    """Barman's answers to "list-servers", "check-backup" and "--version"; it notes what it was shown."""

    def __init__(self) -> None:
        self.servers: dict[str, str] = {}
        self.messages: dict[str, list[str]] = {}
        self.log = ""
        self.stderr = ""
        self.reasons: dict[str, str] = {}
        self.version = "3.13.3"
        self.installed = True
        self.has_file = True
        self.calls: list[str] = []
        self.shown: dict[str, str] = {}
        self.modes: dict[str, int] = {}

    def __call__(self, command: Command) -> Completed:
        argv = list(command.argv)
        if not self.installed:
            raise HostError("'barman' was not found on this host: install it")
        if argv[0] == "file":
            if not self.has_file:
                raise HostError("'file' was not found on this host: install it")
            return Completed(argv, 0)
        if argv[1] == "--version":
            self.calls.append("version")
            return Completed(argv, 0, self.version + " Barman by EnterpriseDB", "")
        main = Path(argv[argv.index("-c") + 1])
        self.calls.append(argv[5])
        if argv[5] == "check-backup":
            return Completed(argv, 1, json.dumps({"_ERROR": [self.reasons[argv[6]]]}), "")
        self._look(main)
        (main.parent / "barman.log").write_text(self.log)
        if self.stderr:
            return Completed(argv, 1, "", self.stderr)
        servers = {name: {"description": text} for name, text in self.servers.items()}
        return Completed(argv, int("_ERROR" in self.messages), json.dumps({**self.messages, **servers}), "")

    def _look(self, main: Path) -> None:
        self.directory = main.parent
        for path in [main.parent, main, main.parent / "barman.d", *sorted((main.parent / "barman.d").iterdir())]:
            name = str(path.relative_to(main.parent))
            self.modes[name] = stat.S_IMODE(path.stat().st_mode)
            if path.is_file():
                self.shown[name] = path.read_text()


class Host:
    """A host's files, and what is done to them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.main = path / "barman.conf"
        self.directory = path / "barman.d"
        self.directory.mkdir()
        self.main.write_text(
            f"[barman]\nbarman_home = {path}/home\nlog_file = /x\nconfiguration_files_directory = {self.directory}\n"
        )
        self.barman = FakeBarman()

    def ensure(self, *entries: DesiredEntry, check_mode: bool = False, **more: Any) -> staging.ConfigurationOutcome:
        if not self.barman.servers:
            self.barman.servers = {entry.name: "" for entry in entries if entry.present}
        return staging.ensure(
            Barman(self.barman, USER, str(self.main)),
            DesiredConfiguration(entries, **more),
            None,
            "20260101T000000",
            check_mode=check_mode,
        )

    def names(self) -> list[str]:
        return sorted(os.listdir(self.directory))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def pg(**options: Any) -> DesiredEntry:
    return DesiredEntry("pg", {"description": "x", **options})


def test_it_is_written_and_then_left_alone(host: Host) -> None:
    outcome = host.ensure(pg())
    assert outcome.problems == ()
    assert outcome.answer["servers"] == ["pg"]
    assert outcome.answer["files"] == [str(host.directory / "pg.conf")]
    assert outcome.answer["barman_version"] == "3.13.3"
    assert (host.directory / "pg.conf").read_text() == render_entry(pg())
    assert stat.S_IMODE((host.directory / "pg.conf").stat().st_mode) == 0o600
    host.barman.calls.clear()
    again = host.ensure(pg())
    assert not again.plan.changed
    assert host.barman.calls == [], "Barman is not run where nothing changes"


def test_a_new_server_has_a_place_for_its_wal(host: Host) -> None:
    """rsync as archive_command comes before Barman's cron, which makes it at its next run."""
    copy = {"archiver": True, "primary_ssh_command": "ssh x"}
    entries = (pg(archiver=True), DesiredEntry("streamed", {"archiver": False}), DesiredEntry("copy", copy))
    host.ensure(*entries, check_mode=True)
    assert not (host.path / "home").exists()
    assert host.ensure(*entries).problems == ()
    assert sorted(path.name for path in (host.path / "home").iterdir()) == ["pg"]
    assert (host.path / "home/pg/incoming").is_dir()


def test_a_place_that_can_not_be_created_is_reported(host: Host) -> None:
    (host.path / "home/pg").mkdir(parents=True)
    (host.path / "home/pg/incoming").write_text("no directory")
    with pytest.raises(HostError, match=r"server 'pg': .*/home/pg/incoming can't be created by user"):
        host.ensure(pg(archiver=True))


def test_a_place_that_could_not_be_made_is_made_the_next_time(host: Host) -> None:
    place = host.path / "home/pg/incoming"
    place.parent.mkdir(parents=True)
    place.write_text("no directory")
    with pytest.raises(HostError, match="can't be created"):
        host.ensure(pg(archiver=True))
    with pytest.raises(HostError, match="can't be created"):
        host.ensure(pg(archiver=True))
    place.unlink()
    host.barman.calls.clear()
    assert host.ensure(pg(archiver=True), check_mode=True).plan.changed
    assert not place.exists()
    outcome = host.ensure(pg(archiver=True))
    assert (outcome.plan.changed, outcome.answer["files"]) == (True, [])
    assert place.is_dir()
    assert not host.ensure(pg(archiver=True)).plan.changed
    assert host.barman.calls == [], "Barman reads nothing new"


def test_check_mode_changes_nothing_and_reports_the_same(host: Host) -> None:
    before = host.main.read_text()
    outcome = host.ensure(pg(), check_mode=True, global_options={"compression": "gzip"})
    assert outcome.plan.changed
    assert outcome.problems == ()
    assert host.names() == []
    assert host.main.read_text() == before
    assert outcome.answer["files"] == host.ensure(pg(), global_options={"compression": "gzip"}).answer["files"]


def test_barman_reads_the_whole_configuration_as_it_would_be(host: Host) -> None:
    (host.directory / "hand.conf").write_text("[hand]\n")
    (host.directory / "old.conf").write_text(render_entry(DesiredEntry("old")))
    host.ensure(pg(), prune=True, global_options={"compression": "gzip"})
    shown = host.barman.shown
    assert sorted(shown) == ["barman.conf", "barman.d/hand.conf", "barman.d/pg.conf"]
    assert "compression = gzip\n" in shown["barman.conf"]
    assert f"configuration_files_directory = {host.barman.directory}/barman.d\n" in shown["barman.conf"]
    assert f"log_file = {host.barman.directory}/barman.log\n" in shown["barman.conf"]
    assert not host.barman.directory.exists()


def test_nobody_else_can_read_what_is_staged(host: Host) -> None:
    host.ensure(pg())
    assert host.barman.modes == {".": 0o700, "barman.conf": 0o600, "barman.d": 0o700, "barman.d/pg.conf": 0o600}


@pytest.mark.parametrize(
    "message",
    [
        'Invalid configuration option "x" in [pg] section.',
        "Ignoring invalid configuration value 'x' for key parallel_jobs in [pg] section: invalid literal",
        "No archiver enabled for server 'pg'. Please turn on 'archiver', 'streaming_archiver' or both",
    ],
)
def test_barman_s_message_about_our_server_is_a_problem(host: Host, message: str) -> None:
    host.barman.messages = {"_WARNING": [message, "Forcing 'archiver = on'"]}
    outcome = host.ensure(pg())
    assert outcome.problems == ["Barman reports: " + message]
    assert host.names() == []


def test_barman_s_message_about_another_server_is_a_warning(host: Host) -> None:
    message = 'Invalid configuration option "x" in [hand] section.'
    host.barman.messages = {"_WARNING": [message]}
    outcome = host.ensure(pg())
    assert (outcome.problems, outcome.warnings) == ((), ["Barman reports: " + message])


def test_the_barman_section_is_ours_where_it_is_managed(host: Host) -> None:
    host.barman.messages = {"_WARNING": ['Invalid configuration option "x" in [barman] section.']}
    assert host.ensure(pg()).problems == ()
    assert host.ensure(pg(), global_options={"compression": "gzip"}).problems


def test_a_default_that_is_right_is_no_problem(host: Host) -> None:
    text = "No backup strategy set for server 'pg' (using default 'concurrent_backup')."
    host.barman.messages = {"_WARNING": [text]}
    outcome = host.ensure(pg())
    assert (outcome.problems, outcome.warnings) == ((), [])


def test_what_is_deprecated_is_no_problem(host: Host) -> None:
    host.barman.messages = {"_WARNING": ["Custom compression in [pg] section is deprecated"]}
    assert host.ensure(pg()).problems == ()


@pytest.mark.parametrize(
    "line",
    [
        '2026-11-20 08:41:29,526 [1775] barman.server WARNING: Invalid bandwidth_limit "foo" for server "pg" (fallback to "0")',
        '2026-11-20 08:41:29 barman.server ERROR: Invalid retention_policy setting "x" for server "pg"',
    ],
)
def test_messages_in_barman_s_log_only(host: Host, line: str) -> None:
    host.barman.log = line + "\nTraceback (most recent call last):\n  File x\n"
    problems = host.ensure(pg()).problems
    assert len(problems) == 1
    assert problems[0].startswith("Barman reports: Invalid ")


def test_conflicting_directories(host: Host) -> None:
    host.barman.messages = {"_ERROR": ["Conflicting path: wals_directory=/x for server 'pg' conflicts with …"]}
    assert host.ensure(pg()).problems[0].startswith("Barman refuses the configuration: Conflicting path")


def test_a_python_module_that_barman_misses(host: Host) -> None:
    host.barman.stderr = "Missing required python module: google-cloud-storage\n"
    problems = host.ensure(pg()).problems
    assert len(problems) == 1
    assert (
        "needs the Python module google-cloud-storage, which the Python that runs Barman does not have" in problems[0]
    )


def test_what_ends_barman(host: Host) -> None:
    host.barman.stderr = "FATAL: the configuration file pg.conf contains a not empty [barman] section\n"
    problems = host.ensure(pg()).problems
    assert problems == ["Barman refuses the configuration: " + host.barman.stderr.strip()]


def test_a_server_that_barman_would_disable(host: Host) -> None:
    host.barman.servers = {"pg": " (WARNING: disabled)", "hand": " (WARNING: disabled)"}
    host.barman.reasons = {
        "pg": 'PostgreSQL connection: Cannot connect to postgres: "host=a password=secret" is not a valid connection string'
    }
    outcome = host.ensure(pg())
    assert outcome.problems == [
        "server 'pg': Barman would disable it: PostgreSQL connection: Cannot connect to postgres: "
        "its connection string is not valid"
    ]
    assert outcome.warnings == ["server 'hand', which is not declared here, is disabled by Barman"]


def test_a_server_that_barman_does_not_list(host: Host) -> None:
    host.barman.servers = {"other": ""}
    assert host.ensure(pg()).problems == ["server 'pg': Barman does not find it"]


def test_wrong_options_never_reach_barman(host: Host) -> None:
    problems = host.ensure(pg(desription="y", parallel_jobs="two")).problems
    assert [problem.split(":")[1].strip() for problem in problems] == ["desription", "parallel_jobs"]
    assert host.barman.calls == ["version"]


def test_no_passwords_in_problems(host: Host) -> None:
    host.barman.messages = {
        "_WARNING": ["Ignoring invalid configuration value 'host=a secret' for key conninfo in [pg] section: no"],
        "_ERROR": ["invalid interpolation syntax in \"password='it\\\\'s secret %'\" at position 3"],
    }
    problems = str(host.ensure(pg()).problems)
    assert "secret" not in problems
    assert "the value of conninfo is invalid, and Barman would ignore it" in problems


def test_without_barman_nothing_is_written(host: Host) -> None:
    host.barman.installed = False
    outcome = host.ensure(pg())
    assert outcome.problems == ["'barman' was not found on this host: install it"]
    assert host.names() == []


def test_without_a_program_that_this_barman_runs_nothing_is_written(host: Host) -> None:
    host.barman.has_file = False
    host.barman.version = "3.14.0"
    outcome = host.ensure(pg())
    assert [one for one in outcome.problems if "install the package file" in one] == list(outcome.problems)
    assert len(outcome.problems) == 1
    assert host.names() == []
    host.barman.version = "3.13.3"
    assert host.ensure(pg()).problems == ()


def test_check_mode_without_barman_goes_on(host: Host) -> None:
    host.barman.installed = False
    outcome = host.ensure(pg(), check_mode=True)
    assert outcome.problems == ()
    assert "Barman could not read the configuration before the change" in outcome.warnings[0]
    assert host.ensure(pg(desription="y"), check_mode=True).problems


def test_percent_is_written_for_the_installed_version(host: Host) -> None:
    host.barman.version = "3.4.0"
    host.ensure(pg(description="a%b"))
    assert "a%%b\n" in (host.directory / "pg.conf").read_text()
    host.barman.version = "3.19.1"
    assert host.ensure(pg(description="a%b")).plan.changed
    assert "a%%%%b\n" in (host.directory / "pg.conf").read_text()


def test_what_is_left_of_a_removed_server(host: Host) -> None:
    host.ensure(pg(slot_name="barman"))
    backups = host.path / "home" / "pg"
    backups.mkdir(parents=True)
    outcome = host.ensure(DesiredEntry("pg", present=False))
    assert outcome.answer["removed"] == [
        {"name": "pg", "backup_directory": str(backups), "backup_directory_exists": True, "slot_name": "barman"}
    ]
    assert outcome.warnings[0].endswith("keep WAL there: pg (barman)")
    assert host.names() == []
    assert backups.exists()


def test_adopted_files_are_kept_aside(host: Host) -> None:
    (host.directory / "hand.conf").write_text("[pg]\nold = 1\n")
    (host.directory / "hand.conf").chmod(0o640)
    outcome = host.ensure(pg(), adopt=True)
    aside = host.directory / "hand.conf.20260101T000000~"
    assert outcome.answer["backups"] == [str(aside)]
    assert host.names() == [aside.name, "pg.conf"]
    assert aside.read_text() == "[pg]\nold = 1\n"
    assert stat.S_IMODE(aside.stat().st_mode) == 0o640


def test_the_main_file_keeps_its_mode_and_its_place(host: Host) -> None:
    real = host.path / "real.conf"
    host.main.rename(real)
    host.main.symlink_to(real)
    real.chmod(0o644)
    host.ensure(global_options={"compression": "gzip"})
    assert host.main.is_symlink()
    assert "compression = gzip\n" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


def test_the_directory_is_made(host: Host) -> None:
    host.directory.rmdir()
    host.ensure(pg())
    assert host.names() == ["pg.conf"]


def test_where_one_file_can_not_be_written_the_others_are_put_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.ensure(DesiredEntry("a", {"description": "1"}), DesiredEntry("c", {"description": "1"}))
    host.barman.servers = {}
    before = {name: (host.directory / name).read_text() for name in host.names()}
    write = files.write_atomic

    def failing(path: str, *arguments: Any) -> None:
        if path == str(host.directory / "c.conf"):
            raise HostError("c.conf can't be written: No space left on device")
        write(path, *arguments)

    monkeypatch.setattr(staging, "write_atomic", failing)
    with pytest.raises(HostError, match="No space left on device; nothing was changed"):
        host.ensure(DesiredEntry("a", {"description": "2"}), DesiredEntry("b"), DesiredEntry("c", {"description": "2"}))
    assert {name: (host.directory / name).read_text() for name in host.names()} == before


def test_removed_files_are_put_back_too(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.ensure(DesiredEntry("a"), DesiredEntry("b"))
    host.barman.servers = {}
    remove = os.unlink

    def failing(path: Any, **more: Any) -> None:
        if str(path).endswith("b.conf"):
            raise PermissionError(13, "Permission denied")
        remove(path, **more)

    monkeypatch.setattr(os, "unlink", failing)
    with pytest.raises(HostError, match="nothing was changed"):
        host.ensure(DesiredEntry("a", present=False), DesiredEntry("b", present=False))
    assert host.names() == ["a.conf", "b.conf"]
    assert stat.S_IMODE((host.directory / "a.conf").stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_barmans_user_owns_what_it_reads(host: Host) -> None:
    host.path.chmod(0o755)
    host.barman.servers = {"pg": ""}
    barman = Barman(host.barman, "nobody", str(host.main))
    staging.ensure(barman, DesiredConfiguration([pg()]), None, "s")
    owner = (host.directory / "pg.conf").stat().st_uid
    assert owner == lookup_user("nobody").pw_uid
    os.chown(host.directory / "pg.conf", 0, 0)
    assert staging.ensure(barman, DesiredConfiguration([pg()]), None, "s", check_mode=True).plan.changed
