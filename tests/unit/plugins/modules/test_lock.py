# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import run_lock
from ansible_collections.pgdr.barman.plugins.modules import lock
from tests.unit.plugins.modules.running import run_main

CONTROLLER = asdict(run_lock.Controller("ops@control", "id control", "boot", "pid:[1]", 4711, 100))


def test_held_and_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(run_lock, "DIRECTORY", str(tmp_path))

    def answer(run: str, **arguments: object) -> dict[str, object]:
        return run_main(lock.main, capsys, run=run, controller=CONTROLLER, **arguments)

    first = answer("a", resources=["server pg"], purpose="recovery of pg")
    assert (first["changed"], first["runs"]) == (True, ["a"])
    assert not answer("a", resources=["server pg"], purpose="recovery of pg")["changed"]
    second = answer("b", resources=["server pg"])
    assert second["failed"]
    assert [one["run"] for one in second["holders"]] == ["a"]  # type: ignore[attr-defined]
    assert answer("b", resources=["server pg"], take_over=["a"])["removed"] == ["a"]
    assert not answer("a", state="released")["changed"]
    assert answer("b", state="released")["changed"]
    assert list(tmp_path.iterdir()) == []


def test_what_can_not_be_a_lock_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = run_main(lock.main, capsys, run="../x", resources=["server pg"], controller=CONTROLLER)
    assert "'../x' contains other characters" in wrong["msg"]
    missing = run_main(lock.main, capsys, run="x", resources=["server pg"])
    assert "The module's action plugin sets it" in missing["msg"]
