# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module host_placement: what it returns of this machine, and that a value that can't be measured is no failure."""

from __future__ import annotations

import getpass
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._placement import run as running
from ansible_collections.pgdr.barman.plugins.modules import host_placement as module
from tests.unit.plugins.modules.running import run_main

CONFIGURATION = """[barman]
barman_home = {home}
barman_user = {user}

[pg]
conninfo = host=192.0.2.21 user=barman

[copy]
primary_ssh_command = ssh barman@192.0.2.10
"""


@pytest.fixture
def config_file(tmp_path: Path) -> str:
    path = tmp_path / "barman.conf"
    path.write_text(CONFIGURATION.format(home=tmp_path, user=getpass.getuser()))
    return str(path)


def test_before_the_first_deployment(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = run_main(
        module.main,
        capsys,
        paths=[str(tmp_path / "not/there/yet")],
        ssh_users=["no-such-user"],
        config_file=str(tmp_path / "none"),
        links=[{"host": "pg", "port": 1, "server": "pg"}],
        check_mode=True,
    )
    assert answer["changed"] is False
    assert answer["machine"]["kernel"]
    assert set(answer["file_systems"]) == {str(tmp_path / "not/there/yet")}
    assert (answer["ssh_keys"], answer["database"], answer["barman_configured"]) == ({}, None, False)
    assert answer["links"] == {"pg": {"rtt": None, "throughput": None, "reason": "Barman has no such server yet"}}
    assert set(answer["reasons"]) == {"barman"}


def test_a_postgresql_server_that_does_not_run_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(module.main, capsys, postgres={"port": 1})
    assert answer["database"] is None
    assert "1" in answer["reasons"]["database"]
    assert answer["barman_configured"] is False


class Session:
    """Sends a megabyte in a second."""

    def __init__(self) -> None:
        self.closed = False

    def copied_bytes(self, sql: str) -> Generator[int, None, None]:
        yield 1_000_000

    def close(self) -> None:
        self.closed = True


def show(config_file: str, opener: Any, **changes: Any) -> dict[str, Any]:
    links = [
        {"host": "pg", "address": "", "port": 5432, "server": "pg", "kind": "postgres"},
        {"host": "source", "address": "", "port": 22, "server": "copy", "kind": "ssh"},
        {"host": "later", "address": "", "port": 5432, "server": "later", "kind": "postgres"},
    ]
    params = {
        "config_file": config_file,
        "barman_user": getpass.getuser(),
        "paths": [],
        "ssh_users": [],
        "postgres": None,
        "links": links,
        "seconds": 2.0,
        "bytes": 64_000_000,
        **changes,
    }
    seconds = {"true": 0.5}

    def runner(command: Command) -> Completed:
        login = "true" if command.argv[-1].endswith("true | wc -c") else ""
        return Completed(command.argv, 0, "0" if login else "3000000", "", seconds.get(login, 2.0))

    values = running.show_placement(params, check_mode=False, runner=runner, opener=opener).values
    links_found: dict[str, Any] = values["links"]
    return links_found


def test_the_throughput_is_measured_over_barmans_own_connections(
    config_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, str, str]] = []
    session = Session()

    def opener(*arguments: str) -> Session:
        opened.append((arguments[0], arguments[1], arguments[2]))
        return session

    monkeypatch.setattr(running, "postgres_throughput", lambda found, limit: 5.0 if found is session else None)
    found = show(config_file, opener)
    assert opened == [("host=192.0.2.21 user=barman", getpass.getuser(), "pg")]
    assert session.closed
    assert found["pg"] == {"rtt": None, "throughput": 5, "reason": ""}
    assert found["source"] == {"rtt": None, "throughput": 2_000_000, "reason": ""}
    assert found["later"]["reason"] == "Barman has no such server yet"


def test_a_connection_that_fails_has_its_reason(config_file: str) -> None:
    def opener(*arguments: str) -> Session:
        raise HostError("PostgreSQL refused the password")

    assert show(config_file, opener)["pg"]["reason"] == "PostgreSQL refused the password"


@pytest.mark.parametrize("changes", [{"bytes": 0}, {"seconds": 0.0}])
def test_without_bytes_or_time_only_the_round_trip_is_measured(config_file: str, changes: dict[str, Any]) -> None:
    def opener(*arguments: str) -> Session:
        raise AssertionError

    found = show(config_file, opener, **changes)
    assert {one["reason"] for one in found.values()} == {"the throughput is not measured"}
