# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the notifier, each minute, with a state that can and one that can't be written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.fault import Fault, FaultKind
from ansible_collections.pgdr.barman.plugins.module_utils._notify import state_files
from ansible_collections.pgdr.barman.plugins.module_utils._notify.plan import Message, NotifyPolicy
from ansible_collections.pgdr.barman.plugins.module_utils._notify.run import Send, notify_channels
from ansible_collections.pgdr.barman.plugins.module_utils._notify.send import SendError
from ansible_collections.pgdr.barman.plugins.module_utils._notify.settings import NotifySettings

HOUR = 1_790_000_000.0 // 3600 * 3600
FULL = Fault(FaultKind("BarmanDiskFull", "critical", "Free space."), "/var/lib/barman", "the disk is full")
#: Root can't make a file there either.
UNWRITABLE = "/proc/self"


@dataclass
class Minutes:
    """Cron's runs. fails: whether the channel does."""

    home: str
    fallbacks: list[str]
    sent: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    fails: bool = False
    states: list[str] = field(default_factory=list)

    def run(self, *minutes: int) -> None:
        for minute in minutes:
            now = HOUR + 60.0 * minute

            def send(_message: Message, now: float = now) -> None:
                path = Path(self.home, state_files.STATE)
                self.states.append(path.read_text(encoding="utf-8") if path.exists() else "")
                if self.fails:
                    raise SendError("HTTP status 500")
                self.sent.append((now - HOUR) / 60)

            channels: dict[str, Send] = {"webhook": send}
            settings = NotifySettings(policy=NotifyPolicy(interval=900.0))
            self.problems += notify_channels(self.home, [FULL], channels, settings, now, self.fallbacks)


@pytest.fixture
def minutes(tmp_path: Path) -> Minutes:
    for name in ("home", "run", "tmp"):
        (tmp_path / name).mkdir()
    return Minutes(str(tmp_path / "home"), [str(tmp_path / "run"), str(tmp_path / "tmp")])


def test_a_message_is_noted_before_it_is_sent(minutes: Minutes) -> None:
    minutes.run(*range(30))
    assert (minutes.sent, minutes.problems) == ([2], [])
    (state,) = minutes.states
    assert json.loads(state)["channels"]["webhook"]["sent"] == HOUR + 120


def test_the_note_of_a_message_that_was_not_sent_is_taken_back(minutes: Minutes) -> None:
    minutes.fails = True
    minutes.run(0, 1, 2, 3)
    assert minutes.problems == ["webhook: HTTP status 500"] * 2
    minutes.fails = False
    minutes.run(4, 5)
    assert minutes.sent == [4]


def test_a_disk_that_fills_up_makes_no_storm(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    minutes.run(0, 1)
    write = state_files.write_atomic

    def on_full_disk(path: str, text: str, mode: int, *, durable: bool) -> None:
        if path.startswith((minutes.home, minutes.fallbacks[0])):
            raise HostError("No space left on device")
        write(path, text, mode, durable=durable)

    monkeypatch.setattr(state_files, "write_atomic", on_full_disk)
    minutes.run(*range(2, 120))
    assert (minutes.sent, minutes.problems) == ([2], [])
    # With space again, the home has the state.
    monkeypatch.setattr(state_files, "write_atomic", write)
    minutes.run(*range(120, 180))
    assert minutes.sent == [2]
    assert not list(Path(minutes.fallbacks[1]).rglob("notify.json"))


def test_a_home_that_cannot_be_written_makes_no_storm(minutes: Minutes) -> None:
    minutes.home = UNWRITABLE
    minutes.run(*range(120))
    assert (minutes.sent, minutes.problems) == ([2], [])


def test_without_any_place_there_is_a_message_an_hour(minutes: Minutes) -> None:
    minutes.home, minutes.fallbacks = UNWRITABLE, [UNWRITABLE]
    minutes.run(*range(1, 150))
    assert minutes.sent == [60, 120]
    assert len(minutes.problems) == 149


def test_nothing_is_removed_through_a_link_of_somebody_else(minutes: Minutes) -> None:
    Path(minutes.fallbacks[0], f"pgdr-barman-{os.geteuid()}").symlink_to(Path(minutes.home, state_files.STATE).parent)
    minutes.run(*range(30))
    assert minutes.sent == [2]


@pytest.mark.parametrize("how", ["link", "open"])
def test_a_directory_of_somebody_else_is_not_used(minutes: Minutes, tmp_path: Path, how: str) -> None:
    minutes.home, minutes.fallbacks = UNWRITABLE, [minutes.fallbacks[0]]
    own = Path(minutes.fallbacks[0], f"pgdr-barman-{os.geteuid()}")
    if how == "link":
        own.symlink_to(tmp_path)
    else:
        own.mkdir()
        own.chmod(0o777)
    minutes.run(1, 2, 3, 4)
    assert minutes.sent == []
    assert not (tmp_path / "notify.json").exists()
    assert minutes.problems
