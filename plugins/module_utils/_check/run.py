# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checking Barman's servers.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.configuration import read
from .._host.result import Result
from .._postgres.connection import connect, psycopg_is_there
from .._postgres.questions import ask_all
from .check import key_of
from .servers import check_servers
from .undeclared import Declared, find_undeclared, undeclared_checks, with_checks
from .unused_slots import find_unused_slots


def check(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module check. Raises HostError."""
    barman = barman_from(params)
    answer = check_servers(
        barman,
        params["servers"],
        params["ignore"],
        params["timeout"],
        params["jobs"],
        check_mode=check_mode,
        connect=connect if psycopg_is_there() else None,
        ask=ask_all if psycopg_is_there() else None,
        patience=params["unreachable_timeout"],
        synchronous=params["synchronous"],
        drill_maximum_age={name: int(seconds) for name, seconds in params["drill_maximum_age"].items()},
        verification_maximum_age={name: int(seconds) for name, seconds in params["verification_maximum_age"].items()},
    )
    if params["declared"] is not None:
        ignored = {key_of(name) for name in params["ignore"]}
        undeclared = find_undeclared(barman, Declared(params["declared"], params["declared_hosts"]))
        answer = with_checks(answer, undeclared_checks(undeclared), ignored)
        if psycopg_is_there():
            configuration = read(barman.config_file, barman.user)
            answer = with_checks(answer, find_unused_slots(configuration, answer, barman.user, ask_all), ignored)
    if not answer["barman_checked"]:
        warning = "'barman check' makes changes, so the module did not run it in check mode and only read files"
        return Result(values=answer, warnings=[warning])
    failed = not answer["ok"] and params["fail_on_error"]
    return Result(values=answer, failure="; ".join(answer["problems"]) if failed else None)
