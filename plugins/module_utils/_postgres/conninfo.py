# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters of a connection string, without libpq.

This module util is private to the collection. Connections themselves are made by libpq, which reads the string itself.
"""

from __future__ import annotations

import re

_PAIR = re.compile(r"(\w+)\s*=\s*('(?:\\.|[^'\\])*'|(?:\\.|[^\s\\])*)")


def conninfo_words(text: str) -> dict[str, str]:
    """The keywords and their values. Of a URI, none."""
    if text.lstrip().startswith(("postgres://", "postgresql://")):
        return {}
    return {name: _unquoted(value) for name, value in _PAIR.findall(text)}


def _unquoted(value: str) -> str:
    inner = value[1:-1] if len(value) > 1 and value.startswith("'") else value
    return re.sub(r"\\(.)", r"\1", inner)
