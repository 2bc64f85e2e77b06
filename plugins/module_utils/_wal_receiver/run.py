# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting, stopping and resetting WAL receivers.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.configuration import read
from .._host.result import Result, per_server
from .._postgres.connection import connect, require_psycopg
from .wal_receiver import Receiver, streaming_servers


def set_receivers(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module wal_receiver, one server after the other. Raises HostError."""
    require_psycopg()
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    names = params["servers"] if params["servers"] is not None else streaming_servers(configuration)
    outcomes = {
        server.name: Receiver(barman, configuration, server, connect, params["timeout"]).run(
            params["state"],
            params["reset"],
            check_mode,
            params["synchronous"],
            params["archiving_takes_over"],
            params["former_slots"].get(server.name, ()),
        )
        for server in [configuration.server(name) for name in names]
    }
    for name, outcome in outcomes.items():
        if outcome.values.get("backup_needed"):
            outcome.warnings.append(
                "WAL of server '%s' is missing since its last backup: take a new base backup" % name
            )
    return per_server(outcomes)
