# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block of this collection's lines in a file that others write, too.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Sequence

from .process import HostError

BEGIN, END = "# BEGIN pgdr.barman", "# END pgdr.barman"


def split_block(lines: Sequence[str], what: str) -> tuple[list[str], list[str] | None, list[str]]:
    """The lines before the block, those in it, and those after it. Without a block: all lines, None, and none.

    what: the file, as the beginning of an error. Raises HostError if the block has no end or no begin.
    """
    begins = [number for number, line in enumerate(lines) if line == BEGIN]
    ends = [number for number, line in enumerate(lines) if line == END]
    if len(begins) > 1 or len(begins) != len(ends) or (begins and begins[0] > ends[0]):
        raise HostError(
            f"{what} has {len(begins)} lines '{BEGIN}' and {len(ends)} lines '{END}': remove these lines and the "
            "lines between them, and run the "
            "playbook again"
        )
    if not begins:
        return list(lines), None, []
    return list(lines[: begins[0]]), list(lines[begins[0] + 1 : ends[0]]), list(lines[ends[0] + 1 :])
