# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the result of a query is the expected one.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

Rows = Sequence[Sequence["str | None"]]

_LONGEST = 300


def as_expected(rows: Rows, expect: Any) -> bool:
    """Whether the rows are the expected ones.

    A scalar stands for one row of one column; a list for one column, or for one row; a list of lists for rows.
    """
    if not isinstance(expect, list):
        return len(rows) == 1 and len(rows[0]) == 1 and _same(rows[0][0], expect)
    if any(isinstance(row, list) for row in expect):
        expected = [row if isinstance(row, list) else [row] for row in expect]
    elif len(rows) == 1 and len(rows[0]) != 1:
        expected = [expect]
    else:
        expected = [[value] for value in expect]
    return len(rows) == len(expected) and all(
        len(row) == len(values) and all(_same(one, value) for one, value in zip(row, values))
        for row, values in zip(rows, expected)
    )


def _same(value: str | None, expect: Any) -> bool:
    if value is None or expect is None:
        return value is None and expect is None
    if isinstance(expect, bool):
        return value == ("t" if expect else "f")
    text = str(expect)
    if value == text:
        return True
    try:
        return Decimal(value) == Decimal(text)
    except InvalidOperation:
        return False


def rows_text(rows: Rows) -> str:
    """The rows for a message; a single value without its row."""
    value: Any = rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows
    text = json.dumps(value)
    return text if len(text) < _LONGEST else text[:_LONGEST] + " …"
