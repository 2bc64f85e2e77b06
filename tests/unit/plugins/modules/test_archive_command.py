# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module archive_command: what it hands on, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._archive_command import run as operation
from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.command import ArchiveTarget
from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.plan import ArchivingError, DesiredArchiving
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import login
from ansible_collections.pgdr.barman.plugins.modules import archive_command as module
from tests.unit.plugins.modules.running import run_main

ANSWER: dict[str, Any] = {
    "changed": True,
    "archive_command": "x",
    "diff": {"before": {}, "after": {"archive_command": "x"}},
}


class Session:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def called(monkeypatch):
    """What configure() was called with; its answer, or what it raises, is in called["answer"]."""
    calls: dict[str, Any] = {"answer": ANSWER, "session": Session()}

    def configure(session, run, user, desired, version, timeout, check_mode):
        calls.update(user=user, desired=desired, version=version, timeout=timeout, check_mode=check_mode)
        if isinstance(calls["answer"], Exception):
            raise calls["answer"]
        return dict(calls["answer"])

    def connect(conninfo, user):
        calls["conninfo"] = conninfo
        return calls["session"]

    monkeypatch.setattr(operation, "require_psycopg", lambda: None)
    monkeypatch.setattr(operation, "configure", configure)
    monkeypatch.setattr(login, "connect", connect)
    return calls


def test_what_is_asked_for(called, capsys):
    answer = run_main(
        module.main,
        capsys,
        server="pg",
        host="backup",
        port=2222,
        remote_user="vault",
        archive_timeout=60,
        login_port=5433,
    )
    assert called["desired"] == DesiredArchiving(
        ArchiveTarget("pg", "backup", 2222, "vault"), "on", 60, overwrite=False
    )
    assert called["user"] == "postgres"
    assert "port=5433" in called["conninfo"]
    assert answer["changed"]
    assert "diff" not in answer
    assert called["session"].closed


def test_a_difference_where_it_is_asked_for(called, capsys):
    answer = run_main(module.main, capsys, server="pg", host="backup", check_mode=True, diff=True)
    assert called["check_mode"]
    assert answer["diff"]["after"] == {"archive_command": "x"}


def test_absent_needs_no_target(called, capsys):
    run_main(module.main, capsys, state="absent", overwrite=True)
    assert called["desired"] == DesiredArchiving(None, overwrite=True)


def test_present_needs_one(called, capsys):
    answer = run_main(module.main, capsys, server="pg")
    assert "state is present but all of the following are missing: host" in answer["msg"]


def test_where_it_stopped_in_one_word(called, capsys):
    called["answer"] = ArchivingError("SSH: the host key is another", "host_key")
    answer = run_main(module.main, capsys, server="pg", host="backup")
    assert answer["failed"]
    assert answer["error_kind"] == "host_key"
    assert answer["msg"] == "SSH: the host key is another"
    assert called["session"].closed
