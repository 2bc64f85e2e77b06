# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a recovery beside its data directory, as the module recovery_record reads and writes it.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._host.process import run
from .._host.result import Result
from . import recovery_record
from .recovery_record_files import RecordFiles


def keep_record(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module recovery_record. Raises HostError."""
    # PostgreSQL may be given a link; the record is beside the directory.
    directory = params["data_directory"]
    directory = os.path.realpath(directory) if os.path.isabs(directory) else directory
    request = recovery_record.Request(
        event=recovery_record.RecordEvent(params["state"]),
        data_directory=directory,
        run=params["run"] or "",
        service=params["service"] or "",
        server=params["server"],
        backup_id=params["backup_id"],
        target=params["target"],
        now=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        moves=tuple((one["from"], one["to"]) for one in params["moves"]),
    )
    applied = RecordFiles(directory, run).apply(request, check_mode=check_mode)
    return Result(applied.changed, recovery_record.as_result(applied.record, applied.exists, applied.path))
