# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and writing what the playbooks showed about the architecture.

This module util is private to the collection. The file is in Barman's home on one backup server, and belongs to Barman's user. So a controller
that loses its files, such as a container, finds it again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._barman.configuration import candidates, read
from .._host.files import read_text, write_atomic
from .._host.identity import acting_as
from .._host.installed import missing_users
from .._host.result import Result, file_diff
from .._host.safe_files import writing_as
from .record import FILE, AdviceRecord, ShownFinding, parse_record, plan_record


def keep_advice(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module advice_record. Raises HostError."""
    user = params["barman_user"]
    given = params["findings"]
    findings = None if given is None else [ShownFinding(one["code"], one["subject"]) for one in given]
    path = _path(params["config_file"], user)
    text = None
    if path:
        with acting_as(user):
            text = read_text(path)
    current = AdviceRecord() if text is None else parse_record(text, path)
    plan = plan_record(current, findings, params["forecasts"])
    changed = bool(path) and plan.record != current
    if changed and not check_mode:
        with writing_as(user, path):
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            write_atomic(path, plan.record.as_text(), 0o600)
    return Result(
        changed=changed,
        values={
            "path": path,
            "new_findings": [one.as_dict() for one in plan.new],
            "forecasts": [dict(one) for one in plan.record.forecasts],
        },
        diff=file_diff(path, text or "", plan.record.as_text()) if changed else None,
    )


def _path(config_file: str | None, user: str) -> str:
    """The file; empty if Barman is not installed on this host yet. Raises HostError if its configuration can't be read."""
    places = [config_file] if config_file else candidates(user)
    if missing_users([user]) or not any(map(os.path.exists, places)):
        return ""
    return os.path.join(read(config_file, user).home, FILE)
