# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module patroni_config, with a patronictl that is played."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._patroni import restart as patroni_restart
from ansible_collections.pgdr.barman.plugins.module_utils._patroni import run as patroni_run
from ansible_collections.pgdr.barman.plugins.module_utils._patroni.control import Patroni
from ansible_collections.pgdr.barman.plugins.modules import patroni_config
from tests.unit.plugins.modules.running import run_main

RULE = 'host "postgres" "barman" 198.51.100.11/32 scram-sha-256'
BLOCK = ["# BEGIN pgdr.barman", RULE, "# END pgdr.barman"]
SECRET = "host all all ldap ldapbindpasswd=hunter2"


class Played:
    """A member. dynamic: the configuration in the DCS; with each change Patroni writes the file of rules."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "17-main.yml"
        self.hba = directory / "pg_hba.conf"
        self.local: dict[str, Any] = {"scope": "17-main", "name": "pg-1", "postgresql": {}}
        self.dynamic: dict[str, Any] = {"postgresql": {"pg_hba": [SECRET]}}
        self.pending = False
        # After so many calls of 'patronictl list' Patroni publishes it.
        self.rounds = 0
        self.calls: list[str] = []
        self.hba.write_text(f"{SECRET}\n")

    def run(self, command: Command) -> Completed:
        argv = list(command.argv)
        if argv[0] == "cat":
            return Completed(argv, 0, json.dumps(self.local))
        if argv[0] != "patronictl":
            # The Python that converts YAML; JSON is YAML, too.
            return Completed(argv, 0, command.input or "")
        assert argv[1] == f"--config-file={self.file}"
        self.calls.append(argv[2])
        if argv[2] == "show-config":
            return Completed(argv, 0, json.dumps(self.dynamic))
        if argv[2] == "list":
            self.rounds -= 1
            if self.rounds == 0:
                self.pending = True
            pending = {"Pending restart": "*"} if self.pending else {}
            return Completed(argv, 0, json.dumps([{"Member": "pg-1", "Role": "Leader", "State": "running", **pending}]))
        if argv[2] == "edit-config":
            patch = json.loads(command.input or "")
            self.dynamic = {
                **self.dynamic,
                **patch,
                "postgresql": {**self.dynamic["postgresql"], **patch.get("postgresql", {})},
            }
            self.hba.write_text("".join(f"{line}\n" for line in self.dynamic["postgresql"]["pg_hba"]))
            return Completed(argv, 0)
        assert argv[2:] == ["restart", "--force", "--pending", "17-main", "pg-1"]
        self.pending = False
        return Completed(argv, 0)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    found = Played(tmp_path)
    program = tmp_path / "patronictl"
    program.write_text(f"#!{sys.executable}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(patroni_run, "running_files", lambda: [str(found.file)])
    monkeypatch.setattr(patroni_restart, "_LIST_INTERVAL", 0.01)
    monkeypatch.setattr(patroni_run, "Patroni", lambda file, user: Patroni(file, user, found.run))
    return found


@pytest.fixture
def run(played: Played, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    return partial(run_main, patroni_config.main, capsys, slots=["barman"], hba_rules=[RULE], hba_file=str(played.hba))


def test_the_configuration_is_changed_once(played: Played, run: Callable[..., dict[str, Any]]) -> None:
    answer = run(check_mode=True, diff=True)
    assert (answer["changed"], played.calls) == (True, ["show-config"])
    assert "hunter2" not in json.dumps(answer)
    answer = run()
    assert (answer["changed"], answer["writes_hba"], answer["restarted"]) == (True, True, False)
    assert played.dynamic["postgresql"]["pg_hba"] == [*BLOCK, SECRET]
    assert run()["changed"] is False
    assert run(hba_rules=[])["changed"] is True
    assert played.dynamic["postgresql"]["pg_hba"] == [SECRET]


LOW = {"parameters": {"max_wal_senders": "12"}, "restart_settings": ["max_wal_senders"]}


def test_a_restart_is_patronis(played: Played, run: Callable[..., dict[str, Any]]) -> None:
    played.pending = True
    answer = run(**LOW)
    assert "patronictl -c" in answer["msg"]
    assert "barman_restart_allowed: true" in answer["msg"]
    assert run(**LOW, restart_allowed=True)["restarted"] is True
    assert run(parameters={"max_wal_senders": "12"}, restart_allowed=True)["changed"] is False


def test_patroni_publishes_a_pending_restart_in_its_next_round(
    played: Played, run: Callable[..., dict[str, Any]]
) -> None:
    played.rounds = 3
    assert "max_wal_senders is in Patroni's DCS" in run(**LOW)["msg"]
    # The second run, in which the written value is enough.
    second = {"parameters": {}, "restart_settings": ["max_wal_senders"]}
    assert "has to be restarted" in run(**second)["msg"]
    assert run(**second, restart_allowed=True, check_mode=True)["changed"] is True
    assert "restart" not in played.calls
    answer = run(**second, restart_allowed=True)
    assert (answer["changed"], answer["restarted"]) == (True, True)


def test_a_pending_restart_for_somebody_elses_setting_is_theirs(
    played: Played, run: Callable[..., dict[str, Any]]
) -> None:
    played.pending = True
    assert run(parameters={"wal_keep_size": "100"}, restart_allowed=True)["restarted"] is False
    assert "restart" not in played.calls


def test_a_setting_that_patroni_does_not_wait_for_is_a_failure(
    played: Played, run: Callable[..., dict[str, Any]]
) -> None:
    answer = run(**LOW, restart_allowed=True, timeout=0)
    assert answer["failed"] is True
    assert "overrides the DCS, such as ALTER SYSTEM" in answer["msg"]
    assert "restart" not in played.calls
