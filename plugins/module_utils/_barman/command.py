# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that runs the barman command, and reads what it answers.

This module util is private to the collection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from .._host.process import Command, Completed, HostError, Runner
from .versions import Version

_MESSAGE_KEYS = {"_INFO": "info", "_WARNING": "warnings", "_ERROR": "errors", "_EXCEPTION": "errors"}


_EXCEPTION = re.compile(r"^EXCEPTION:(.*?)(?:\nSee log file for more details\.|\Z)", re.DOTALL | re.MULTILINE)


class BarmanError(HostError):
    """Barman could not do what it was asked, with its own words."""

    def __init__(self, message: str, reply: Reply | None = None) -> None:
        super().__init__(message)
        self.reply = reply


@dataclass(frozen=True)
class Reply:
    """What "barman -f json" answered.

    data: the top-level keys that are not messages: server names mostly, with each one's answer.
    """

    completed: Completed
    data: Mapping[str, Any] = field(default_factory=dict)
    info: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.completed.ok and not self.errors

    @property
    def reason(self) -> str:
        """Why it failed, in Barman's words."""
        message = _without_traceback(self.completed.stderr)
        return "; ".join(self.errors) or message or f"exit code {self.completed.rc}"


def parse_reply(completed: Completed) -> Reply:
    """Read the JSON that Barman prints at its end. Raises BarmanError where there is none.

    Warnings about any server's configuration come with every command's answer, beside the servers' own keys.
    """
    try:
        document = json.loads(completed.stdout) if completed.stdout.strip() else {}
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BarmanError(f"Barman's output of '{_line(completed)}' is not JSON: {_shortened(completed.stdout)}")
    if not document and not completed.ok:
        # SystemExit texts (wrong user, missing configuration file, broken section) come on stderr, without JSON.
        message = _without_traceback(completed.stderr)
        return Reply(completed, errors=[abridged(message)] if message else [])
    messages: dict[str, list[str]] = {"info": [], "warnings": [], "errors": []}
    data: dict[str, Any] = {}
    for key, value in document.items():
        if key in _MESSAGE_KEYS:
            messages[_MESSAGE_KEYS[key]].extend(abridged(str(line)) for line in value)
        elif not key.startswith("_"):
            data[key] = value
    return Reply(completed, data, messages["info"], messages["warnings"], messages["errors"])


def exception(completed: Completed) -> str | None:
    """What broke a command off whose answer is text, in Barman's words; None where nothing did."""
    found = _EXCEPTION.search(completed.stderr)
    return " ".join(found.group(1).split()) if found else None


def failure(completed: Completed) -> str:
    """Why a command failed whose answer is text, in Barman's words."""
    message = exception(completed) or " ".join(_without_traceback(completed.text).split())
    return abridged(message) or f"exit code {completed.rc}"


def abridged(text: str, most: int = 2000) -> str:
    """The text, or its beginning and its end: Barman repeats all that rsync printed, the list of the files too, and the reason comes last."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2].rstrip()} … ({len(text) - most} characters left out, see Barman's log) … {text[-(most - most // 2) :].lstrip()}"


class Barman:
    """Barman on this host, run as its own user.

    config_file: another main configuration file than Barman's default; config_file in the words of "barman -c".
    """

    def __init__(
        self,
        run: Runner,
        user: str = "barman",
        config_file: str | None = None,
        executable: str = "barman",
    ) -> None:
        self._run = run
        self.user = user
        self.config_file = config_file
        self._executable = executable
        self._version: Version | None = None

    def with_config(self, config_file: str) -> Barman:
        """The same Barman, reading another main configuration file."""
        other = Barman(self._run, self.user, config_file, self._executable)
        other._version = self._version
        return other

    @property
    def runner(self) -> Runner:
        return self._run

    @property
    def version(self) -> Version:
        """The installed version, such as (3, 13, 3)."""
        if self._version is None:
            completed = self.command([self._executable, "--version"])
            found = re.search(r"\b(\d+(?:\.\d+)+)", completed.stdout)
            if not completed.ok or found is None:
                raise BarmanError(f"'barman --version' did not report a version: {completed.text}")
            self._version = tuple(int(part) for part in found.group(1).split("."))
        return self._version

    def text(
        self,
        *arguments: str,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        tick: Callable[[], None] | None = None,
    ) -> Completed:
        """Run a barman command whose answer is text, or of no interest."""
        return self.command([*self._start(), *arguments], timeout, env, tick)

    def json(
        self,
        *arguments: str,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        tick: Callable[[], None] | None = None,
        tick_interval: float = 1.0,
        die_with_parent: bool = False,
    ) -> Reply:
        """Run a barman command with "-f json" and read its answer. The exit code is the caller's to judge."""
        argv = [*self._start(), "-f", "json", *arguments]
        return parse_reply(self.command(argv, timeout, env, tick, tick_interval, die_with_parent=die_with_parent))

    def expect(
        self,
        *arguments: str,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        tick: Callable[[], None] | None = None,
    ) -> Reply:
        """The same as json(), but raises BarmanError if Barman reports a failure."""
        reply = self.json(*arguments, timeout=timeout, env=env, tick=tick)
        if not reply.ok:
            raise BarmanError(f"'{_line(reply.completed)}' failed: {reply.reason}", reply)
        return reply

    def diagnose(self, timeout: float | None = None) -> dict[str, Any]:
        """The whole of "barman diagnose": it is clean JSON only where "-f json" is not given."""
        completed = self.text("diagnose", timeout=timeout)
        try:
            document = json.loads(completed.stdout)
        except ValueError:
            raise BarmanError(
                "'barman diagnose' failed: %s" % (_without_traceback(completed.text) or "no answer")
            ) from None
        if not isinstance(document, dict):
            raise BarmanError(f"'barman diagnose' did not print an object: {_shortened(completed.stdout)}")
        return document

    def detached(self, *arguments: str) -> None:
        """Start a barman command that goes on running after this, in its own session and without a terminal."""
        completed = self.command(["setsid", "--fork", *self._start(), "-q", *arguments])
        if not completed.ok:
            raise BarmanError(f"'barman {' '.join(arguments)}' could not be started: {completed.text}")

    def command(
        self,
        argv: list[str],
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        tick: Callable[[], None] | None = None,
        tick_interval: float = 1.0,
        *,
        die_with_parent: bool = False,
    ) -> Completed:
        """Run another program of Barman's user, with the same runner."""
        return self._run(
            Command(
                argv,
                user=self.user,
                env=env or {},
                timeout=timeout,
                tick=tick,
                tick_interval=tick_interval,
                die_with_parent=die_with_parent,
            )
        )

    def _start(self) -> list[str]:
        return [self._executable] + (["-c", self.config_file] if self.config_file else [])


def _line(completed: Completed) -> str:
    return " ".join(part for part in completed.argv if part not in ("-f", "json"))


def _shortened(text: str, most: int = 300) -> str:
    text = text.strip()
    return text if len(text) <= most else text[:most] + " …"


def _without_traceback(text: str) -> str:
    """The last line of a traceback, or the text as it is."""
    lines = text.strip().splitlines()
    return lines[-1] if lines and "Traceback (most recent call last)" in text else text.strip()
