# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of Barman's configuration as Ansible shows them, without secrets.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from .._barman.masking import mask
from .._barman.option_table import SECRET_OPTIONS
from .entries import FileChange
from .ini_text import section_of


def masked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for output, without their passwords."""
    return {
        name: mask(f"{name} = {value}").partition(" = ")[2]
        if name in SECRET_OPTIONS or isinstance(value, str)
        else value
        for name, value in options.items()
    }


def diff(changes: Iterable[FileChange]) -> list[dict[str, str]]:
    """For Ansible's --diff: each file before and after, without passwords."""
    found = []
    for change in changes:
        before, after = mask(change.before or ""), mask(change.after or "")
        if before == after and change.before != change.after:
            after += "# a password differs (not shown)\n"
        elif before == after:
            before += "# owner or mode differs\n"
        found.append(
            {
                "before_header": change.path if change.before is not None else f"{change.path} (absent)",
                "after_header": change.path if change.after is not None else f"{change.path} (absent)",
                "before": before,
                "after": after,
            }
        )
    return found


def replaced_options(change: FileChange) -> tuple[str, dict[str, str], dict[str, str]] | None:
    """The server of an entry of ours that is replaced, and its options before and after; None for any other change."""
    if change.before is None or change.after is None or not change.entry:
        return None
    name = os.path.basename(change.path)[: -len(".conf")]
    return name, section_of(change.before, name), section_of(change.after, name)
