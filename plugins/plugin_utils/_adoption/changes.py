# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a deployment of the adopted inventory would change in Barman's configuration, each change with its reason, and what it would refuse.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._barman.configuration import Configuration, ServerConfiguration
from ...module_utils._barman.option_table import DIRECTORIES, OPTIONS
from ...module_utils._barman.options import parse_bool
from ...module_utils._postgres.conninfo import conninfo_words
from ...module_utils._server.adoption import (
    DeclaredBarman,
    DeclaredEntry,
    ExistingBarman,
    effective_options,
    problems_of,
)
from .._topology.entries import TIME_LIMITS, quoted
from .._topology.requirement_types import BarmanRequirements
from .connections import ssh_connection_of
from .facts import BarmanFacts

_LIMITS = "the collection limits how long a connection to a silent host lasts"
_REASONS = {
    "archiver": "Barman archives so already, because WAL comes by no other way",
    "backup_options": "it is Barman's own default",
    "backup_method": "it is Barman's own default",
    "create_slot": "Barman creates the slot if it is missing",
    "description": "a text for people",
    "log_file": "the collection's default",
    "log_level": "the collection's default",
    "configuration_files_directory": "Barman's entries are files of this directory",
    "minimum_redundancy": "the inventory decides it",
    "path_prefix": "the client tools of the server's PostgreSQL version",
    "reuse_backup": "it has no effect with this backup method",
    "retention_policy": "a passive copy has the policy of its source",
    "slot_name": "the WAL receiver gets a replication slot, so that PostgreSQL keeps WAL for it",
    "streaming_conninfo": "Barman uses it for replication connections; without it, it uses conninfo",
}
_UNUSED = "Barman does not use it for this server"
_OTHER = "the inventory has no variable that keeps it"


@dataclass(frozen=True, order=True)
class OptionChange:
    """One option of Barman's configuration. server: Barman's name, "" for the [barman] section. Passwords are in neither value."""

    backup_server: str
    server: str
    option: str
    before: str
    after: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.backup_server}: {self.server or '[barman]'}: {self.option}"
        return f"{where}: {self.before or 'not set'} becomes {self.after or 'not set'}, because {self.reason}."


def existing_barman(facts: BarmanFacts) -> ExistingBarman:
    """The facts as the check before a deployment reads them from files."""
    servers = {}
    for name, entry in facts["servers"].items():
        options = dict(entry["effective_options"])
        options.update({option: _conninfo(words) for option, words in entry["connections"].items()})
        servers[name] = ServerConfiguration(name, options, entry["file"])
    configuration = Configuration(facts["config_file"], dict(facts["global_options"]), servers, [])
    ours = [name for name, entry in facts["servers"].items() if entry["ours"]]
    filled = {
        servers[name].directory(option)
        for name, entry in facts["servers"].items()
        for option in entry["filled_directories"]
    }
    return ExistingBarman(configuration, ours, filled)


def _conninfo(words: Mapping[str, str]) -> str:
    return " ".join(f"{name}={quoted(value)}" for name, value in words.items())


def declared_barman(required: BarmanRequirements) -> DeclaredBarman:
    """The declared configuration with barman_adopt."""
    entries = [DeclaredEntry(one["name"], one["options"], one["given"]) for one in required["servers"]]
    return DeclaredBarman(required["global_options"], entries, required["given"], adopt=True)


def refusals(facts: BarmanFacts, required: BarmanRequirements) -> list[str]:
    """Why a deployment with barman_adopt would fail before it changes anything."""
    return problems_of(existing_barman(facts), None, declared_barman(required))


def changes_of(host: str, facts: BarmanFacts, required: BarmanRequirements) -> list[OptionChange]:
    """What changes in the meaning of Barman's configuration. The text of each file changes, too: the collection writes it anew."""
    existing, declared = existing_barman(facts), declared_barman(required)
    found = [*_global_changes(host, facts, required)]
    for entry in declared.entries:
        server = existing.configuration.servers.get(entry.name)
        if server is not None:
            secret = facts["servers"][entry.name]["secret_options"]
            after = {
                name: value
                for name, value in effective_options(entry, existing, declared).items()
                if name not in secret
            }
            found += _entry_changes(host, server, after)
    return sorted(found)


def _global_changes(host: str, facts: BarmanFacts, required: BarmanRequirements) -> Iterable[OptionChange]:
    for name, value in required["global_options"].items():
        before, after = facts["global_options"].get(name, ""), _text(value)
        if name not in facts["secret_global_options"] and not same_value(name, before, after):
            yield OptionChange(host, "", name, before, after, _REASONS.get(name, _OTHER))


def _entry_changes(host: str, server: ServerConfiguration, after: Mapping[str, str]) -> Iterable[OptionChange]:
    uses_ssh = (after.get("backup_method") or "rsync") != "postgres"
    for name in sorted({*server.options, *after}):
        one, other = server.get(name) or "", after.get(name) or ""
        if name in OPTIONS and name not in DIRECTORIES and not same_value(name, one, other):
            yield OptionChange(host, server.name, name, one, other, _reason(name, one, other, uses_ssh=uses_ssh))
        elif name in DIRECTORIES and one.rstrip("/") != other.rstrip("/"):
            yield OptionChange(host, server.name, name, one, other, _OTHER)


def _reason(name: str, before: str, after: str, *, uses_ssh: bool) -> str:
    if name.endswith("conninfo") and before and after:
        one, other = conninfo_words(before), conninfo_words(after)
        if "streaming" in name:
            # A replication connection has no database.
            one.pop("dbname", None)
        added = {key: value for key, value in other.items() if one.get(key) != value}
        if set(one) <= set(other) and all(_is_usual(key, value, one) for key, value in added.items()):
            return f"{_LIMITS}, and writes libpq's defaults"
        return _OTHER
    if name in ("ssh_command", "primary_ssh_command") and after:
        return _LIMITS if ssh_connection_of(before) == ssh_connection_of(after) else _OTHER
    if name == "ssh_command" and not uses_ssh:
        return _UNUSED
    if name in ("streaming_conninfo", "slot_name") and not after:
        return _UNUSED
    return _REASONS.get(name, _OTHER)


def _is_usual(name: str, value: str, before: Mapping[str, str]) -> bool:
    """Whether a parameter that is added is a limit, or what libpq takes by default."""
    if name in before:
        return False
    return value == {**TIME_LIMITS, "sslmode": "prefer", "port": "5432"}.get(name) or name in ("user", "dbname")


def same_value(name: str, one: str, other: str) -> bool:
    """Whether Barman reads the same from both texts."""
    default = OPTIONS[name].default if name in OPTIONS else None
    first, second = (value if value not in ("", "None") else (default or "") for value in (one, other))
    if name.endswith("conninfo"):
        return conninfo_words(first) == conninfo_words(second)
    if name in OPTIONS and OPTIONS[name].kind == "bool":
        return parse_bool(first) == parse_bool(second)
    if name == "retention_policy":
        first, second = " ".join(first.upper().split()), " ".join(second.upper().split())
    return first.strip() == second.strip()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
