# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.start_settings import (
    AutomaticFile,
    StartSettings,
    look_at_automatic_file,
    read_start_settings,
    recovery_problems,
    recovery_warnings,
    synchronous_warnings,
)


class Host:
    """PostgreSQL's programs, and a configuration beside the data directory."""

    def __init__(self, root: Path, version: int = 17) -> None:
        self.bin = root / "bin"
        self.bin.mkdir()
        (self.bin / "postgres").write_text("")
        (self.bin / "postgres").chmod(0o755)
        self.data = root / "data"
        self.data.mkdir()
        self.configured = [root / "etc" / "main", root / "etc" / "other"]
        for directory in self.configured:
            directory.mkdir(parents=True)
            (directory / "postgresql.conf").write_text("")
        self.version = version
        self.of = {str(self.configured[0]): "/elsewhere", str(self.configured[1]): str(self.data)}
        self.values = {"allow_alter_system": "off"}
        self.attributes = "--------------e-------"
        self.asked: list[str] = []

    def run(self, command: Command) -> Completed:
        argv = list(command.argv)
        if argv[0] == "lsattr":
            return Completed(command.argv, 0, f"{self.attributes} {argv[-1]}\n")
        if argv[-1] == "--version":
            return Completed(command.argv, 0, f"postgres (PostgreSQL) {self.version}.2\n")
        assert command.user == "postgres"
        directory, name = argv[2], argv[4]
        self.asked.append(name)
        if name == "data_directory":
            return Completed(command.argv, 0, self.of[directory] + "\n")
        if name not in self.values:
            return Completed(command.argv, 1, "", "unrecognized configuration parameter")
        return Completed(command.argv, 0, self.values[name] + "\n")

    def read(self) -> StartSettings:
        return read_start_settings(
            str(self.data),
            self.version,
            "postgres",
            str(self.bin),
            self.run,
            configured=lambda version: [str(path) for path in self.configured],
        )


def test_the_configuration_of_this_data_directory_is_asked(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert host.read() == StartSettings(str(host.configured[1] / "postgresql.conf"), {"allow_alter_system": "off"})


def test_a_configuration_in_the_data_directory_comes_first(tmp_path: Path) -> None:
    host = Host(tmp_path)
    (host.data / "postgresql.conf").write_text("")
    assert host.read().file == str(host.data / "postgresql.conf")


def test_an_older_postgresql_is_not_asked_for_what_it_does_not_know(tmp_path: Path) -> None:
    host = Host(tmp_path, 16)
    assert host.read().values == {}
    assert host.asked == ["data_directory", "data_directory", "synchronous_standby_names"]


def test_a_configuration_that_cannot_be_found_is_no_problem(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.configured = []
    assert host.read() == StartSettings()
    assert recovery_problems(StartSettings()) == []


@pytest.mark.parametrize(("value", "refused"), [("off", True), ("on", False)])
def test_alter_system_that_is_not_allowed_is_a_problem(value: str, refused: bool) -> None:
    problems = recovery_problems(
        StartSettings("/etc/postgresql/17/main/postgresql.conf", {"allow_alter_system": value})
    )
    assert bool(problems) is refused
    if refused:
        assert "allow_alter_system is off in /etc/postgresql/17/main/postgresql.conf" in problems[0]
        assert "unprotected" in problems[0]


def test_an_immutable_file_and_a_foreign_owner_are_warned_of(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert look_at_automatic_file(str(host.data), host.run) == AutomaticFile()
    (host.data / "postgresql.auto.conf").write_text("")
    host.attributes = "----i---------e-------"
    found = look_at_automatic_file(str(host.data), host.run)
    assert found.immutable
    (warning,) = recovery_warnings(AutomaticFile("root", immutable=True), "postgres")
    assert warning.startswith("postgresql.auto.conf: it is immutable (chattr +i) and it belongs to 'root'.")
    assert recovery_warnings(AutomaticFile("postgres"), "postgres") == []


@pytest.mark.parametrize(
    ("names", "warned"),
    [("", False), ('FIRST 1 ("barman_receive_wal")', False), ("replica", True), ("FIRST 1 (((", False)],
)
def test_standbys_that_may_not_follow_are_warned_of(names: str, warned: bool) -> None:
    warnings = synchronous_warnings(StartSettings("x", {"synchronous_standby_names": names}))
    assert bool(warnings) is warned
    if warned:
        assert "If replica may be such a standby, remove it from that setting" in warnings[0]
