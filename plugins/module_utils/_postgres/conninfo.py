# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters of a connection string, without libpq.

This module util is private to the collection. Connections themselves are made by libpq, which reads the string itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PAIR = re.compile(r"(\w+)\s*=\s*('(?:\\.|[^'\\])*'|(?:\\.|[^\s\\])*)")


def conninfo_words(text: str) -> dict[str, str]:
    """The keywords and their values. Of a URI, none."""
    if text.lstrip().startswith(("postgres://", "postgresql://")):
        return {}
    return {name: _unquoted(value) for name, value in _PAIR.findall(text)}


def conninfo_text(words: Mapping[str, str]) -> str:
    """The connection string with these keywords and values."""
    return " ".join(f"{name}={_quoted(value)}" for name, value in words.items())


def hosts_of(words: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same parameters for each of several hosts alone, in their order; one for a single host.

    libpq tries the hosts one after the other, so one that does not answer can use up the time of all.
    """
    lists = {name: str(words[name]).split(",") for name in ("host", "hostaddr", "port") if words.get(name)}
    number = max((len(lists[name]) for name in ("host", "hostaddr") if name in lists), default=1)
    found = []
    for index in range(number):
        own = {
            name: values[index if len(values) > 1 else 0]
            for name, values in lists.items()
            if len(values) in (1, number)
        }
        found.append({**words, **own})
    return found


def _quoted(value: str) -> str:
    if value and not any(mark in value for mark in " '\\"):
        return value
    return "'{}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))


def _unquoted(value: str) -> str:
    inner = value[1:-1] if len(value) > 1 and value.startswith("'") else value
    return re.sub(r"\\(.)", r"\1", inner)
