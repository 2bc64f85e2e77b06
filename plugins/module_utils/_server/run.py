# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuring Barman and its servers.

This module util is private to the collection.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .._barman.arguments import barman_from
from .._host.process import HostError
from .._host.result import Result
from .entries import DesiredConfiguration, DesiredEntry
from .report import diff, masked_options
from .staging import ensure
from .undeclared import undeclared_of


def configure(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module server. Raises HostError; then nothing was changed."""
    if params["prune"] and not params["servers"] and not params["allow_empty"]:
        raise HostError(
            "an empty list of servers would remove every entry (prune): set barman_allow_empty: true if this is "
            "intended (option allow_empty of the module)"
        )
    stamp = time.strftime("%Y%m%dT%H%M%S")
    directory = params["configuration_directory"]
    outcome = ensure(barman_from(params), desired_from(params), directory, stamp, check_mode=check_mode)
    undeclared = undeclared_of(outcome.answer.get("unlisted", ()), params["declared_hosts"])
    warnings = [*outcome.warnings, *("server '{name}': {hint}".format(**item) for item in undeclared)]
    if outcome.problems:
        return Result(
            values={"problems": outcome.problems},
            warnings=warnings,
            failure=f"Barman's configuration was not changed: {'; '.join(outcome.problems)}",
        )
    return Result(
        changed=outcome.plan.changed,
        values={**outcome.answer, "undeclared": undeclared},
        warnings=warnings,
        diff=diff(outcome.plan.changes),
    )


def desired_from(params: Mapping[str, Any]) -> DesiredConfiguration:
    return DesiredConfiguration(
        [
            DesiredEntry(item["name"], item["options"], item["state"] == "present", item["host"], item["merge"])
            for item in params["servers"]
        ],
        global_options=params["global_options"],
        prune=params["prune"],
        adopt=params["adopt"],
        keep=params["keep"],
        handover=params["handover"],
    )


def without_secrets(params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the passwords in connection strings masked."""
    servers = [{**item, "options": masked_options(item["options"])} for item in params["servers"]]
    return {**params, "servers": servers, "global_options": masked_options(params["global_options"] or {})}
