# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reporting the servers of a backup host.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.configuration import read
from .._host.result import Result
from .._postgres.connection import psycopg_is_there
from .._postgres.questions import ask_all
from .faults import all_faults, disk_faults
from .information import disk_facts, fault_facts, iso, server_facts
from .limits import limits_from
from .observe import observe_host


def show_servers(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module server_info. Raises HostError."""
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    warnings = []
    ask = ask_all if params["query_postgresql"] else None
    if ask is not None and not psycopg_is_there():
        ask = None
        warnings.append("psycopg 3 is not installed on this host, so the module did not query PostgreSQL")
    host = observe_host(barman, ask, params["servers"], timeout=params["timeout"])
    faults = all_faults(host, limits_from(params))
    values = {
        "servers": {
            name: {**facts, "faults": fault_facts(faults.get(name, ()))}
            for name, facts in server_facts(host, configuration.global_options).items()
        },
        "disks": disk_facts(host.disks),
        "disk_faults": fault_facts(disk_faults(host.disks)),
        "time": iso(host.time),
    }
    return Result(values=values, warnings=warnings)
