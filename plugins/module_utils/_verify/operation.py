# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of the module verify_recovery.

This module util is private to the collection.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from .._host.process import HostError, run
from .._host.result import Result
from .._postgres.wal import WalError, parse_lsn
from .observe import prepare_directory
from .request import VerificationQuery, VerificationRequest
from .run import VerificationEnvironment, query_running, verify_recovery


def verify(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """Verify what was recovered, or query it as it runs. Raises HostError."""
    others = [name for name in ("promote", "checksums", "target_lsn", "settings") if params[name]]
    if params["running"] and others:
        raise HostError(f"running: nothing is started, so {', '.join(others)} can't be given beside it")
    signal.signal(signal.SIGTERM, _terminated)
    request = request_from(params)
    if params["running"]:
        return Result(values={"test": query_running(request, VerificationEnvironment())})
    if check_mode:
        prepared = prepare_directory(request, run)
        return Result(changed=True, values={"test": {"data_directory": prepared.path, "target": dict(prepared.target)}})
    return Result(changed=True, values={"test": verify_recovery(request, VerificationEnvironment())})


def request_from(params: Mapping[str, Any]) -> VerificationRequest:
    """The request, from the arguments of the module. Raises HostError."""
    if params["target_lsn"] is not None:
        try:
            parse_lsn(params["target_lsn"])
        except WalError as exc:
            raise HostError(f"target_lsn: {exc}") from None
    queries = tuple(
        VerificationQuery(item["query"], item["database"], item["expect"], item["expect"] is not None)
        for item in params["queries"]
    )
    return VerificationRequest(
        data_directory=params["data_directory"],
        bin_directory=params["bin_directory"],
        user=params["user"],
        database_user=params["database_user"],
        target_lsn=params["target_lsn"],
        promote=params["promote"],
        checksums=params["checksums"],
        queries=queries,
        settings={name: str(value) for name, value in params["settings"].items()},
        timeout=params["timeout"],
        leave_locked=params["locked_queries"] == "leave",
    )


def _terminated(number: int, frame: object) -> None:
    raise HostError(f"the test was ended by signal {number}; its server is stopped")
