# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values in the text form of their type, as surveys and the command line give them.

Private to the collection. Pure: no Ansible, no input or output. Each function takes a value of the type, or its text, and returns
the value. Each raises TextError if the value is neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

_TRUE = frozenset(("true", "yes", "on", "1", "y", "t"))
_FALSE = frozenset(("false", "no", "off", "0", "n", "f"))
_NUMBER = re.compile(r"[+-]?\d+")
_SEPARATOR = re.compile(r"[,\n\r]")
_PAIR = re.compile(r"\s*([^=\s][^=]*?)\s*=\s*(.*?)\s*")


class TextError(ValueError):
    """A text that is not the type's: what is wrong with it, and what to write instead."""

    def __init__(self, message: str, instead: str) -> None:
        super().__init__(message)
        self.message = message
        self.instead = instead


def is_absent(value: Any) -> bool:
    """Whether an optional answer is empty: null, or a text of blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise TextError(f"is {describe(value)} and neither true nor false", "write true or false")


def to_int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value)
    raise TextError(f"is {describe(value)} and no whole number", "write a whole number")


def to_str(value: Any) -> str:
    if isinstance(value, str):
        return str(value).strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, date):
        # A time without quotes in YAML. AWX writes the answers of surveys so that ansible-core 2.19 and later read one, too.
        return str(value)
    raise TextError(f"is {describe(value)} and no text", "write a text")


def to_list(value: Any) -> list[Any]:
    """A list; its text is JSON, or items separated by commas or lines."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if not isinstance(value, str):
        raise TextError(f"is {describe(value)} and no list", "write a list")
    text = value.strip()
    if text.startswith("{") or (text.startswith("[") and not _is_flow_list(text)):
        found = _json(text)
        # A single dictionary stands for a list of one.
        return found if isinstance(found, list) else [found]
    inner = text[1:-1] if text.startswith("[") else text
    return [item for item in map(_unquoted, _SEPARATOR.split(inner)) if item]


def to_dict(value: Any) -> dict[str, Any]:
    """A dictionary; its text is JSON, or name=value pairs separated by commas or lines."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if not isinstance(value, str):
        raise TextError(f"is {describe(value)} and no dictionary", "write name=value pairs")
    text = value.strip()
    if text.startswith("{"):
        found: dict[str, Any] = _json(text)
        return found
    pairs: dict[str, Any] = {}
    for part in filter(str.strip, _SEPARATOR.split(text)):
        match = _PAIR.fullmatch(part)
        if match is None:
            raise TextError(f"has {part.strip()!r}, which is not a name=value pair", "write name=value, or JSON")
        if match.group(1) in pairs:
            raise TextError(f"has {match.group(1)} twice", "write it once")
        pairs[match.group(1)] = match.group(2)
    return pairs


def describe(value: Any) -> str:
    """What a value is, for an error message."""
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return f"the text {str(value)!r}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return type(value).__name__


def _is_flow_list(text: str) -> bool:
    """Whether the text is a list in brackets whose items have no quotes, such as [pg-eu, pg-us]: no JSON, and meant all the same."""
    return text.endswith("]") and not any(mark in text[1:-1] for mark in '"[]{}')


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise TextError(
            f"begins like JSON and is not valid JSON: {error}", "write it as JSON, with double quotes"
        ) from None


def _unquoted(item: str) -> str:
    item = item.strip()
    if len(item) > 1 and item[0] == item[-1] and item[0] in "'\"":
        return item[1:-1]
    return item
