# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Barman protects a server, and with what.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.configuration import read
from .._host.process import HostError
from .._host.result import Result
from .._postgres.connection import connect, require_psycopg
from .protection import ExpectedServer, Protection, as_result, entry_problems


def show_protection(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module protection_info. Raises HostError."""
    require_psycopg()
    configuration = read(params["config_file"], params["barman_user"])
    if params["system_identifier"] is None and params["server"] not in configuration.servers:
        return Result()
    server = configuration.server(params["server"])
    problems = entry_problems(server, params["declared"], parse_conninfo)
    if problems:
        raise HostError("\n".join(problems))
    warnings = []
    if not server.flag("active", default=True):
        warnings.append(
            f"Barman's server '{server.name}' is inactive (active = false in {server.file}): it receives nothing and "
            "takes no backups, so a recovered server is not "
            "protected before it is active"
        )
    if params["system_identifier"] is None:
        return Result(warnings=warnings)
    expected = ExpectedServer(params["system_identifier"], params["timeline"], params["backup_id"])
    observed, missing = Protection(barman_from(params), server, connect).prove(expected, params["timeout"])
    # Without a requested backup, only the rest must exist.
    failed = missing and not (params["backup_id"] is None and len(missing) == 1)
    return Result(
        values={"protected": not missing, "missing": missing, "protection": as_result(expected, observed)},
        warnings=warnings,
        failure="\n".join(missing) if failed else None,
    )


def parse_conninfo(text: str) -> dict[str, Any]:
    """The words of a connection string. Raises HostError without repeating it: it may have a password."""
    import psycopg
    import psycopg.conninfo

    try:
        return dict(psycopg.conninfo.conninfo_to_dict(text))
    except psycopg.Error:
        raise HostError("a connection string in Barman's entry or in 'declared' can't be read") from None
