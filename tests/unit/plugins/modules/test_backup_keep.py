# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules backup_keep and backup with state absent, as Ansible runs them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup import run as backup_run
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.modules import backup, backup_keep
from tests.unit.plugins.modules.running import run_main

FIRST, SECOND, INCREMENT = "20261116T010000", "20261117T010000", "20261118T010000"


class Host:
    def __init__(self, path: Path) -> None:
        self.meta = path / "home" / "main" / "meta"
        self.meta.mkdir(parents=True)
        self.main = path / "barman.conf"
        (path / "barman.d").mkdir()
        self.main.write_text(
            f"[barman]\nbarman_home = {path / 'home'}\nconfiguration_files_directory = {path / 'barman.d'}\n"
        )
        (path / "barman.d" / "main.conf").write_text("[main]\nminimum_redundancy = 1\n")
        self.log: list[str] = []
        self.barman = Barman(self.run)
        for backup_id, more in (
            (FIRST, "backup_name=upgrade\n"),
            (SECOND, ""),
            (INCREMENT, f"parent_backup_id={FIRST}\n"),
        ):
            (self.meta / f"{backup_id}-backup.info").write_text(f"status=DONE\nsize=1000\n{more}")

    def run(self, command: Command) -> Completed:
        words = list(command.argv)[3:]
        self.log.append(" ".join(words))
        if words[0] == "delete":
            for backup_id in [FIRST, INCREMENT] if words[-1] == FIRST else [words[-1]]:
                (self.meta / f"{backup_id}-backup.info").unlink()
        elif words[1] == "--release":
            (self.meta / f"{words[-1]}-keep").unlink()
        else:
            (self.meta / f"{words[-1]}-keep").write_text(words[2])
        return Completed(command.argv, 0, "{}")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Host(tmp_path)
    for module in (backup_run, backup_keep):
        monkeypatch.setattr(module, "barman_from", lambda params: found.barman)
    return found


@pytest.fixture
def run_keep(host: Host, capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, backup_keep.main, capsys, config_file=str(host.main), server="main")


@pytest.fixture
def run_delete(host: Host, capsys: pytest.CaptureFixture[str]) -> Any:
    return partial(run_main, backup.main, capsys, config_file=str(host.main), server="main", state="absent")


def test_keep_twice_and_release_twice(run_keep: Any, host: Host) -> None:
    promised = run_keep(backup_id="upgrade", target="standalone", check_mode=True, diff=True)
    assert (promised["changed"], host.log) == (True, [])
    done = run_keep(backup_id="upgrade", target="standalone", diff=True)
    assert {**promised, "invocation": None} == {**done, "invocation": None}
    assert (done["backup_id"], done["keep"]) == (FIRST, "standalone")
    assert done["diff"] == {"before": {"keep": None}, "after": {"keep": "standalone"}}
    assert run_keep(backup_id=FIRST, target="standalone")["changed"] is False
    assert run_keep(backup_id=FIRST)["keep"] == "full"
    assert run_keep(backup_id=FIRST, state="absent")["changed"] is True
    again = run_keep(backup_id=FIRST, state="absent")
    assert (again["changed"], again["keep"]) == (False, None)
    assert run_keep(backup_id="gone", state="absent")["backup_id"] is None


def test_what_can_t_be_kept(run_keep: Any, host: Host) -> None:
    answer = run_keep(backup_id=INCREMENT)
    assert answer["failed"]
    assert f"keep {FIRST}" in answer["msg"]
    assert host.log == []


def test_delete_twice(run_delete: Any, host: Host) -> None:
    promised = run_delete(backup_id="upgrade", dependents=True, check_mode=True)
    assert (promised["changed"], promised["deleted"], host.log) == (True, [FIRST, INCREMENT], [])
    done = run_delete(backup_id="upgrade", dependents=True)
    assert {**promised, "invocation": None} == {**done, "invocation": None}
    assert (done["backup"]["id"], done["backup"]["size"]) == (FIRST, 1000)
    for arguments in ({}, {"check_mode": True}):
        again = run_delete(backup_id="upgrade", dependents=True, **arguments)
        assert (again["changed"], again["deleted"], again["backup"]) == (False, [], None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backup_id": FIRST}, "Set 'dependents: true'"),
        ({}, "missing: backup_id"),
        ({"backup_id": FIRST, "max_age": "1h", "jobs": 2}, "mutually exclusive: backup_id|max_age"),
        ({"backup_id": FIRST, "state": "present"}, "are for 'state: absent'"),
        ({"backup_id": FIRST, "server": "nothing"}, "Barman has no server 'nothing'"),
    ],
)
def test_what_is_not_deleted(run_delete: Any, host: Host, arguments: Any, message: str) -> None:
    answer = run_delete(**arguments)
    assert answer["failed"]
    assert message in answer["msg"]
    assert host.log == []
