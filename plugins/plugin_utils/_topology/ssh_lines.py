# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of authorized_keys and known_hosts that a host has for its SSH trust.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .requirement_types import SshConnection

HOST_KEY_TYPES = ("ed25519", "ecdsa", "rsa")
_SSH_PORT = 22


@dataclass(frozen=True)
class KnownKeys:
    """The keys that this run knows. users: public keys by host and user; hosts: host keys by host, each as type and key."""

    users: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of_user(self, connection: SshConnection) -> list[str]:
        """The keys of the user that connects, without comments; several if several hosts of the inventory are that machine."""
        if connection.get("public_key"):
            return [_bare(connection["public_key"])]
        found = (self.users.get(host, {}).get(connection["from_user"]) for host in connection["from_hosts"])
        return list(dict.fromkeys(_bare(key) for key in found if key))

    def of_host(self, connection: SshConnection) -> list[str]:
        """The keys of the host that is connected to. Those of one type are the same on all hosts of a machine."""
        by_type: dict[str, str] = {}
        for host in connection["to_hosts"]:
            by_type.update({key.split()[0]: key for key in self.hosts.get(host, ())})
        return list(by_type.values())


def lines_of_host(connections: Sequence[SshConnection], host: str, known: KnownKeys) -> dict[str, Any]:
    """Everything that a host has for these connections, as action ssh_trust_lines returns it."""
    incoming = list(_incoming(connections, host))
    lasting = [connection for connection in incoming if "run" not in connection]
    users = {connection["from_user"] for connection in connections if host in connection["from_hosts"]}
    users.update(connection["to_user"] for connection in incoming)
    return {
        "lines": {
            user: {
                "known_hosts": known_hosts(connections, host, user, known),
                "authorized_keys": authorized_keys(connections, host, user, known),
            }
            for user in sorted(users)
        },
        "desired": desired(connections, host, known),
        "runs": [
            {
                **connection,
                "comment": comment(connection),
                "line": run_line(connection, known) or None,
                "known_hosts": run_known_hosts(connection, known),
                "incoming": connection in incoming,
            }
            for connection in connections
            if "run" in connection
        ],
        "comments": {
            user: [comment(connection) for connection in lasting if connection["to_user"] == user]
            for user in sorted({connection["to_user"] for connection in lasting})
        },
        "recoveries": [
            {"host": connection["from_host"], "user": connection["from_user"], "name": host_name(connection)}
            for connection in lasting
            if connection["purpose"] == "recovery"
        ],
    }


def authorized_keys(connections: Iterable[SshConnection], host: str, user: str, known: KnownKeys) -> list[str]:
    """A line for each key that is known in this run: sshd takes the first line with the key, and instances on one machine share theirs.

    A line that is to be removed is found by its comment.
    """
    lines: dict[str, str] = {}
    for connection in _incoming(connections, host):
        if "run" in connection or connection["to_user"] != user:
            continue
        for key in known.of_user(connection):
            lines.setdefault(key.split()[1], f"{_options(connection)} {key} {comment(connection)}")
    return list(lines.values())


def known_hosts(connections: Iterable[SshConnection], host: str, user: str, known: KnownKeys) -> list[str]:
    """Lines for the hosts whose keys are known in this run."""
    lines: dict[str, None] = {}
    for connection in connections:
        if "run" in connection or host not in connection["from_hosts"] or connection["from_user"] != user:
            continue
        mark = " pgdr.barman:recovery" if connection["purpose"] == "recovery" else ""
        lines.update(dict.fromkeys(f"{host_name(connection)} {key}{mark}" for key in known.of_host(connection)))
        if connection.get("host_key"):
            lines[f"{host_name(connection)} {_bare(connection['host_key'])}"] = None
    return list(lines)


def desired(connections: Iterable[SshConnection], host: str, known: KnownKeys) -> list[str]:
    """Who stays authorized, as module authorized_keys takes it. A key that is not known in this run stays as it is."""
    found = []
    for connection in _incoming(connections, host):
        keys = known.of_user(connection)
        key = keys[0].split()[1] if keys else "-"
        found.append(f"{connection['to_user']} {key} {_name(connection)}")
    return found


def run_line(connection: SshConnection, known: KnownKeys) -> str:
    """The line of one run, however many others have the same key: each run removes its own. Empty if the key is not known."""
    keys = known.of_user(connection)
    return f"{_options(connection)} {keys[0]} {comment(connection)}" if keys else ""


def run_known_hosts(connection: SshConnection, known: KnownKeys) -> list[str]:
    """The known hosts of one run."""
    return [f"{host_name(connection)} {key}" for key in known.of_host(connection)]


def comment(connection: SshConnection) -> str:
    """What follows the key in authorized_keys."""
    return f"pgdr.barman:{_name(connection)}" + (f":{connection['run']}" if "run" in connection else "")


def host_name(connection: SshConnection) -> str:
    """The host that is connected to, as known_hosts has it."""
    address, port = connection["to_address"], int(connection["to_port"])
    return str(address) if port == _SSH_PORT else f"[{address}]:{port}"


def _incoming(connections: Iterable[SshConnection], host: str) -> Iterable[SshConnection]:
    return (connection for connection in connections if host in connection["to_hosts"])


def _name(connection: SshConnection) -> str:
    return f"{connection['purpose']}:{connection['from_user']}@{connection['from_host']}"


def _options(connection: SshConnection) -> str:
    options = f'restrict,from="{",".join(connection["from_addresses"])}"'
    if connection.get("expires"):
        options += f',expiry-time="{connection["expires"]}"'
    if connection["forced_command"]:
        options += f',command="{connection["forced_command"]}"'
    return options


def _bare(key: str) -> str:
    return " ".join(key.split()[:2])
