# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sync as Ansible runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._sync import run as operation
from ansible_collections.pgdr.barman.plugins.modules import sync
from tests.unit.plugins.module_utils._sync.test_synchronisation import PassiveHost
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def passive_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PassiveHost:
    made = PassiveHost(tmp_path)
    monkeypatch.setattr(operation, "barman_from", lambda params: made.barman)
    return made


def run(passive_host: PassiveHost, capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    return run_main(
        sync.main,
        capsys,
        config_file=str(passive_host.main),
        barman_user=passive_host.barman.user,
        recoverable=False,
        **arguments,
    )


def test_every_passive_server_is_copied(passive_host: PassiveHost, capsys: pytest.CaptureFixture[str]) -> None:
    passive_host.server("own")
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    answer = run(passive_host, capsys)
    assert answer["changed"]
    assert list(answer["servers"]) == ["pg"]
    assert answer["servers"]["pg"]["backups_copied"] == ["20261120T080000"]
    assert not run(passive_host, capsys)["changed"]


def test_check_mode_reports_the_lag(passive_host: PassiveHost, capsys: pytest.CaptureFixture[str]) -> None:
    passive_host.has(range(3, 6), {"20261120T080000": 3})
    answer = run(passive_host, capsys, check_mode=True)
    assert answer["changed"]
    assert answer["servers"]["pg"]["before"]["segments"] == 3
    assert passive_host.calls == []


def test_a_failure_is_reported_with_what_is_known(
    passive_host: PassiveHost, capsys: pytest.CaptureFixture[str]
) -> None:
    passive_host.ssh = (255, "ssh: connect to host 198.51.100.11 port 22: No route to host")
    answer = run(passive_host, capsys)
    assert answer["failed"]
    assert "no network route" in answer["msg"]
    assert answer["servers"]["pg"]["error_kind"] == "unreachable"


@pytest.mark.parametrize("arguments", [{"servers": ["nobody"]}, {"up_to": "tomorrow"}])
def test_bad_input_is_a_sentence(
    passive_host: PassiveHost, capsys: pytest.CaptureFixture[str], arguments: dict[str, Any]
) -> None:
    answer = run(passive_host, capsys, **arguments)
    assert answer["failed"]
    assert "Traceback" not in answer["msg"]
    assert "nobody" in answer["msg"] or "up_to: " in answer["msg"]
