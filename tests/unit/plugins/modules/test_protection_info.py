# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module protection_info: when it fails, and what it returns."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import (
    Configuration,
    ServerConfiguration,
)
from ansible_collections.pgdr.barman.plugins.module_utils._check import protection_info as operation
from ansible_collections.pgdr.barman.plugins.module_utils._check.protection import ObservedProtection, ServerIdentity
from ansible_collections.pgdr.barman.plugins.modules import protection_info as module
from tests.unit.plugins.modules.running import run_main

DECLARED = {"conninfo": "host=198.51.100.10 port=5433 user=barman"}
ASKED = {"system_identifier": "7710", "timeline": 2}


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is missing, for the test to say; the entry leads to 198.51.100.10."""
    texts: list[str] = []
    entry = ServerConfiguration("pg", {"conninfo": "port=5433 host=198.51.100.10 password=secret"}, "pg.conf")

    class Protection:
        def __init__(self, *arguments: Any) -> None:
            pass

        def prove(self, expected: Any, timeout: float) -> tuple[ObservedProtection, list[str]]:
            return ObservedProtection(ServerIdentity("7710", 2)), texts

    monkeypatch.setattr(operation, "require_psycopg", lambda: None)
    monkeypatch.setattr(operation, "read", lambda file, user: Configuration("barman.conf", {}, {"pg": entry}))
    monkeypatch.setattr(operation, "Protection", Protection)
    return texts


def test_only_the_entry(missing: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "protected" not in run_main(module.main, capsys, server="pg", declared=DECLARED)
    answer = run_main(module.main, capsys, server="pg", declared={"conninfo": "host=198.51.100.20"})
    assert "is host 198.51.100.10, port 5433, and the inventory's is host 198.51.100.20, port 5432" in answer["msg"]
    assert "secret" not in str(answer)


def test_an_entry_that_does_not_exist(missing: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert not run_main(module.main, capsys, server="new", declared=DECLARED).get("failed")
    assert "no server 'new'" in run_main(module.main, capsys, server="new", **ASKED)["msg"]


def test_a_connection_string_that_can_not_be_read(missing: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(module.main, capsys, server="pg", declared={"conninfo": "password='sesame"})
    assert "can't be read" in answer["msg"]
    assert "sesame" not in answer["msg"]


def test_protected_or_not(missing: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(module.main, capsys, server="pg", backup_id="x", **ASKED)
    assert (answer["protected"], answer["missing"]) == (True, [])
    assert answer["protection"]["server"] == {"system_identifier": "7710", "timeline": 2}
    missing.append("no backup was taken")
    answer = run_main(module.main, capsys, server="pg", **ASKED)
    assert not answer.get("failed")
    assert (answer["protected"], answer["missing"]) == (False, ["no backup was taken"])
    answer = run_main(module.main, capsys, server="pg", backup_id="x", **ASKED)
    assert (answer["failed"], answer["msg"]) == (True, "no backup was taken")
