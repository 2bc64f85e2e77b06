# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work of another user in a child process."""

from __future__ import annotations

import os
import pwd
import signal
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.child import text_as, texts_as
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@as_root
def test_the_work_is_done_as_the_user_who_can_not_become_root_again() -> None:
    def work() -> str:
        with pytest.raises(PermissionError):
            os.seteuid(0)
        return f"{os.getresuid()} {os.getresgid()} {os.environ['HOME']}"

    account = pwd.getpwnam("nobody")
    uid, gid = account.pw_uid, account.pw_gid
    assert text_as("nobody", work) == f"{(uid, uid, uid)} {(gid, gid, gid)} {account.pw_dir}"
    assert os.geteuid() == 0


@as_root
def test_an_error_arrives_as_an_error() -> None:
    def work() -> str:
        raise HostError("no dice")

    with pytest.raises(HostError, match="no dice"):
        text_as("nobody", work)


@as_root
def test_an_unexpected_error_arrives_as_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> str:
        raise KeyError("x")

    with pytest.raises(HostError, match=r"failed unexpectedly \(KeyError\)"):
        text_as("nobody", work)
    assert "KeyError: 'x'" in capfd.readouterr().err


@as_root
def test_a_child_that_is_killed_is_an_error() -> None:
    def work() -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return "never"

    with pytest.raises(HostError, match="may have been killed"):
        text_as("nobody", work)


def test_without_root_it_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    own = os.getpid()
    assert text_as("nobody", lambda: str(os.getpid())) == str(own)


@as_root
def test_an_unknown_user() -> None:
    with pytest.raises(HostError):
        text_as("nobody-of-that-name", lambda: "")


@as_root
def test_all_calls_are_of_one_process_that_ends_with_the_last_one(tmp_path: Path) -> None:
    calls: list[int] = []
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents:
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)

    def work() -> str:
        calls.append(1)
        return f"{os.getpid()} {len(calls)}"

    with texts_as("nobody", work, lambda: (tmp_path / "ended").touch()) as ask:
        answers = [ask().split() for _ in range(3)]
        assert not (tmp_path / "ended").exists()
    assert (tmp_path / "ended").exists()
    assert len({pid for pid, _count in answers}) == 1
    assert [count for _pid, count in answers] == ["1", "2", "3"]
    assert calls == []
    with pytest.raises(ChildProcessError):
        os.waitpid(int(answers[0][0]), 0)


@as_root
def test_after_an_error_it_can_be_called_again() -> None:
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise HostError("not yet")
        return "x" * 1_000_000

    with texts_as("nobody", work) as ask:
        with pytest.raises(HostError, match="not yet"):
            ask()
        assert len(ask()) == 1_000_000


@as_root
def test_a_child_that_was_killed_between_two_calls_is_an_error() -> None:
    with texts_as("nobody", lambda: str(os.getpid())) as ask:
        os.kill(int(ask()), signal.SIGKILL)
        with pytest.raises(HostError, match="may have been killed"):
            ask()


def test_without_root_the_end_is_called_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    ended: list[str] = []
    with texts_as("nobody", lambda: "x", lambda: ended.append("end")) as ask:
        assert (ask(), ask(), ended) == ("x", "x", [])
    assert ended == ["end"]
