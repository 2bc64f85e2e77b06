# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adding to the record of a host, and removing what it has.

This module util is private to the collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .record import (
    PATH,
    HostRecord,
    SshRemoval,
    apply_removal,
    as_plain,
    missing_ssh_files,
    plan_removal,
    read_record,
    remove_record,
    write_record,
)
from .result import Result, file_diff


def change_record(params: Mapping[str, Any], *, check_mode: bool, path: str = PATH) -> Result:
    """The operation of the module host_record. Raises HostError."""
    before = read_record(path)
    if params["state"] == "absent":
        return _remove(before, check_mode=check_mode, path=path)
    after = (
        before.with_packages(params["packages"])
        .with_missing(missing_ssh_files(params["ssh_users"]))
        .with_keys(params["ssh_keys"])
        .with_settings(params["port"], params["settings"])
        .with_roles(params["port"], params["roles"])
    )
    if after != before and not check_mode:
        write_record(after, path)
    return _result(before, after, SshRemoval(), path=path)


def _remove(before: HostRecord, *, check_mode: bool, path: str) -> Result:
    removal = plan_removal(before)
    # What is left is not this collection's any more.
    after = HostRecord(before.packages, {}, before.settings, before.roles)
    ends = after.is_empty
    if not check_mode:
        apply_removal(removal)
        if ends:
            remove_record(path)
        elif after != before:
            write_record(after, path)
    return _result(before, HostRecord() if ends else after, removal, path=path, packages=before.packages)


def _result(
    before: HostRecord, after: HostRecord, removal: SshRemoval, *, path: str, packages: tuple[str, ...] | None = None
) -> Result:
    shown = as_plain(after)
    values = {
        "record": shown if packages is None else {**shown, "packages": list(packages)},
        "removed": [name for _user, name in removal.paths],
        "left": list(removal.left),
    }
    diff = [file_diff(path, *(json.dumps(as_plain(one), indent=2, sort_keys=True) + "\n" for one in (before, after)))]
    return Result(before != after or bool(removal.paths), values, diff=diff)
