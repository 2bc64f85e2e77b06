# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real run would change on a host on which packages are missing, as lines for the first check of that host.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ENTRY_OPTIONS = (
    "active",
    "backup_method",
    "conninfo",
    "streaming_archiver",
    "slot_name",
    "archiver",
    "ssh_command",
    "primary_ssh_command",
    "retention_policy",
    "minimum_redundancy",
)
"""The options of an entry that say how it works. No password is in them."""


@dataclass(frozen=True)
class CurrentSetting:
    """A setting as PostgreSQL reports it. context: as in pg_settings."""

    value: str
    context: str


def parse_settings(lines: Sequence[str]) -> dict[str, CurrentSetting]:
    """The settings in lines NAME|VALUE|CONTEXT, by name."""
    found = {}
    for line in lines:
        name, _separator, rest = line.partition("|")
        value, _separator, context = rest.rpartition("|")
        found[name] = CurrentSetting(value, context)
    return found


def _heading(host: str, packages: Sequence[str]) -> Iterator[str]:
    yield f"Packages are missing on this host, so this check ends here for it. A real run does this on {host}:"
    yield f"- install the packages {', '.join(packages)}"


def barman_lines(required: Mapping[str, Any], host: str, packages: Sequence[str]) -> list[str]:
    """Of a backup server. required: its requirements."""
    directory = required["configuration_directory"]
    return [
        *_heading(host, packages),
        f"- write these entries of Barman to {directory}, and receive or archive their WAL:",
        *(f"    {entry['name']}: {_options(entry['options'])}" for entry in required["servers"]),
    ]


def _options(options: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} = {options[name]}" for name in _ENTRY_OPTIONS if name in options)


def postgres_lines(
    required: Mapping[str, Any],
    host: str,
    packages: Sequence[str],
    settings: Mapping[str, Mapping[str, Any]],
    *,
    current: Mapping[str, CurrentSetting],
    installs_server: bool,
    error: str = "",
) -> list[str]:
    """Of a PostgreSQL server. required: its requirements. settings: what it needs, with minimum or value.

    current: what PostgreSQL reports; empty if it could not be queried, and error is the reason.
    """
    return [
        *_heading(host, packages),
        f"- create the database roles {' and '.join(role['name'] for role in required['roles'])}",
        "- write these rules to pg_hba.conf, and reload PostgreSQL:",
        *(f"    {line}" for line in required["hba_lines"]),
        "- ensure these settings:",
        *(f"    {name}: {_setting(needed, current.get(name))}" for name, needed in settings.items()),
        *_why_unknown(required["port"], error, known=bool(current), installs_server=installs_server),
    ]


def _setting(needed: Mapping[str, Any], current: CurrentSetting | None) -> str:
    text = f"at least {needed['minimum']}" if "minimum" in needed else str(needed["value"])
    if current is None:
        return f"{text}, now unknown"
    restart = current.context == "postmaster"
    effect = "if it changes, PostgreSQL has to be restarted" if restart else "a reload is enough"
    return f"{text}, now {current.value or repr('')}; {effect}"


def _why_unknown(port: int, error: str, *, known: bool, installs_server: bool) -> Iterator[str]:
    if installs_server:
        yield "- the current settings are those of a PostgreSQL that is not installed yet: the packages' defaults"
    elif not known:
        reason = f": {error}" if error else ""
        yield (f"- the current settings are unknown: PostgreSQL could not be asked with psql on port {port}{reason}")
