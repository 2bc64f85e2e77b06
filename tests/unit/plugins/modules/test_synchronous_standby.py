# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module synchronous_standby: what it hands on, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import Result
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import login
from ansible_collections.pgdr.barman.plugins.modules import synchronous_standby as module
from tests.unit.plugins.modules.running import run_main


class Session:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def called(monkeypatch):
    """What configure() was called with; what it raises is in called["error"]."""
    calls: dict[str, Any] = {"session": Session(), "error": None}

    def configure(session, desired, unwanted, *, check_mode):
        calls.update(desired=desired, unwanted=unwanted, check_mode=check_mode)
        if calls["error"] is not None:
            raise calls["error"]
        return Result(changed=True, values={"synchronous_standby_names": "x"}, diff={"before": {}, "after": {}})

    def connect(conninfo, user):
        calls.update(conninfo=conninfo, user=user)
        return calls["session"]

    monkeypatch.setattr(module, "require_psycopg", lambda: None)
    monkeypatch.setattr(module, "configure", configure)
    monkeypatch.setattr(login, "connect", connect)
    return calls


def test_present(called, capsys):
    answer = run_main(module.main, capsys, names=["barman_receive_wal"], login_port=5433, diff=True, check_mode=True)
    assert (called["desired"], called["unwanted"], called["check_mode"]) == (["barman_receive_wal"], None, True)
    assert called["user"] == "postgres"
    assert "port=5433" in called["conninfo"]
    assert answer["changed"]
    assert "diff" in answer
    assert called["session"].closed


def test_absent_takes_all_or_these(called, capsys):
    assert "diff" not in run_main(module.main, capsys, state="absent")
    assert (called["desired"], called["unwanted"]) == ([], None)
    run_main(module.main, capsys, state="absent", names=["barman_2"])
    assert (called["desired"], called["unwanted"]) == ([], ["barman_2"])


def test_present_needs_names(called, capsys):
    assert "names" in run_main(module.main, capsys)["msg"]


def test_a_name_that_would_not_be_known_again(called, capsys):
    answer = run_main(module.main, capsys, names=["barman_receive_wal", "s-1"])
    assert answer["msg"].startswith("names: 's-1': a name starts with barman")
    assert "desired" not in called


def test_what_is_refused(called, capsys):
    called["error"] = HostError("by it commits wait for 1 of 2")
    answer = run_main(module.main, capsys, names=["barman_receive_wal"])
    assert answer["failed"]
    assert answer["msg"] == "by it commits wait for 1 of 2"
    assert called["session"].closed
