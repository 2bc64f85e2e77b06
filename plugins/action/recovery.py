# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

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
from ansible_collections.pgdr.barman.plugins.plugin_utils.templates import HostVariables

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


class ActionModule(ActionBase):
    """Reads the arguments of the playbook recover on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "topology": {"type": "dict", "required": True},
                "requirements": {"type": "dict", "required": True},
            }
        )
        self._variables: Mapping[str, Any] = task_vars or {}
        self._problems: list[str] = []
        self._topology, self._requirements = options["topology"], options["requirements"]
        host = str(self._variables["inventory_hostname"])
        arguments = self._arguments(host)
        found = self._parties(arguments)
        if found is not None and found.target != host:
            who = {name: arguments[name] for name in _WHO if name in arguments}
            arguments = {**self._arguments(found.target), **who}
            found = self._parties(arguments)
        value = None if found is None else self._recovery(arguments, found)
        if value is None or self._problems:
            problems = dict.fromkeys(self._problems)
            raise AnsibleActionFail("\n".join(("Nothing was changed.", *(f"- {problem}" for problem in problems))))
        result.update(changed=False, **value)
        return result

    def _arguments(self, host: str) -> dict[str, Any]:
        """The arguments as that host has them, converted and with defaults."""
        declared = specification("recover")
        given = {name: self._value(name, host) for name in declared}
        arguments, problems = convert(declared, given)
        self._problems += problems
        return arguments

    def _parties(self, arguments: Mapping[str, Any]) -> Parties | None:
        if not arguments.get("barman_recover_server"):
            return None
        try:
            return parties(
                arguments,
                self._topology,
                self._requirements,
                inventory=self._variables["hostvars"],
                in_run=self._variables["ansible_play_hosts_all"],
            )
        except RecoveryError as error:
            self._problems += error.problems
            return None

    def _recovery(self, arguments: Mapping[str, Any], found: Parties) -> dict[str, Any] | None:
        host = self._target_host(found.target)
        if self._problems:
            return None
        superuser = self._text(_SUPERUSER, found.server if found.directory else found.target, host.superuser)
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        return recovery(arguments, found, self._topology, self._requirements, host, run=run, database_user=superuser)

    def _target_host(self, host: str) -> TargetHost:
        found = TargetHost(
            address=self._text("barman_address", host, self._text("ansible_host", host, host)),
            cluster=self._text(_CLUSTER, host),
            service=self._text(_SERVICE, host),
            socket_directory=self._text(_SOCKET_DIRECTORY, host),
        )
        port = self._value("barman_ssh_port", host)
        if is_absent(port):
            return found
        try:
            return replace(found, ssh_port=to_int(port))
        except TextError as error:
            self._problems.append(f"{host}: barman_ssh_port {error.message}; {error.instead}")
            return found

    def _text(self, name: str, host: str, default: str = "") -> str:
        value = self._value(name, host)
        try:
            return default if is_absent(value) else to_str(value)
        except TextError as error:
            self._problems.append(f"{host}: {name} {error.message}; {error.instead}")
            return default

    def _value(self, name: str, host: str) -> Any:
        """The variable as that host has it in this play, templated by itself, so that one wrong expression hides no other.

        What the host of this task has from another source than its own inventory, such as vars of import_playbook, is every host's.
        """
        here, hostvars = str(self._variables["inventory_hostname"]), self._variables["hostvars"]
        try:
            value = self._templar.template(self._variables[name]) if name in self._variables else None
            if host == here:
                return value
            if name in self._variables and value != HostVariables(hostvars, here, self._loader).read(name):
                return value
            return HostVariables(hostvars, host, self._loader).read(name)
        except AnsibleError as error:
            self._problems.append(f"{name} cannot be read: {getattr(error, 'message', error)}; correct the expression")
            return None
