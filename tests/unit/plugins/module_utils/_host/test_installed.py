# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What counts as installed. Everything else is left to apt, dnf and systemd_service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.installed import (
    inactive_services,
    missing_packages,
    missing_paths,
    missing_users,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError, Runner
from ansible_collections.pgdr.barman.plugins.module_utils._server import schedule_file
from ansible_collections.pgdr.barman.plugins.modules import host_state
from tests.unit.plugins.modules.running import run_main


def answering(stdout: str = "", rc: int = 0) -> Runner:
    return lambda command: Completed(argv=list(command.argv), rc=rc, stdout=stdout, stderr="", duration=0.1)


def refusing(command: Command) -> Completed:
    raise HostError(f"'{command.argv[0]}' was not found on this host: install it")


def test_packages_that_dpkg_reports_as_installed_are_not_missing() -> None:
    runner = answering("installed barman\ninstalled rsync\nconfig-files cron\nhalf-installed python3-psycopg\n", rc=1)
    names = ["barman", "cron", "python3-psycopg", "rsync", "postgresql-client-17"]
    assert missing_packages(names, "Debian", runner) == ["cron", "python3-psycopg", "postgresql-client-17"]


@pytest.mark.parametrize(
    "name", ["barman=3.13.3-1", "postgresql-*", "libpq5:i386", "-x", "https://example.org/a.deb", ""]
)
def test_what_is_no_plain_name_is_left_to_apt(name: str) -> None:
    assert missing_packages([name], "Debian", answering("installed barman\n")) == [name]


def test_every_plain_name_is_in_one_call() -> None:
    calls: list[list[str]] = []

    def runner(command: Command) -> Completed:
        calls.append(list(command.argv))
        return answering("installed a\ninstalled b\n")(command)

    assert missing_packages(["a", "b", "c=1"], "Debian", runner) == ["c=1"]
    assert [argv[-2:] for argv in calls] == [["a", "b"]]


def test_rpm_is_judged_by_its_exit_code() -> None:
    def runner(command: Command) -> Completed:
        return answering("anything", rc=0 if command.argv[-1] == "barman" else 1)(command)

    assert missing_packages(["barman", "rsync"], "RedHat", runner) == ["rsync"]


@pytest.mark.parametrize("family", ["Debian", "RedHat", "Suse", ""])
def test_without_a_package_database_every_package_is_missing(family: str) -> None:
    assert missing_packages(["barman"], family, refusing) == ["barman"]


@pytest.mark.parametrize(
    ("active", "enabled", "missing"),
    [
        ("active", "enabled", []),
        ("inactive", "enabled", ["cron"]),
        ("active", "disabled", ["cron"]),
        ("active", "", ["cron"]),
    ],
)
def test_a_service_runs_and_starts_with_the_host(active: str, enabled: str, missing: list[str]) -> None:
    runner = answering(f"ActiveState={active}\nUnitFileState={enabled}\n")
    assert inactive_services(["cron"], runner) == missing


def test_without_systemd_every_service_is_left_to_ansible() -> None:
    assert inactive_services(["cron"], refusing) == ["cron"]


def test_users_and_paths(tmp_path: Path) -> None:
    assert missing_users(["root", "nobody-of-this-name"]) == ["nobody-of-this-name"]
    assert missing_paths([str(tmp_path), str(tmp_path / "gone")]) == [str(tmp_path / "gone")]


def test_the_module_reports_all_of_it(capsys: Any, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    answer = run_main(host_state.main, capsys, packages=["a=1"], users=["root"], paths=[gone], os_family="Debian")
    assert (answer["missing_packages"], answer["missing_users"], answer["missing_paths"]) == (["a=1"], [], [gone])
    assert (answer["inactive_services"], answer["problems"], answer["changed"]) == ([], [], False)
    assert answer["schedule_is_current"] is None


def test_the_module_compares_the_schedule(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_file, "is_current", lambda path, lines: lines == ["a line"])
    assert run_main(host_state.main, capsys, schedule_lines=["a line"])["schedule_is_current"] is True
    assert run_main(host_state.main, capsys, schedule_lines=[])["schedule_is_current"] is False
