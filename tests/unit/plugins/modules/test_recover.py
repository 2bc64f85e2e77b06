# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from yaml import safe_load

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._recover import operation, segment_scanner
from ansible_collections.pgdr.barman.plugins.module_utils._recover.prepare import RecoveryEnvironment
from ansible_collections.pgdr.barman.plugins.modules import recover, verify_recovery
from tests.unit.plugins.module_utils._recover.recovery_host import USER, RecoveryHost
from tests.unit.plugins.module_utils._recover.recovery_world import SIZE, World, backup, commit, position
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecoveryHost:
    world = World()
    world.add(2, commit(position(2, SIZE - 1000), 12, 700))
    world.add(3, commit(position(3, 1000), 20, 710), partial=True, last_record=position(3, 1000))
    found = RecoveryHost(tmp_path, world, [backup(2, 10)])
    monkeypatch.setattr(segment_scanner, "scan", world.scan)
    monkeypatch.setattr(operation, "run", found.run)
    monkeypatch.setattr(operation, "read", lambda path, user: found.configuration)
    monkeypatch.setattr(operation, "barman_from", lambda params: Barman(found.run, USER))

    def environment(barman: Any, configuration: Any, runner: Any, connect: Any) -> RecoveryEnvironment:
        return RecoveryEnvironment(
            barman,
            configuration,
            runner,
            list_archive=lambda server, barman, size: world,  # type: ignore[arg-type,return-value]
            list_backups=lambda server: found.backups,
            readable=lambda *given: None,
        )

    monkeypatch.setattr(operation, "RecoveryEnvironment", environment)
    return found


# The world's segments have no bytes that could be verified.
UNVERIFIED = {"verify_wal": False, "verify_backup": False}


def test_check_mode_then_the_recovery_then_nothing(host: RecoveryHost, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"server": "pg", "destination": str(host.root / "new"), **UNVERIFIED}
    would = run_main(recover.main, capsys, **options, check_mode=True)
    assert would["changed"] is True
    assert not (host.root / "new").exists()
    does = run_main(recover.main, capsys, **options)
    assert does["changed"] is True
    assert {**does["recovery"], **would["recovery"], "partial_segment": None} == {
        **does["recovery"],
        "partial_segment": None,
    }
    again = run_main(recover.main, capsys, **options)
    assert again["changed"] is False
    assert again["recovery"] == does["recovery"]


def test_all_documented_returns_are_returned(host: RecoveryHost, capsys: pytest.CaptureFixture[str]) -> None:
    documented = safe_load(recover.RETURN)
    answer = run_main(recover.main, capsys, server="pg", destination=str(host.root / "new"), **UNVERIFIED)
    assert set(documented["recovery"]["contains"]) == set(answer["recovery"])
    assert {name for name, value in documented.items() if value["returned"] == "success"} <= set(answer)


def test_a_refusal_has_the_windows_as_data(host: RecoveryHost, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(
        recover.main, capsys, server="pg", destination=str(host.root / "new"), target_time="2027-01-01 00:00:00Z"
    )
    (window,) = answer["windows"]
    assert set(window) == set(safe_load(recover.RETURN)["windows"]["contains"])
    assert window["end"]["xid"] == 710


def test_a_refusal_has_the_branches_as_data(host: RecoveryHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.world.histories[2] = "1\t0/2000100\tno recovery target specified\n"
    host.world.add(2, commit(position(2, SIZE - 1000), 40, 800), timeline=2)
    host.backups[:] = [backup(2, 10, end_lsn="0/2000050")]
    answer = run_main(recover.main, capsys, server="pg", destination=str(host.root / "new"))
    documented = safe_load(recover.RETURN)["branches"]["contains"]
    assert [one["timeline"] for one in answer["branches"]] == [1, 2]
    assert set(answer["branches"][0]) == set(documented)
    assert "barman_recover_target_timeline=1 or 2" in answer["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_time": "2027-01-01 00:00:00Z"}, "it is in the future. The last recoverable point is"),
        ({"target_time": "now"}, "target_time: 'now' is not a time"),
        ({"server": "other"}, "Barman has no server 'other' on this host; it has: pg"),
        ({"destination": "/srv/a b"}, "without spaces"),
    ],
)
def test_a_refusal_has_its_reason(
    host: RecoveryHost, capsys: pytest.CaptureFixture[str], options: dict[str, Any], message: str
) -> None:
    answer = run_main(recover.main, capsys, **{"server": "pg", "destination": str(host.root / "new"), **options})
    assert answer["failed"] is True
    assert message in answer["msg"]
    assert not (host.root / "new").exists()


@pytest.mark.parametrize("check_mode", [True, False])
def test_verify_recovery_of_no_data_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], check_mode: bool
) -> None:
    answer = run_main(verify_recovery.main, capsys, data_directory=str(tmp_path), check_mode=check_mode)
    assert answer["msg"] == f"{tmp_path} is not a data directory: it has no file PG_VERSION"


def test_verify_recovery_of_a_wrong_position(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(verify_recovery.main, capsys, data_directory=str(tmp_path), target_lsn="here")
    assert answer["msg"].startswith("target_lsn: 'here' is not a position in the WAL")
