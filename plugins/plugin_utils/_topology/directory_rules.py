# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that Barman must not own: a directory of the system becomes Barman's with mode 0750, and everything else there stops.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._host.paths import normal_path
from ...module_utils._host.system_directories import SYSTEM_DIRECTORIES

#: Nothing below these can be Barman's: a file system of the kernel, one that is empty after a restart, or somebody else's private directory.
_CLOSED = (
    "/boot",
    "/dev",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/var/lock",
    "/var/run",
    "/var/tmp",
    "/root",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/sbin",
    "/lost+found",
    "/var/lib/postgresql",
    "/var/lib/pgsql",
    "/var/lib/dpkg",
    "/var/lib/apt",
    "/var/lib/rpm",
    "/var/lib/systemd",
)
#: Backups are not configuration.
_NO_DATA = ("/etc", "/usr")


def unfit(path: str, *, data: bool = True) -> str | None:
    """Why Barman can't have that absolute path for itself; None if it can. data: it holds backups or WAL."""
    if path != normal_path(path):
        return f"is {path}, which is {normal_path(path)} written differently"
    if path in SYSTEM_DIRECTORIES:
        return f"is {path}, a directory of the system: it would belong to Barman, and nobody else could read it"
    above = _inside(path, (*_CLOSED, *(_NO_DATA if data else ())))
    return None if above is None else f"is {path}, and {above} is not for Barman"


def _inside(path: str, tops: Iterable[str]) -> str | None:
    return next((top for top in tops if path.startswith(top + "/")), None)
