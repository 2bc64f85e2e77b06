# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of the module existing_barman.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.versions import format_version
from .._host.process import HostError
from .._host.result import Result
from .._postgres.connection import require_psycopg
from .._postgres.questions import ask_all
from .observe import observe


def describe_existing(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """What is there. A missing psycopg, or a Barman that does not report its version, is no failure. Raises HostError."""
    problem = None
    if params["query_postgresql"]:
        try:
            require_psycopg()
        except HostError as exc:
            problem = str(exc)
    ask = ask_all if params["query_postgresql"] and problem is None else None
    found = observe(params["config_file"], params["barman_user"], ask=ask, timeout=params["timeout"])
    found["postgresql_problem"] = problem or found["postgresql_problem"]
    try:
        version = format_version(barman_from({**params, "barman_user": found["user"]}).version)
    except HostError:
        version = None
    return Result(values={"barman": {"version": version, **found}})
