# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings that a data directory's server starts with, whether it runs or not, and what they mean for a recovery.

This module util is private to the collection.
"""

from __future__ import annotations

import glob
import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from .._host.process import Command, Runner, run
from .data_directory import find_bin_directory
from .standby_names import OUR_NAME, StandbyNamesError, parse

# Each with the version that has it first.
RECOVERY_SETTINGS: Mapping[str, int] = MappingProxyType({"allow_alter_system": 17, "synchronous_standby_names": 10})
ARCHIVE_SETTINGS = {"archive_mode": 10, "archive_command": 10, "archive_library": 15}


@dataclass(frozen=True)
class StartSettings:
    """file: the configuration file, "" if none was found. values: those that PostgreSQL reported."""

    file: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AutomaticFile:
    """What is special about postgresql.auto.conf. The restored file belongs to PostgreSQL's user, and has no attributes."""

    owner: str = ""
    immutable: bool = False


def read_start_settings(
    data_directory: str,
    major_version: int,
    user: str,
    bin_directory: str | None = None,
    runner: Runner = run,
    *,
    names: Mapping[str, int] = RECOVERY_SETTINGS,
    configured: Callable[[int], Sequence[str]] = lambda version: sorted(glob.glob(f"/etc/postgresql/{version}/*")),
) -> StartSettings:
    """Ask "postgres -C" for these settings, as the server's user. Raises HostError if PostgreSQL's programs are not there.

    Debian keeps the configuration outside of the data directory.
    """
    program = os.path.join(find_bin_directory(major_version, bin_directory, runner), "postgres")

    def value(directory: str, name: str) -> str | None:
        completed = runner(Command([program, "-D", directory, "-C", name], user=user))
        return completed.stdout.strip() if completed.ok else None

    for directory in [data_directory, *configured(major_version)]:
        file = os.path.join(directory, "postgresql.conf")
        if not os.path.isfile(file):
            continue
        found = data_directory if directory == data_directory else value(directory, "data_directory")
        if found is None or os.path.realpath(found) != os.path.realpath(data_directory):
            continue
        values = {name: value(directory, name) for name, since in names.items() if major_version >= since}
        return StartSettings(file, {name: text for name, text in values.items() if text is not None})
    return StartSettings()


def look_at_automatic_file(data_directory: str, runner: Runner = run) -> AutomaticFile:
    path = os.path.join(data_directory, "postgresql.auto.conf")
    try:
        owner = pwd.getpwuid(os.lstat(path).st_uid).pw_name
    except OSError:
        return AutomaticFile()
    except KeyError:
        owner = str(os.lstat(path).st_uid)
    completed = runner(Command(["lsattr", "-d", "--", path]))
    return AutomaticFile(owner, completed.ok and "i" in completed.stdout.split(" ", 1)[0])


def recovery_problems(settings: StartSettings) -> list[str]:
    """Why a recovery could not be completed with these settings."""
    if settings.values.get("allow_alter_system") != "off":
        return []
    return [
        (
            f"allow_alter_system is off in {settings.file}. After a recovery, nothing could remove the recovery "
            "settings and set "
            "archive_command: the server would run unprotected. Set allow_alter_system = on there, reload PostgreSQL "
            "if it runs, and run the playbook again. Set it off when the recovery is complete"
        )
    ]


def recovery_warnings(automatic: AutomaticFile, user: str) -> list[str]:
    """What a recovery changes about postgresql.auto.conf."""
    found: list[str] = []
    if automatic.immutable:
        found.append("it is immutable (chattr +i)")
    if automatic.owner not in ("", user):
        found.append(f"it belongs to '{automatic.owner}'")
    if not found:
        return []
    return [
        (
            "postgresql.auto.conf: {}. The restored file belongs to '{}' and can be changed: this recovery and later "
            "deployments change it with ALTER SYSTEM. Whatever manages that file must not change it until the recovery "
            "is complete"
        ).format(" and ".join(found), user)
    ]


def synchronous_warnings(settings: StartSettings) -> list[str]:
    """The standbys that commits wait for, beside Barman's receivers: after a recovery they may not follow."""
    text = settings.values.get("synchronous_standby_names", "")
    try:
        others = [name for name in parse(text).names if not OUR_NAME.fullmatch(name)]
    except StandbyNamesError:
        return []
    if not others:
        return []
    return [
        (
            "synchronous_standby_names is '{}'. A standby of the old timeline can't follow a server that was recovered "
            "to an earlier point, and every commit hangs until the standby is built again. If {} may be such a "
            "standby, remove it from that setting when PostgreSQL runs again. The recovery tests a commit at its end"
        ).format(text, ", ".join(others))
    ]
