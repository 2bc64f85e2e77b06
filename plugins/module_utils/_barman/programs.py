# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that Barman runs and does not bring along.

This module util is private to the collection. Packages of Barman depend on them. Barman from PyPI does not, and fails in the middle of its work.
"""

from __future__ import annotations

from .._host.process import HostError
from .command import Barman
from .versions import FILE_PROGRAM, Version, format_version


def missing_program(barman: Barman, version: Version) -> str:
    """Which program Barman of that version runs and this host lacks, and what to do; "" if none is missing. Source: barman/encryption.py."""
    if version < FILE_PROGRAM:
        return ""
    try:
        barman.command(["file", "--version"])
    except HostError:
        return (
            f"Barman {format_version(version)} runs the program file to find out whether WAL is encrypted, and this host "
            "does not have it: install the package file"
        )
    return ""
