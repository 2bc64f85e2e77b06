# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a deployment finds on a host before it changes anything, and what an existing Barman has there.

That is its configuration, the directories that are in use, and the lines of cron.
This module util is private to the collection. It changes nothing, and Barman is not run.
"""

from __future__ import annotations

import glob
import os
import pwd
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._barman import configuration
from .._barman.configuration import ConfigurationError
from .._barman.option_table import DIRECTORIES
from .._host.authorized_keys import users_with_lines
from .._host.files import names_in, read_text, walk
from .._host.installed import inactive_services, missing_packages, missing_paths, missing_users
from .._host.paths import normal_path
from .._host.process import HostError
from .._host.record import is_recorded, read_record
from .._host.result import Result
from . import schedule_file
from .adoption import DeclaredBarman, DeclaredEntry, ExistingBarman, Home, foreign_schedules, problems_of, warnings_of
from .entries import MARK
from .program_files import is_current as program_is_current

CRON_FILES = ("/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/*")
#: The unit of a timer has the same name.
TIMERS = ("/etc/systemd/system/*.timer",)
PACKAGE_SCHEDULE = "/etc/cron.d/barman"
#: What Barman itself makes in a directory without a backup or WAL.
_EMPTY = ("identity.json", "xlog.db")


def host_state(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module host_state."""
    values: dict[str, Any] = {
        "missing_packages": missing_packages(params["packages"], params["os_family"]),
        "missing_users": missing_users(params["users"]),
        "missing_paths": missing_paths(params["paths"]),
        "inactive_services": inactive_services(params["services"]),
        "ssh_trust_users": users_with_lines(params["ssh_users"]),
        "ssh_recorded": is_recorded(read_record(), params["ssh_users"]),
        "schedule_is_current": None,
        "program_is_current": None,
        "problems": [],
    }
    if params["schedule_lines"] is not None:
        values["schedule_is_current"] = schedule_file.is_current(schedule_file.PATH, params["schedule_lines"])
    if params["program"] is not None:
        values["program_is_current"] = program_is_current(params["program"])
    if params["barman"] is None:
        return Result(values=values)
    try:
        values["problems"], warnings = compare_existing(params["barman"])
    except HostError as exc:
        return Result(values={**values, "problems": [str(exc)]}, failure=str(exc))
    if not values["problems"]:
        return Result(values=values, warnings=warnings)
    listed = "\n".join(f"- {problem}" for problem in values["problems"])
    failure = f"An existing Barman would lose settings or servers, so nothing was changed on any host:\n{listed}"
    return Result(values=values, warnings=warnings, failure=failure)


def compare_existing(declared: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Problems and warnings of the declared Barman on this host. Raises HostError if a file can't be read."""
    entries = [DeclaredEntry(item["name"], item["options"], item["given"]) for item in declared["servers"]]
    barman = DeclaredBarman(declared["global_options"], entries, declared["given"], declared["adopt"])
    return compare(barman, declared["barman_user"], declared["config_file"])


def compare(
    declared: DeclaredBarman,
    user: str,
    config_file: str | None,
    cron_files: Sequence[str] = CRON_FILES,
    timers: Sequence[str] = TIMERS,
) -> tuple[list[str], list[str]]:
    """Problems and warnings of the declared configuration on this host. Raises HostError if a file can't be read."""
    existing = read_existing(config_file, user)
    home = read_home(str(declared.global_options.get("barman_home") or ""))
    units = [path[: -len("timer")] + "service" for path in files_of(timers)]
    found = {path: read_text(path) or "" for path in [*files_of(cron_files), *units]}
    return (
        problems_of(existing, home, declared),
        [*warnings_of(existing, declared), *foreign_schedules(found, PACKAGE_SCHEDULE, schedule_file.PATH)],
    )


def read_existing(config_file: str | None, user: str) -> ExistingBarman | None:
    """The Barman of this host; None if it has no configuration. Raises ConfigurationError if it can't be read."""
    try:
        configuration.main_file(config_file, configuration.candidates(user))
    except ConfigurationError:
        return None
    found = configuration.read(config_file, user)
    ours = [name for name, server in found.servers.items() if (read_text(server.file) or "").startswith(MARK)]
    paths = {server.directory(option) for server in found.servers.values() for option in DIRECTORIES}
    return ExistingBarman(found, ours, {path for path in paths if is_filled(path)})


def read_home(path: str) -> Home | None:
    """The directory; None if it does not exist."""
    path = normal_path(path) if path else path
    try:
        uid = os.stat(path).st_uid
    except OSError:
        return None
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = str(uid)
    return Home(path, owner, len([name for name in names_in(path) if name != "lost+found"]))


def is_filled(path: str) -> bool:
    """Whether any file of a backup or of WAL is below it. Raises HostError if a directory can't be read."""
    return any(
        not name.startswith(".") and name not in _EMPTY for _top, _directories, names in walk(path) for name in names
    )


def files_of(patterns: Iterable[str]) -> list[str]:
    """The files that match one of these patterns."""
    return sorted({path for pattern in patterns for path in glob.glob(pattern) if os.path.isfile(path)})
