# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings in one of PostgreSQL's configuration files.

This module util is private to the collection.
"""

from __future__ import annotations

import re

_SETTING = re.compile(r"^\s*([A-Za-z_.]+)\s*[=\s]\s*(?:'((?:[^']|'')*)'|([^'#\s]+))")


def read_settings(text: str) -> dict[str, str]:
    """The settings in a configuration file; of several the last counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _SETTING.match(line)
        if match is not None:
            name, quoted, plain = match.groups()
            found[name] = plain if quoted is None else quoted.replace("''", "'")
    return found
