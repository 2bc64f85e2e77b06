# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setting archive_command on a PostgreSQL server, and proving that it archives.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._host.process import HostError, run
from .._host.result import Result
from .._postgres.connection import require_psycopg
from .._postgres.login import logged_in
from .command import ArchiveTarget
from .configure import configure
from .plan import DesiredArchiving


def set_archive_command(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module archive_command."""
    try:
        require_psycopg()
        with logged_in(params) as session:
            answer = configure(
                session,
                run,
                params["user"],
                desired_from(params),
                params["barman_version"],
                params["timeout"],
                check_mode=check_mode,
            )
    except HostError as exc:
        return Result(values={"error_kind": exc.kind}, failure=str(exc))
    return Result(answer.pop("changed"), diff=answer.pop("diff"), values=answer)


def desired_from(params: Mapping[str, Any]) -> DesiredArchiving:
    if params["state"] == "absent":
        return DesiredArchiving(None, overwrite=params["overwrite"])
    target = ArchiveTarget(
        server=params["server"],
        host=params["host"],
        port=params["port"],
        user=params["remote_user"],
        method=params["method"],
        compression=params["compression"],
        directory=params["incoming_directory"],
    )
    return DesiredArchiving(target, params["archive_mode"], params["archive_timeout"], params["overwrite"])
