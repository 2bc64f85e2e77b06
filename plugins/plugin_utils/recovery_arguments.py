# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook recover is called with, and what the inventory declares of the host to recover to. This plugin util is private to the collection."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.value import (
    Parties,
    RecoveryError,
    TargetHost,
    parties,
    recovery,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.text_forms import (
    TextError,
    is_absent,
    to_int,
    to_str,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import specification
from ansible_collections.pgdr.barman.plugins.plugin_utils.templates import PlayVariables

#: The arguments that decide on which host the others are read.
_WHO = (
    "barman_recover_server",
    "barman_recover_backup_server",
    "barman_recover_host",
    "barman_recover_directory",
)
#: The inventory variables of a PostgreSQL host that are not in the topology.
_CLUSTER, _SERVICE, _SOCKET_DIRECTORY, _SUPERUSER = (
    "barman_postgres_cluster",
    "barman_postgres_service",
    "barman_postgres_socket_directory",
    "barman_postgres_superuser",
)


def new_run() -> str:
    """The id of a run, in its locks and in its lines of SSH trust."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class RecoveryArguments:
    """A recovery as the variables of a play declare it. problems: everything that is wrong with them, those of the play included."""

    def __init__(self, play: PlayVariables, topology: Mapping[str, Any], requirements: Mapping[str, Any]) -> None:
        self._play = play
        self._topology, self._requirements = topology, requirements
        self.problems = play.problems

    def recovery(self) -> dict[str, Any] | None:
        """The value of the recovery; None if there are problems."""
        arguments = self._arguments(self._play.host)
        found = self._parties(arguments)
        if found is not None and found.target != self._play.host:
            who = {name: arguments[name] for name in _WHO if name in arguments}
            arguments = {**self._arguments(found.target), **who}
            found = self._parties(arguments)
        return None if found is None else self._value(arguments, found)

    def _arguments(self, host: str) -> dict[str, Any]:
        """The arguments as that host has them, converted and with defaults."""
        declared = specification("recover")
        arguments, problems = convert(declared, {name: self._play.read(name, host) for name in declared})
        self.problems += problems
        return arguments

    def _parties(self, arguments: Mapping[str, Any]) -> Parties | None:
        if not arguments.get("barman_recover_server"):
            return None
        try:
            return parties(
                arguments,
                self._topology,
                self._requirements,
                inventory=self._play.variables["hostvars"],
                in_run=self._play.variables["ansible_play_hosts_all"],
            )
        except RecoveryError as error:
            self.problems += error.problems
            return None

    def _value(self, arguments: Mapping[str, Any], found: Parties) -> dict[str, Any] | None:
        host = self.target_host(found.target)
        if self.problems:
            return None
        superuser = self._text(_SUPERUSER, found.server if found.directory else found.target, host.superuser)
        return recovery(
            arguments, found, self._topology, self._requirements, host, run=new_run(), database_user=superuser
        )

    def target_host(self, host: str) -> TargetHost:
        """What the inventory declares of a host to recover to."""
        return TargetHost(
            address=self._text("barman_address", host, self._text("ansible_host", host, host)),
            cluster=self._text(_CLUSTER, host),
            service=self._text(_SERVICE, host),
            socket_directory=self._text(_SOCKET_DIRECTORY, host),
            ssh_port=self._number("barman_ssh_port", host, TargetHost.ssh_port),
        )

    def _text(self, name: str, host: str, default: str = "") -> str:
        value = self._play.read(name, host)
        try:
            return default if is_absent(value) else to_str(value)
        except TextError as error:
            self._reject(name, host, error)
            return default

    def _number(self, name: str, host: str, default: int) -> int:
        value = self._play.read(name, host)
        try:
            return default if is_absent(value) else to_int(value)
        except TextError as error:
            self._reject(name, host, error)
            return default

    def _reject(self, name: str, host: str, error: TextError) -> None:
        self.problems.append(f"{host}: {name} {error.message}; {error.instead}")
