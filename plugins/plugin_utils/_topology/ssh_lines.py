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

Edge = Mapping[str, Any]

HOST_KEY_TYPES = ("ed25519", "ecdsa", "rsa")
_SSH_PORT = 22


@dataclass(frozen=True)
class KnownKeys:
    """The keys that this run knows. users: public keys by host and user; hosts: host keys by host, each as type and key."""

    users: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of_user(self, edge: Edge) -> list[str]:
        """The keys of the user that connects, without comments; several if several hosts of the inventory are that machine."""
        if edge.get("public_key"):
            return [_bare(edge["public_key"])]
        found = (self.users.get(host, {}).get(edge["from_user"]) for host in edge["from_hosts"])
        return list(dict.fromkeys(_bare(key) for key in found if key))

    def of_host(self, edge: Edge) -> list[str]:
        """The keys of the host that is connected to. Those of one type are the same on all hosts of a machine."""
        by_type: dict[str, str] = {}
        for host in edge["to_hosts"]:
            by_type.update({key.split()[0]: key for key in self.hosts.get(host, ())})
        return list(by_type.values())


def lines_of_host(edges: Sequence[Edge], host: str, known: KnownKeys) -> dict[str, Any]:
    """Everything that a host has for these edges, as action ssh_trust_lines returns it."""
    incoming = list(_incoming(edges, host))
    lasting = [edge for edge in incoming if "run" not in edge]
    users = {edge["from_user"] for edge in edges if host in edge["from_hosts"]}
    users.update(edge["to_user"] for edge in incoming)
    return {
        "lines": {
            user: {
                "known_hosts": known_hosts(edges, host, user, known),
                "authorized_keys": authorized_keys(edges, host, user, known),
            }
            for user in sorted(users)
        },
        "desired": desired(edges, host, known),
        "runs": [
            {
                **edge,
                "comment": comment(edge),
                "line": run_line(edge, known) or None,
                "known_hosts": run_known_hosts(edge, known),
                "incoming": edge in incoming,
            }
            for edge in edges
            if "run" in edge
        ],
        "comments": {
            user: [comment(edge) for edge in lasting if edge["to_user"] == user]
            for user in sorted({edge["to_user"] for edge in lasting})
        },
        "recoveries": [
            {"host": edge["from_host"], "user": edge["from_user"], "name": host_name(edge)}
            for edge in lasting
            if edge["purpose"] == "recovery"
        ],
    }


def authorized_keys(edges: Iterable[Edge], host: str, user: str, known: KnownKeys) -> list[str]:
    """A line for each key that is known in this run: sshd takes the first line with the key, and instances on one machine share theirs.

    The comment is what a line is found by when it is to go.
    """
    lines: dict[str, str] = {}
    for edge in _incoming(edges, host):
        if "run" in edge or edge["to_user"] != user:
            continue
        for key in known.of_user(edge):
            lines.setdefault(key.split()[1], f"{_options(edge)} {key} {comment(edge)}")
    return list(lines.values())


def known_hosts(edges: Iterable[Edge], host: str, user: str, known: KnownKeys) -> list[str]:
    """Lines for the hosts whose keys are known in this run."""
    lines: dict[str, None] = {}
    for edge in edges:
        if "run" in edge or host not in edge["from_hosts"] or edge["from_user"] != user:
            continue
        mark = " pgdr.barman:recovery" if edge["purpose"] == "recovery" else ""
        lines.update(dict.fromkeys(f"{host_name(edge)} {key}{mark}" for key in known.of_host(edge)))
        if edge.get("host_key"):
            lines[f"{host_name(edge)} {_bare(edge['host_key'])}"] = None
    return list(lines)


def desired(edges: Iterable[Edge], host: str, known: KnownKeys) -> list[str]:
    """Who stays, as module authorized_keys takes it. A key that is not known in this run stays as it is."""
    found = []
    for edge in _incoming(edges, host):
        keys = known.of_user(edge)
        key = keys[0].split()[1] if keys else "-"
        found.append(f"{edge['to_user']} {key} {_name(edge)}")
    return found


def run_line(edge: Edge, known: KnownKeys) -> str:
    """The line of one run, however many others have the same key: each run removes its own. Empty if the key is not known."""
    keys = known.of_user(edge)
    return f"{_options(edge)} {keys[0]} {comment(edge)}" if keys else ""


def run_known_hosts(edge: Edge, known: KnownKeys) -> list[str]:
    """The known hosts of one run."""
    return [f"{host_name(edge)} {key}" for key in known.of_host(edge)]


def comment(edge: Edge) -> str:
    """What follows the key in authorized_keys."""
    return f"pgdr.barman:{_name(edge)}" + (f":{edge['run']}" if "run" in edge else "")


def host_name(edge: Edge) -> str:
    """The host that is connected to, as known_hosts has it."""
    address, port = edge["to_address"], int(edge["to_port"])
    return str(address) if port == _SSH_PORT else f"[{address}]:{port}"


def _incoming(edges: Iterable[Edge], host: str) -> Iterable[Edge]:
    return (edge for edge in edges if host in edge["to_hosts"])


def _name(edge: Edge) -> str:
    return f"{edge['purpose']}:{edge['from_user']}@{edge['from_host']}"


def _options(edge: Edge) -> str:
    options = f'restrict,from="{",".join(edge["from_addresses"])}"'
    if edge.get("expires"):
        options += f',expiry-time="{edge["expires"]}"'
    if edge["forced_command"]:
        options += f',command="{edge["forced_command"]}"'
    return options


def _bare(key: str) -> str:
    return " ".join(key.split()[:2])
