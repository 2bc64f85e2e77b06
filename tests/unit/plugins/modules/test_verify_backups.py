# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module verify_backups as Ansible runs it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import read_ledger
from ansible_collections.pgdr.barman.plugins.module_utils._stored import backups
from ansible_collections.pgdr.barman.plugins.modules import verify_backups
from tests.unit.plugins.module_utils._stored.stored_host import StoredHost
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredHost:
    monkeypatch.setattr(backups, "find_program", lambda *unused: None)
    return StoredHost(tmp_path)


def run(host: StoredHost, capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    given = {"everything": True, "priority": "normal", **arguments}
    return run_main(
        verify_backups.main, capsys, config_file=str(host.files.main), barman_user=getpass.getuser(), **given
    )


def test_intact_files_pass(host: StoredHost, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(host, capsys, requested_by="dba")
    assert (answer["changed"], answer["problems"], answer["copies"]) == (True, [], {})
    facts = answer["verifications"]["pg"]
    assert (facts["result"], facts["requested_by"], facts["read"]["segments"]) == ("passed", "dba", 4)
    assert len(read_ledger(str(host.files.home), "pg").of_kind("verification")) == 1


def test_a_damage_fails_with_what_is_known(host: StoredHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.change(host.file("PG_VERSION"))
    answer = run(host, capsys)
    assert answer["failed"]
    assert answer["problems"] == [answer["msg"]]
    assert str(host.file("PG_VERSION")) in answer["msg"]
    assert answer["verifications"]["pg"]["damaged_files"] == 1


def test_check_mode_changes_nothing(host: StoredHost, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(host, capsys, check_mode=True)
    assert not answer["changed"]
    assert answer["verifications"]["pg"]["result"] == "planned"
    assert not (host.files.home / ".pgdr.barman").exists()


def test_copies_are_searched_without_a_verification(host: StoredHost, capsys: pytest.CaptureFixture[str]) -> None:
    segment = host.segments[0]
    answer = run(host, capsys, servers=["pg"], copies_of=[str(segment)])
    assert not answer["changed"]
    assert answer["copies"] == {str(segment): str(host.wal_path(segment))}


def test_wrong_arguments_fail_without_a_verification(host: StoredHost, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(host, capsys, days=0)
    assert "days: 0 is not a positive number" in answer["msg"]
    assert answer["verifications"] == {}
