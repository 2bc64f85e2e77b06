# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of the facts about existing Barmans, as the module existing_barman returns them, and of the inventory made from them.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

#: A host's variables.
Variables = dict[str, Any]


class EntryFacts(TypedDict):
    """A server's entry. options: those that differ from the [barman] section; effective_options: all, with those that it inherits."""

    name: str
    file: str
    in_main_file: bool
    ours: bool
    inventory_host: str | None
    options: Mapping[str, str]
    effective_options: Mapping[str, str]
    secret_options: Sequence[str]
    connections: Mapping[str, Mapping[str, str]]
    passwords: Mapping[str, str | None]
    active_model: str | None
    automatic_options: Sequence[str]
    backups: int
    increments: bool
    postgresql_version: int | None
    filled_directories: Sequence[str]


class ScheduleFacts(TypedDict):
    """A line that takes backups. when: None if it is no expression of cron."""

    file: str
    text: str
    servers: Sequence[str]
    when: str | None
    incremental: str | None
    ours: bool


class ModelFacts(TypedDict):
    name: str
    cluster: str | None


class BarmanFacts(TypedDict):
    """An existing Barman."""

    version: str | None
    config_file: str
    user: str
    home: str
    global_options: Mapping[str, str]
    secret_global_options: Sequence[str]
    models: Sequence[ModelFacts]
    servers: Mapping[str, EntryFacts]
    schedules: Sequence[ScheduleFacts]
    foreign_keys: Sequence[str]
    password_file_problem: str | None
    postgresql: Mapping[str, Mapping[str, Any]]
    postgresql_problem: str | None


class Inexpressible(Exception):
    """The inventory has no words for an entry: what is not expressible, and what a person can do."""

    def __init__(self, message: str, instead: str) -> None:
        super().__init__(message)
        self.message = message
        self.instead = instead


@dataclass(frozen=True, order=True)
class Remark:
    """What a person has to know or to decide. host: of the inventory. subject: the server, file or option."""

    host: str
    subject: str
    message: str
    instead: str = ""

    def __str__(self) -> str:
        where = f"{self.host}: {self.subject}" if self.subject else self.host
        return f"{where}: {self.message}; {self.instead}." if self.instead else f"{where}: {self.message}."


@dataclass(frozen=True)
class VaultVariable:
    """A variable that a person has to fill. source: where the value is now."""

    name: str
    meaning: str
    source: str


@dataclass
class Adoption:
    """The inventory that describes the existing Barmans. left_out: the servers that it does not declare, by backup server."""

    backup: dict[str, Variables] = field(default_factory=dict)
    pg: dict[str, Variables] = field(default_factory=dict)
    vault: list[VaultVariable] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def remark(self, host: str, subject: str, message: str, instead: str = "") -> None:
        self.remarks.append(Remark(host, subject, message, instead))
