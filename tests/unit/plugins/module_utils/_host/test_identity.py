# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acting as another user, which is what the whole process does then, with all of its threads; root is made up."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from typing import IO, Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import process
from ansible_collections.pgdr.barman.plugins.module_utils._host.identity import acting_as
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, HostError, lookup_user, run

# How long another thread has to do what it must not do.
CHANCE = 0.3


class Root:
    """A process of root's: its user, which all of its threads have, who made its files, and whose its commands became."""

    def __init__(self) -> None:
        self.user = 0
        self.switched: list[Any] = []
        self.makers: set[int] = set()
        self.started = threading.Event()
        self._popen = subprocess.Popen
        self._file = tempfile.TemporaryFile

    def become(self, user: int) -> None:
        if self.user not in (0, user) and user != 0:
            raise PermissionError("only root becomes another user")
        self.user = user

    def popen(self, argv: list[str], **options: Any) -> subprocess.Popen[bytes]:
        self.switched.append(options.pop("user", None))
        self.started.set()
        for key in ("group", "extra_groups", "cwd"):
            options.pop(key, None)
        return self._popen(argv, **options)

    def file(self) -> IO[bytes]:
        self.makers.add(self.user)
        return self._file()


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Root:
    made = Root()
    monkeypatch.setattr(os, "geteuid", lambda: made.user)
    monkeypatch.setattr(os, "seteuid", made.become)
    monkeypatch.setattr(os, "setegid", lambda group: None)
    monkeypatch.setattr(os, "setgroups", lambda groups: None)
    monkeypatch.setattr(process.subprocess, "Popen", made.popen)
    monkeypatch.setattr(process.tempfile, "TemporaryFile", made.file)
    return made


def test_it_ends_where_it_began(root: Root) -> None:
    with acting_as("nobody"):
        assert os.geteuid() == lookup_user("nobody").pw_uid
    assert os.geteuid() == 0
    with pytest.raises(ValueError, match="within"), acting_as("nobody"):
        raise ValueError("within")
    assert os.geteuid() == 0


def test_without_a_user_nothing_changes(root: Root) -> None:
    with acting_as(None):
        assert os.geteuid() == 0


def test_only_root_can(root: Root) -> None:
    root.user = lookup_user("daemon").pw_uid
    with pytest.raises(HostError, match="must run as root or as 'nobody'"), acting_as("nobody"):
        pass


def test_who_acts_as_a_user_can_do_so_within_and_run_commands(root: Root) -> None:
    with acting_as("nobody"), acting_as("nobody"):
        assert run(Command(["true"], user="nobody")).ok
    assert root.switched == [None]


def test_two_threads_are_two_users_one_after_the_other(root: Root) -> None:
    users: list[object] = []

    def act() -> None:
        try:
            with acting_as("daemon"):
                users.append(os.geteuid())
        except HostError as exc:
            users.append(str(exc))

    other = threading.Thread(target=act)
    with acting_as("nobody"):
        other.start()
        other.join(CHANCE)
        assert os.geteuid() == lookup_user("nobody").pw_uid
    other.join(10)
    assert users == [lookup_user("daemon").pw_uid]
    assert os.geteuid() == 0


def test_no_other_user_comes_in_where_the_current_one_was_asked_for(root: Root) -> None:
    def act() -> None:
        with acting_as("nobody"):
            pass

    other = threading.Thread(target=act)
    with acting_as(None):
        other.start()
        other.join(CHANCE)
        assert other.is_alive()
    other.join(10)
    assert not other.is_alive()


@pytest.mark.parametrize("user", ["nobody", "daemon", None])
def test_no_command_starts_while_another_thread_is_another_user(root: Root, user: str | None) -> None:
    """By the process's user it is decided whether to switch, and the system decides whether it may."""
    starter = threading.Thread(target=run, args=(Command(["true"], user=user),))
    with acting_as("nobody"):
        starter.start()
        assert not root.started.wait(CHANCE)
    starter.join(10)
    assert root.switched == [None if user is None else lookup_user(user).pw_uid]
    assert root.makers == {0}


def test_a_command_that_runs_keeps_no_thread_from_being_another_user(root: Root) -> None:
    acted: list[int] = []

    def act() -> None:
        with acting_as("nobody"):
            acted.append(os.geteuid())

    def tick() -> None:
        other = threading.Thread(target=act)
        other.start()
        other.join(10)

    assert run(Command(["sleep", str(CHANCE)], tick=tick, tick_interval=0.1)).ok
    assert acted
    assert set(acted) == {lookup_user("nobody").pw_uid}
