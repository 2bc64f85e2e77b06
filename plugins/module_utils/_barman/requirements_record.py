# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server requires of its host, known to the backup server: asked of PostgreSQL, or recorded when it answered last.

This module util is private to the collection. A recovery is for a server that does not answer any more, so pgdr.barman.check records the
answer in Barman's home, once a day. A record is used only for backups of the same system identifier.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from .._host.files import read_text, write_atomic
from .._host.identity import acting_as
from .._host.process import HostError
from .._postgres.connection import Connect
from .._postgres.host_requirements import LOCALE_SETTINGS, PRELOAD_SETTINGS, HostRequirements, ask, parse
from .._postgres.settings_file import read_settings
from .catalog import Backup
from .configuration import ServerConfiguration

DIRECTORY = ".pgdr.barman/requirements"
# A record of today is good enough; a check connects to nothing for it.
FRESH_SECONDS = 20 * 3600.0

_FILES = ("postgresql.conf", "postgresql.auto.conf")


def record_file(home: str, server: str) -> str:
    return os.path.join(home, DIRECTORY, f"{server.replace(os.sep, '_')}.json")


def record_if_due(home: str, server: ServerConfiguration, user: str, connect: Connect, now: float) -> bool:
    """Ask the server and record the answer, unless there is a fresh one; whether it was recorded.

    A server that does not answer, and a full disk, are no errors here: what is recorded must not hinder a check.
    """
    path = record_file(home, server.name)
    try:
        if 0 <= now - os.stat(path).st_mtime < FRESH_SECONDS:
            return False
    except OSError:
        pass
    with contextlib.suppress(HostError, OSError):
        found = _ask(server, user, connect)
        moment = datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="seconds")
        text = json.dumps({"time": moment, "server": found.as_dict()}, sort_keys=True)
        with acting_as(user):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            write_atomic(path, text + "\n", 0o600)
            return True
    return False


def requirements_of(
    home: str,
    server: ServerConfiguration,
    backup: Backup,
    user: str,
    connect: Connect | None,
    managers: Sequence[int] | None,
) -> dict[str, Any]:
    """What pgdr.barman.recovery_host compares with the host to recover to. managers: those whose records are replayed, None if unknown."""
    answer: dict[str, Any] = {
        "origin": "",
        "time": "",
        "reason": "",
        "server": None,
        "files": configuration_in(server, backup, user),
        "resource_managers": None if managers is None else list(managers),
    }
    try:
        if server.passive:
            raise HostError("this host has a passive copy and no connection to PostgreSQL")
        if connect is None:
            raise HostError("psycopg 3 is not installed on the backup server")
        found = _ask(server, user, connect)
        if backup.systemid is not None and found.system_identifier != backup.systemid:
            raise HostError(f"the server that answers has another system identifier ({found.system_identifier})")
        return {**answer, "origin": "server", "server": found.as_dict()}
    except HostError as exc:
        reason = str(exc)
    time, recorded = _read(home, server.name, user)
    if recorded is None:
        return {**answer, "reason": f"{reason}, and there is no record of it yet"}
    if backup.systemid is not None and recorded.system_identifier != backup.systemid:
        return {**answer, "reason": f"{reason}, and the record is of another system identifier"}
    return {**answer, "origin": "record", "time": time, "reason": reason, "server": recorded.as_dict()}


def _ask(server: ServerConfiguration, user: str, connect: Connect) -> HostRequirements:
    session = connect(server.conninfo, user, server.name)
    try:
        return ask(session)
    finally:
        session.close()


def _read(home: str, server: str, user: str) -> tuple[str, HostRequirements | None]:
    try:
        with acting_as(user):
            text = read_text(record_file(home, server))
        value = json.loads(text or "null")
        return str(value["time"]), parse(value["server"])
    except (HostError, ValueError, TypeError, KeyError):
        return "", None


def configuration_in(server: ServerConfiguration, backup: Backup, user: str) -> dict[str, dict[str, str]] | None:
    """The settings of host_requirements in the backup's configuration files; None if these can't be read here.

    A backup that is compressed as a tar file, encrypted, of snapshots or in a cloud is not unpacked for that.
    """
    base = server.directory("basebackups_directory")
    data = os.path.join(base, backup.backup_id, "data")
    if "://" in base or not os.path.isfile(os.path.join(data, "PG_VERSION")):
        return None
    try:
        with acting_as(user):
            texts = {name: read_text(os.path.join(data, name)) for name in _FILES}
    except HostError:
        return None
    found: dict[str, dict[str, str]] = {}
    for name, text in texts.items():
        if text is not None:
            values = read_settings(text)
            found[name] = {one: values[one] for one in (*PRELOAD_SETTINGS, *LOCALE_SETTINGS) if one in values}
    return found
