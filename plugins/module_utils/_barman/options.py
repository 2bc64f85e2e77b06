# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Barman accepts an option, and how it is written into a configuration file.

option_table.py has the facts. Barman itself answers an unknown option or a wrong value with a warning and goes on
with the default, so both are problems here. If Barman accepts what it later ignores (a server's option in the
[barman] section), that is a problem too.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .option_table import (
    CASE_SENSITIVE,
    CHOICES,
    DEPRECATED,
    DEPRECATED_COMPRESSIONS,
    GLOBAL,
    IGNORED,
    MODEL,
    OPTIONS,
    SECRET_OPTIONS,
    SERVER,
    Option,
    OptionScope,
)
from .versions import NEWEST, Version, format_version


class Problem(NamedTuple):
    """What is wrong with one option, and what to write instead."""

    option: str
    message: str
    instead: str

    def __str__(self) -> str:
        return f"{self.option}: {self.message}; {self.instead}" if self.instead else f"{self.option}: {self.message}"


_TRUE = frozenset(("true", "t", "yes", "1", "on"))
_FALSE = frozenset(("false", "f", "no", "0", "off"))
_INTERVAL = re.compile(r"\s*(\d+)\s+(day|month|week|hour)s?\s*", re.IGNORECASE)
_SIZE = re.compile(r"\d+\s*(k|Ki|M|Mi|G|Gi|T|Ti)?\s*")
INTEGER = re.compile(r"[+-]?\d+")
_SLOT = re.compile(r"[a-z0-9_]{1,63}")
_REDUNDANCY = re.compile(r"\s*redundancy\s+(\d+)\s*", re.IGNORECASE)
_WINDOW = re.compile(r"\s*recovery\s+window\s+of\s+(\d+)\s+(day|month|week)s?\s*", re.IGNORECASE)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{1,6}Z")
_UNIT_DAYS = {"day": 1, "week": 7, "month": 31}
_UNIT_MINUTES = {"hour": 60, **{unit: days * 1440 for unit, days in _UNIT_DAYS.items()}}

_MAY_BE_EMPTY = frozenset(("interval", "retention", "size", "text", "wal_level"))
_DEFAULT_INSTEAD = ": Barman would use its default instead"

RETENTION_FORMS = "REDUNDANCY 3, or RECOVERY WINDOW OF 14 DAYS (or WEEKS, MONTHS)"


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is most like the given one, if one is like it at all."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


class Retention(NamedTuple):
    """A retention policy: so many backups, or so many days."""

    redundancy: int | None
    days: int | None


def parse_retention(text: str) -> Retention | None:
    """The retention policy, as Barman would understand it; None where it would not."""
    match = _REDUNDANCY.fullmatch(text)
    if match:
        return Retention(int(match.group(1)), None)
    match = _WINDOW.fullmatch(text)
    if match:
        return Retention(None, int(match.group(1)) * _UNIT_DAYS[match.group(2).lower()])
    return None


def parse_interval(text: str) -> int | None:
    """The minutes of a span of time, as Barman would understand it; None where it would not."""
    match = _INTERVAL.fullmatch(text)
    return int(match.group(1)) * _UNIT_MINUTES[match.group(2).lower()] if match else None


def is_slot_name(text: str) -> bool:
    """Whether PostgreSQL takes it as the name of a replication slot."""
    return _SLOT.fullmatch(text) is not None


def parse_bool(value: Any) -> bool | None:
    """True or false as Barman reads it; None where it would fall back to the default."""
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    return None


def choices(option: str, version: Version | None = None) -> list[str]:
    """The values that the option has in that version (the newest known if none is given)."""
    return [value for value, since in CHOICES.get(option, {}).items() if since <= (version or NEWEST)]


def names(scope: OptionScope, version: Version | None = None) -> list[str]:
    """The names of the options that the version reads in a section of that scope."""
    return sorted(
        option.name for option in OPTIONS.values() if _in_scope(option, scope) and option.since <= (version or NEWEST)
    )


def _in_scope(option: Option, scope: OptionScope) -> bool:
    return {SERVER: option.in_server, GLOBAL: option.in_global, MODEL: option.in_model}[scope]


def _shown(option: str, value: Any) -> str:
    return "its value" if option in SECRET_OPTIONS else repr(plain(value))


def plain(value: Any) -> Any:
    """The value without the types that Ansible puts around it."""
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)


def _words(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def validate(options: Mapping[str, Any], version: Version | None = None, scope: OptionScope = SERVER) -> list[Problem]:
    """Every problem that the Barman version has with a section of these options, in the order of the names.

    Without a version the newest known one is meant. A value of None leaves the option to its default, and is no
    problem.
    """
    found = []
    for name in sorted(options, key=str):
        problem = _problem(str(name), options[name], version or NEWEST, scope)
        if problem is not None:
            found.append(problem)
    return found


def deprecated(
    options: Mapping[str, Any], version: Version | None = None, scope: OptionScope = SERVER
) -> list[Problem]:
    """What the Barman version still takes and calls deprecated. No reason to fail."""
    version = version or NEWEST
    found = []
    for name in sorted(set(options) & set(DEPRECATED)):
        since, instead = DEPRECATED[name]
        if since <= version and _in_scope(OPTIONS[name], scope):
            found.append(Problem(name, f"is deprecated since Barman {format_version(since)}", instead))
    compression = str(options.get("compression")).lower()
    since, instead = DEPRECATED_COMPRESSIONS.get(compression, (version, ""))
    if instead and since <= version:
        message = f"{compression} is deprecated since Barman {format_version(since)}"
        found.append(Problem("compression", message, instead))
    return found


def _problem(name: str, value: Any, version: Version, scope: OptionScope) -> Problem | None:
    option = OPTIONS.get(name)
    if option is None:
        like = nearest(name, (known.name for known in OPTIONS.values() if _in_scope(known, scope)))
        return Problem(name, "is not an option that Barman knows", f"did you mean {like}?" if like else "remove it")
    if name in IGNORED:
        return Problem(name, *IGNORED[name])
    if not _in_scope(option, scope):
        return Problem(name, *_misplaced(option, scope))
    if option.since > version:
        return Problem(
            name,
            f"is new in Barman {format_version(option.since)}, and this is Barman {format_version(version)}",
            "remove it, or use a newer Barman",
        )
    if value is None:
        return None
    return _wrong_value(option, value, version)


def _misplaced(option: Option, scope: OptionScope) -> tuple[str, str]:
    if scope == GLOBAL:
        return "is ignored by Barman in the [barman] section", "set it for each server"
    if option.in_global and not option.in_server:
        return "is read by Barman in the [barman] section only", "set it in the backup server's global options"
    if scope == MODEL:
        return "cannot be set in a model", "set it for the server"
    return "makes a section a model", "remove it"


def _wrong_value(option: Option, value: Any, version: Version) -> Problem | None:
    kind, *limits = option.kind.split(":")
    name = option.name
    if isinstance(value, (Mapping, list, tuple)) and kind not in ("csv", "list", "tablespaces"):
        return Problem(name, f"is a {_kind_of(value)}", "write one value")
    if _has_line_break(value):
        return Problem(name, "has a line break in its value", "write it in one line")
    if str(value) in ("", "None") and (kind in _MAY_BE_EMPTY or name == "compression"):
        return None  # Barman's ways to write "nothing"
    if kind in ("choice", "csv"):
        return _wrong_choice(option, value, version, several=kind == "csv")
    allowed = _CHECKS[kind](value, limits)
    if allowed is None:
        return None
    return Problem(name, f"cannot be {_shown(name, value)}{_consequence(kind, value)}", f"write {allowed}")


def _consequence(kind: str, value: Any) -> str:
    """The value that Barman would use instead of the wrong one, if it would only warn."""
    if kind in ("bool", "interval", "level", "list", "path", "place", "size", "wal_level"):
        return _DEFAULT_INSTEAD
    if kind == "int" and not INTEGER.fullmatch(str(value).strip()):
        return _DEFAULT_INSTEAD
    return ": Barman would keep everything instead" if kind == "retention" else ""


def _kind_of(value: Any) -> str:
    return "dictionary" if isinstance(value, Mapping) else "list"


def _has_line_break(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_line_break(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return any(_has_line_break(item) for item in value)
    return isinstance(value, str) and any(mark in value for mark in ("\n", "\r", "\0"))


def _advised(name: str, version: Version) -> str:
    """The values to write, without those that the version calls deprecated."""
    old = [value for value, (since, _instead) in DEPRECATED_COMPRESSIONS.items() if since <= version]
    return _words([value for value in choices(name, version) if name != "compression" or value not in old])


def _wrong_choice(option: Option, value: Any, version: Version, *, several: bool) -> Problem | None:
    known = CHOICES[option.name]
    given = _items(value) if several else [choice_text(option.name, value)]
    for text in given:
        match = {choice.lower(): choice for choice in known}.get(text.lower())
        if match is None or (option.name in CASE_SENSITIVE and match != text):
            return Problem(
                option.name,
                f"cannot be {_shown(option.name, text)}{_DEFAULT_INSTEAD}",
                f"write {_advised(option.name, version)}",
            )
        if known[match] > version:
            return Problem(
                option.name,
                f"can be {match} since Barman {format_version(known[match])} only, and this is Barman "
                f"{format_version(version)}",
                f"write {_advised(option.name, version)}",
            )
    if option.name == "backup_options" and {"concurrent_backup", "exclusive_backup"} <= {t.lower() for t in given}:
        return Problem(option.name, "cannot be both concurrent_backup and exclusive_backup", "write one of them")
    return None


def choice_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        # YAML 1.1 reads a bare off as false.
        return "off" if name == "reuse_backup" and not value else str(value).lower()
    return str(value)


def _items(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return [str(part).strip() for part in parts if str(part).strip()]


def _check_bool(value: Any, limits: Sequence[str]) -> str | None:
    return None if parse_bool(value) is not None else "true or false"


def _check_int(value: Any, limits: Sequence[str]) -> str | None:
    low = int(limits[0]) if limits else 0
    high = int(limits[1]) if len(limits) > 1 and limits[1] else None
    allowed = f"a whole number from {low} to {high}" if high is not None else f"a whole number, {low} or more"
    if isinstance(value, (bool, float)) or not INTEGER.fullmatch(str(value).strip()):
        return allowed
    number = int(value)
    return allowed if number < low or (high is not None and number > high) else None


def _check_level(value: Any, limits: Sequence[str]) -> str | None:
    is_number = not isinstance(value, (bool, float)) and INTEGER.fullmatch(str(value).strip())
    return None if is_number else "a whole number"


def _check_wal_level(value: Any, limits: Sequence[str]) -> str | None:
    if str(value).lower() in ("low", "medium", "high"):
        return None
    return None if _check_level(value, limits) is None else "low, medium, high or a whole number"


def _check_size(value: Any, limits: Sequence[str]) -> str | None:
    if not isinstance(value, (bool, float)) and _SIZE.fullmatch(str(value)):
        return None
    return "a number of bytes with or without one of k, Ki, M, Mi, G, Gi, T, Ti, as 5Gi"


def _check_interval(value: Any, limits: Sequence[str]) -> str | None:
    return None if _INTERVAL.fullmatch(str(value)) else "a number and hours, days, weeks or months, as 2 DAYS"


def _check_timestamp(value: Any, limits: Sequence[str]) -> str | None:
    return None if _TIMESTAMP.fullmatch(str(value)) else "a time as 2030-12-31T23:59:59.000Z"


def _check_path(value: Any, limits: Sequence[str]) -> str | None:
    return None if str(value).startswith("/") else "an absolute path"


def _check_place(value: Any, limits: Sequence[str]) -> str | None:
    text = str(value)
    if "://" not in text:
        return _check_text(value, limits)
    cloud = text.startswith(("s3://", "gs://")) or ".blob.core.windows.net/" in text
    return None if cloud else "a path, or a URL as s3://bucket/path"


def _check_text(value: Any, limits: Sequence[str]) -> str | None:
    return "a text" if isinstance(value, bool) else None


def _check_slot(value: Any, limits: Sequence[str]) -> str | None:
    return None if is_slot_name(str(value)) else "1 to 63 lower case letters, digits and underscores"


def _check_retention(value: Any, limits: Sequence[str]) -> str | None:
    return None if parse_retention(str(value)) else RETENTION_FORMS


def _check_list(value: Any, limits: Sequence[str]) -> str | None:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [""]
    return None if parts and all(str(part).strip() and "," not in str(part) for part in parts) else "a list of names"


def _check_tablespaces(value: Any, limits: Sequence[str]) -> str | None:
    allowed = "a dictionary of tablespace and kB/s, as {tbs1: 4000}"
    if isinstance(value, Mapping):
        pairs = [(str(name), str(limit)) for name, limit in value.items()]
    else:
        rules = value.split() if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [""]
        pairs = [(name, limit) for name, _colon, limit in (str(rule).partition(":") for rule in rules)]
    good = pairs and all(
        name and not re.search(r"[\s:]", name) and re.fullmatch(r"[0-9]+", limit) for name, limit in pairs
    )
    return None if good else allowed


_CHECKS = {
    "bool": _check_bool,
    "int": _check_int,
    "interval": _check_interval,
    "level": _check_level,
    "list": _check_list,
    "path": _check_path,
    "place": _check_place,
    "retention": _check_retention,
    "size": _check_size,
    "slot": _check_slot,
    "tablespaces": _check_tablespaces,
    "text": _check_text,
    "timestamp": _check_timestamp,
    "wal_level": _check_wal_level,
}


def render_value(option: str, value: Any) -> str:
    """The value as it is written into the configuration file, so that Barman reads the same value back.

    Raises ValueError for what no line of a configuration file can hold.
    """
    if _has_line_break(value):
        raise ValueError(f"{option}: Barman's configuration can't contain a line break")
    return _unquoted_text(option, value).replace("%", "%%")


def _unquoted_text(option: str, value: Any) -> str:
    if value is None:
        # Barman's word for "nothing", also against the [barman] section.
        return "None"
    if isinstance(value, bool):
        if option == "create_slot":
            return "auto" if value else "manual"
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{limit}" for name, limit in value.items())
    if isinstance(value, (list, tuple)):
        return (" " if option == "tablespace_bandwidth_limit" else ",").join(str(item) for item in value)
    text = str(value)
    if text != text.strip() or (len(text) >= 2 and text[0] == text[-1] and text[0] in "'\""):
        # Barman takes one pair of quotes off, and the parser takes surrounding blanks off before.
        return f'"{text}"'
    return text
