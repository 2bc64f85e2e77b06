# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup server stores of a server: where it is, and why it may not be removed.

This module util is private to the collection. Pure but for the names of files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from .._barman import ledger
from .._barman.configuration import Configuration, ServerConfiguration
from .._barman.locks import lock_file
from .._barman.option_table import DIRECTORIES
from .._barman.requirements_record import record_file
from .._host.files import names_in
from .._host.paths import is_within, normal_path
from .._host.process import HostError
from .._host.system_directories import SYSTEM_DIRECTORIES
from .._stored.observe import state_file


@dataclass(frozen=True)
class StoredData:
    """directories: by the name that each has in an export, none within another. files: the ledger, locks and records of the server, in the same way."""

    server: str
    directories: Mapping[str, str]
    files: Mapping[str, str]


def stored_data(configuration: Configuration, name: str) -> StoredData:
    """What is stored of a server that Barman does not operate any more. Raises HostError with the reason why it has to stay."""
    server = configuration.server(name)
    if server.flag("active", default=True):
        raise HostError(
            f"server '{name}': its entry is active ({server.file}), so Barman still works with its directories. Decommission the server first, "
            "or set active = false"
        )
    directories = _outermost(server)
    for path in directories.values():
        _refuse_shared(configuration, name, path)
    return StoredData(name, directories, _files(configuration, server))


def _outermost(server: ServerConfiguration) -> dict[str, str]:
    """The server's directories that are in no other one of them."""
    found: dict[str, str] = {}
    for option in DIRECTORIES:
        value = server.get(option)
        if value is None:
            continue
        if "://" in value:
            raise HostError(
                f"server '{server.name}': {option} is {value}, which is no directory of this host. Remove the objects there with the provider's tools"
            )
        if not any(is_within(path, value) for path in found.values()):
            found[option] = normal_path(value)
    return found


def _refuse_shared(configuration: Configuration, name: str, path: str) -> None:
    if path in SYSTEM_DIRECTORIES or is_within(path, configuration.home):
        raise HostError(f"server '{name}': {path} is not the server's alone. Remove the server's files there manually")
    for other in configuration.servers.values():
        if other.name == name:
            continue
        for option in DIRECTORIES:
            theirs = other.get(option)
            if theirs and "://" not in theirs and (is_within(path, theirs) or is_within(theirs, path)):
                raise HostError(
                    f"server '{name}': {path} and {theirs} ({option} of server '{other.name}') are one within the other. Remove the files of "
                    f"server '{name}' manually"
                )


def _files(configuration: Configuration, server: ServerConfiguration) -> dict[str, str]:
    known = {
        "ledger.jsonl": ledger.ledger_file(configuration.home, server.name),
        "requirements.json": record_file(configuration.home, server.name),
        "verification.json": state_file(configuration.home, server.name),
    }
    # Barman leaves its lock files.
    directory, pattern = os.path.split(lock_file(server, "\0"))
    before, _any, after = pattern.partition("\0")
    for name in names_in(directory):
        if name.startswith(before) and name.endswith(after):
            known[name] = os.path.join(directory, name)
    return {name: path for name, path in known.items() if os.path.lexists(path)}
