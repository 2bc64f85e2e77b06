# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copying what passive servers lack.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._barman.configuration import read
from .._host.result import Result, per_server
from .synchronisation import SyncRequest, parse_up_to, passive_servers, synchronise


def sync(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module sync. Raises HostError."""
    up_to = None if params["up_to"] is None else parse_up_to(params["up_to"])
    barman = barman_from(params)
    configuration = read(params["config_file"], params["barman_user"])
    names = params["servers"] if params["servers"] is not None else passive_servers(configuration)
    servers = [configuration.server(name) for name in names]
    request = SyncRequest(params["timeout"], params["max_lag"], up_to, params["recoverable"])
    return per_server(synchronise(barman, configuration, servers, request, check_mode=check_mode))
