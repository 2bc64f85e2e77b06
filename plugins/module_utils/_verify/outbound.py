# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recovered copy would do to other servers by itself: subscriptions, scheduled jobs, archiving. And the settings that prevent it.

This module util is private to the collection. A copy on another host has the configuration of its production server, which still runs.
Then two servers use one replication slot, run each job twice, or archive to one place.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .._host.identity import acting_as
from .._host.process import HostError

_SUBSCRIPTIONS = (
    "SELECT d.datname || '/' || s.subname FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = "
    "s.subdbid "
    "WHERE s.subenabled ORDER BY 1"
)
_DATABASES = "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
_HAS_CRON = "SELECT count(*) FROM pg_catalog.pg_extension WHERE extname = 'pg_cron'"
_CRON_JOBS = "SELECT count(*) FROM cron.job WHERE active"
# They archive nothing; "false" is what Barman leaves in a server that it restored.
_HARMLESS = frozenset(("", "true", "false", "/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "(disabled)"))


class Asked(Protocol):
    """A server that can be asked."""

    def query(self, sql: str, database: str = "postgres", timeout: float = 60.0) -> list[list[str | None]]:
        """Return the rows."""


@dataclass(frozen=True)
class IsolationSettings:
    """Settings that prevent a copy from acting on other servers, and why."""

    settings: Mapping[str, str]
    reasons: tuple[str, ...]


def observe(server: Asked) -> dict[str, Any]:
    """What the recovered server has of it: subscriptions as DATABASE/NAME, the number of active pg_cron jobs.

    cron_jobs is None if they could not be counted. A database that can't be queried is skipped.
    """
    subscriptions = [str(row[0]) for row in server.query(_SUBSCRIPTIONS, "template1")]
    jobs: int | None = 0
    for row in server.query(_DATABASES, "template1"):
        database = str(row[0])
        try:
            if server.query(_HAS_CRON, database) == [["0"]]:
                continue
        except HostError:
            continue
        try:
            jobs = None if jobs is None else jobs + int(server.query(_CRON_JOBS, database)[0][0] or 0)
        except HostError:
            jobs = None
    return {"subscriptions": subscriptions, "cron_jobs": jobs}


def isolation_settings(outbound: Mapping[str, Any], start: Mapping[str, str]) -> IsolationSettings:
    """The settings that prevent all of that. start: the settings that it would start with, as far as they are known."""
    settings: dict[str, str] = {}
    reasons: list[str] = []
    subscriptions = list(outbound.get("subscriptions") or [])
    if subscriptions:
        settings["max_logical_replication_workers"] = "0"
        reasons.append(f"subscriptions: {', '.join(subscriptions)}")
    jobs = outbound.get("cron_jobs", 0)
    if jobs is None or jobs > 0:
        settings["cron.launch_active_jobs"] = "off"
        reasons.append(f"pg_cron jobs: {'not counted' if jobs is None else jobs}")
    command, library = start.get("archive_command", ""), start.get("archive_library", "")
    if start.get("archive_mode", "off") != "off" and (library or command.strip() not in _HARMLESS):
        settings["archive_mode"] = "off"
        reasons.append(f"archive_library = {library}" if library else f"archive_command = {command}")
    return IsolationSettings(settings, tuple(reasons))


def with_settings(text: str, settings: Mapping[str, str]) -> str:
    """The text of postgresql.auto.conf with these settings, each once."""
    lines = [line for line in text.splitlines() if line.partition("=")[0].strip() not in settings]
    lines += ["{} = '{}'".format(name, value.replace("'", "''")) for name, value in sorted(settings.items())]
    return "".join(line + "\n" for line in lines)


def write_settings(data_directory: str, user: str, settings: Mapping[str, str]) -> bool:
    """Write them to postgresql.auto.conf as its owner; whether that changed it. Raises HostError."""
    path = os.path.join(data_directory, "postgresql.auto.conf")
    try:
        with acting_as(user):
            with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                before = stream.read()
            after = with_settings(before, settings)
            if after == before:
                return False
            handle, temporary = tempfile.mkstemp(prefix="postgresql.auto.conf.", dir=data_directory)
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
                stream.write(after)
            os.rename(temporary, path)
    except OSError as exc:
        raise HostError(f"{path} can't be written: {exc.strerror}") from None
    return True
