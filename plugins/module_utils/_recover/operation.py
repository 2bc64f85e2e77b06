# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of the module recover.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.configuration import read
from .._host.process import run
from .._host.result import Result
from .._postgres.connection import connect, psycopg_is_there
from .activation import activated
from .prepare import RecoveryEnvironment
from .request import request_from
from .run import recover


def recover_server(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Recover a server. Raises HostError."""
    request = request_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    with activated(barman_from(params), configuration, params["server"]) as (barman, active):
        environment = RecoveryEnvironment(barman, active, run, connect=connect if psycopg_is_there() else None)
        outcome = recover(request, environment, check_mode=check_mode)
    values = {
        "recovery": outcome.recovery,
        "moved_aside": outcome.moved_aside,
        "destination": outcome.destination,
    }
    return Result(outcome.changed, values, warnings=outcome.warnings)
