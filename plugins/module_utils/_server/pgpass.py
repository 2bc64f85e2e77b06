# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The password file of Barman's user.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.configuration import read
from .._host.result import Result
from .._postgres.password_file import PasswordConnection, apply, observe, plan, require_lines
from .entry_connections import undeclared_connections


def set_lines(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module pgpass. Lines that undeclared entries need stay. Raises HostError."""
    lines, user = params["lines"], params["user"]
    require_lines(lines)
    stays: list[PasswordConnection] = []
    if params["declared"] is not None:
        stays = undeclared_connections(read(params["config_file"], user), params["declared"], user)
    file = observe(user)
    planned = plan(file.text, lines, stays)
    if not check_mode:
        apply(file, planned)
    values = {"path": file.path, "kept": [str(line) for line in planned.kept]}
    return Result(planned.changed or not file.access, values)
