# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host has installed: packages, users, paths and services.

This module util is private to the collection. What is reported as missing is left to Ansible's own modules to install: so whatever is not known
counts as missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from .process import Command, HostError, Runner, lookup_user, run

#: A plain name, as the package databases have it. A version, an architecture, a pattern or a group is for apt and dnf to understand.
_PACKAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_TIMEOUT = 60.0


def missing_packages(names: Sequence[str], os_family: str, runner: Runner = run) -> list[str]:
    """The packages that the package database does not report as installed. Source: dpkg-query(1), rpm(8)."""
    if os_family == "Debian":
        installed = _installed_with_dpkg(names, runner)
    elif os_family == "RedHat":
        installed = {name for name in names if _is_installed_with_rpm(name, runner)}
    else:
        installed = set()
    return [name for name in names if name not in installed]


def _installed_with_dpkg(names: Sequence[str], runner: Runner) -> set[str]:
    plain = [name for name in names if _PACKAGE_NAME.fullmatch(name)]
    if not plain:
        return set()
    try:
        # The exit code is 1 if one of them is unknown; the others are on stdout.
        completed = runner(
            Command(
                ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n", *plain], timeout=_TIMEOUT
            )
        )
    except HostError:
        return set()
    lines = [line.split() for line in completed.stdout.splitlines()]
    return {line[1] for line in lines if len(line) == 2 and line[0] == "installed"}


def _is_installed_with_rpm(name: str, runner: Runner) -> bool:
    try:
        return runner(Command(["rpm", "--query", "--whatprovides", "--", name], timeout=_TIMEOUT)).ok
    except HostError:
        return False


def missing_users(names: Sequence[str]) -> list[str]:
    """The users that the host does not have."""
    return [name for name in names if not _user_exists(name)]


def _user_exists(name: str) -> bool:
    try:
        lookup_user(name)
    except HostError:
        return False
    return True


def missing_paths(paths: Sequence[str]) -> list[str]:
    """The paths that do not exist."""
    return [path for path in paths if not os.path.exists(path)]


def inactive_services(names: Sequence[str], runner: Runner = run) -> list[str]:
    """The units of systemd that do not run, or do not start with the host. Source: systemctl(1), show."""
    return [name for name in names if not _is_active(name, runner)]


def _is_active(name: str, runner: Runner) -> bool:
    argv = ["systemctl", "show", "--property=ActiveState", "--property=UnitFileState", "--", name]
    try:
        completed = runner(Command(argv, timeout=_TIMEOUT))
    except HostError:
        return False
    return {"ActiveState=active", "UnitFileState=enabled"} <= set(completed.stdout.split())
