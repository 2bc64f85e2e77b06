# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries that the inventory of this run does not declare."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._check import run as check_run
from ansible_collections.pgdr.barman.plugins.module_utils._server import run as server_run
from ansible_collections.pgdr.barman.plugins.module_utils._server.entries import DesiredEntry, render_entry
from ansible_collections.pgdr.barman.plugins.modules import check, server
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BarmanHost:
    found = BarmanHost(tmp_path)
    for name in ("pg", "pg2", "foreign"):
        found.server(name, conninfo=f"host={name}")
        found.backup(name, "20260101T000000", 5)
        found.wal(name, [5, 6])
    for name in ("pg", "pg2"):
        write(found, name)
    monkeypatch.setattr(check_run, "barman_from", lambda params: found.barman)
    monkeypatch.setattr(check_run, "psycopg_is_there", lambda: False)
    return found


def write(host: BarmanHost, name: str, **more: Any) -> None:
    """An entry of ours, for the inventory host of that name."""
    options = {"conninfo": f"host={name}", "streaming_archiver": True, **more}
    path = host.directory / f"{name}.conf"
    path.write_text(render_entry(DesiredEntry(name, options, host=name)))
    path.chmod(0o600)


@pytest.fixture
def run(host: BarmanHost, capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, check.main, capsys, fail_on_error=False)


def test_check_is_red_for_an_entry_that_the_inventory_does_not_know(run: Any) -> None:
    answer = run(servers=["pg"], declared=["pg"], declared_hosts=["pg"])
    assert not answer["ok"]
    assert answer["servers"]["pg"]["ok"]
    (problem,) = answer["problems"]
    assert problem.startswith("server 'pg2': declared in the inventory: ")
    for action in (
        "add pg2 to the inventory again",
        "pgdr.barman.decommission -i INVENTORY -e barman_decommission_servers=pg2",
        "job slicing",
    ):
        assert action in problem
    assert answer["servers"]["pg2"]["checks"]["declared_in_the_inventory"]["source"] == "pgdr.barman"


def test_it_can_be_ignored(run: Any) -> None:
    answer = run(servers=["pg"], declared=["pg"], declared_hosts=["pg"], ignore=["declared in the inventory"])
    assert answer["ok"]
    assert answer["servers"]["pg2"]["checks"]["declared_in_the_inventory"]["ignored"]


def test_a_server_that_another_backup_server_backs_up_is_handed_over(run: Any) -> None:
    assert run(servers=["pg"], declared=["pg"], declared_hosts=["pg", "pg2"])["ok"]


def test_a_released_entry_is_known(run: Any, host: BarmanHost) -> None:
    write(host, "pg2", active=False)
    assert run(servers=["pg"], declared=["pg"], declared_hosts=["pg"])["ok"]


def test_a_passive_entry_counts(run: Any, host: BarmanHost) -> None:
    write(host, "pg2", primary_ssh_command="ssh barman@elsewhere")
    assert not run(servers=["pg"], declared=["pg"], declared_hosts=["pg"])["ok"]


def test_nothing_declared_is_not_asked_for(run: Any) -> None:
    assert run(servers=["pg"])["ok"]


def test_all_servers_of_the_host(run: Any) -> None:
    answer = run(declared=["pg"], declared_hosts=["pg"])
    checks = answer["servers"]["pg2"]["checks"]
    assert {"directories", "declared_in_the_inventory"} <= set(checks)
    assert not answer["servers"]["pg2"]["ok"]


def test_a_backup_server_without_any_declared_server(run: Any) -> None:
    answer = run(servers=[], declared=[], declared_hosts=[])
    assert sorted(answer["servers"]) == ["pg", "pg2"]


def test_check_mode_reports_it_too(run: Any) -> None:
    answer = run(servers=["pg"], declared=["pg"], check_mode=True)
    assert "pg2" in answer["servers"]


class TestServerModule:
    """Module server reports the same entries, and does not touch them."""

    @pytest.fixture
    def run(self, host: BarmanHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(server_run, "barman_from", lambda params: host.barman)
        pg = {"name": "pg", "options": {"conninfo": "host=pg", "streaming_archiver": True}, "host": "pg"}
        return partial(run_main, server.main, capsys, servers=[pg], configuration_directory=str(host.directory))

    def test_it_warns(self, run: Any, host: BarmanHost, monkeypatch: pytest.MonkeyPatch) -> None:
        # Ansible shows the same warning once a process.
        warned: list[str] = []
        monkeypatch.setattr(AnsibleModule, "warn", lambda self, text: warned.append(text))
        before = (host.directory / "pg2.conf").read_text()
        answer = run(declared_hosts=["pg"])
        assert [item["name"] for item in answer["undeclared"]] == ["pg2"]
        assert "server 'pg2': Barman has this entry" in warned[0]
        assert (host.directory / "pg2.conf").read_text() == before

    def test_it_does_not_without_the_declared_hosts(self, run: Any) -> None:
        assert run()["undeclared"] == []

    def test_a_server_that_is_handed_over(self, run: Any) -> None:
        assert run(declared_hosts=["pg", "pg2"])["undeclared"] == []
