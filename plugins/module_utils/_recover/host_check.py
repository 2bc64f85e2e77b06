# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host can take a restored cluster: its settings, its directories, and what the server that is recovered requires.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from shutil import which
from typing import Any

from .._host.process import run
from .._host.result import Result
from .._postgres.host_comparison import Comparison, compare_this_host, restored_from, would_start
from .._postgres.start_settings import (
    look_at_automatic_file,
    read_start_settings,
    recovery_problems,
    recovery_warnings,
    synchronous_warnings,
)
from .destination import Destination
from .layout import layout_problems


def check_host(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module recovery_host. Raises HostError."""
    directory, version = params["data_directory"], params["postgres_version"]
    user, programs = params["user"], params["bin_directory"]
    settings = read_start_settings(directory, version, user, programs)
    automatic = look_at_automatic_file(directory)
    problems = recovery_problems(settings)
    if params["check_layout"]:
        destination = Destination(directory, tablespaces=params["tablespaces"])
        problems = [
            *problems,
            *copy_problems(which),
            *layout_problems(destination, version, params["wal_directory"], user, run),
        ]
    comparison = Comparison()
    starts: list[str] = []
    if params["requirements"] is not None:
        restored = restored_from(params["requirements"])
        starts = would_start(restored)
        comparison = compare_this_host(
            restored, data_directory=directory, major_version=version, user=user, bin_directory=programs, runner=run
        )
    problems = [*problems, *comparison.problems]
    warnings = [
        *recovery_warnings(automatic, user),
        *synchronous_warnings(settings),
        *comparison.warnings,
        *(f"not compared before the recovery begins: {one}" for one in comparison.not_compared),
    ]
    values = {
        "config_file": settings.file,
        "settings": dict(settings.values),
        "not_compared": comparison.not_compared,
        "starts": starts,
    }
    if problems:
        return Result(failure="\n".join(problems))
    return Result(values=values, warnings=warnings)


def copy_problems(find: Callable[[str], str | None]) -> list[str]:
    """What Barman lacks on this host to copy to it. find: the path of a program, as shutil.which."""
    if find("rsync"):
        return []
    return ["this host does not have the program rsync, which Barman copies with. Install the package rsync"]
