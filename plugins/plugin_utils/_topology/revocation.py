# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose SSH trust may be revoked on a host: only of hosts that are in the inventory and in this run, and that no entry of Barman's still needs.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .observed_entries import Entries


class Trust:
    """What the entries of all backup servers still need. entries: by backup server; one that is missing was not read in this run."""

    def __init__(self, requirements: Mapping[str, Any], entries: Mapping[str, Entries]) -> None:
        self._requirements = requirements
        self._found = {backup: entries.get(backup) for backup, required in requirements.items() if "barman" in required}
        self._clients = {
            backup: None if found is None else _clients(found, requirements[backup]["barman"]["servers"])
            for backup, found in self._found.items()
        }

    def spared(self, host: str, hosts: Collection[str]) -> list[str]:
        """The hosts of the run (hosts) whose lines in authorized_keys of that host must stay, even if no desired connection has them."""
        spared: set[str] = set()
        machine = _machine(host, self._requirements)
        for backup, found in self._found.items():
            clients = self._clients[backup]
            if clients is None or None in clients:
                # Nothing is known of its entries, or of whom one of them is for.
                if host == backup:
                    return sorted(hosts)
                spared.add(backup)
            elif host == backup:
                # One line may be that of all instances of a machine, which share a key. Of an undeclared host the machine is not known.
                if not clients <= self._requirements.keys():
                    return sorted(hosts)
                spared.update(*(_machine(client, self._requirements) for client in clients if client is not None))
            elif clients & machine or not clients <= self._requirements.keys():
                # An undeclared host may be this machine under another name: instances share a user, and so the line.
                spared.add(backup)
            if found is not None and "barman" in self._requirements.get(host, {}) and _replicates(found):
                spared.add(backup)
        return sorted(spared.intersection(hosts))


def revocable_hosts(
    host: str, requirements: Mapping[str, Any], hosts: Collection[str], entries: Mapping[str, Entries]
) -> list[str]:
    """The inventory hosts of the run (hosts) whose lines in authorized_keys of that host may be removed, if no desired connection has them."""
    spared = set(Trust(requirements, entries).spared(host, hosts))
    return sorted(name for name in requirements if name in hosts and name not in spared)


def _machine(host: str, requirements: Mapping[str, Any]) -> set[str]:
    """All hosts of the inventory that are known to be that machine."""
    ends = (
        connection[end]
        for connection in requirements[host].get("ssh_connections", ())
        for end in ("from_hosts", "to_hosts")
    )
    return {host}.union(*(hosts for hosts in ends if host in hosts))


def _clients(found: Entries, declared: Collection[Mapping[str, Any]]) -> set[str | None]:
    """The hosts whose entries on a backup server still do what the inventory does not declare."""
    hosts = {entry["name"]: entry["host"] for entry in declared}
    staying = {entry["host"] for entry in found.others() if not entry["passive"]}
    return staying | {hosts.get(name) for name, dummy in found.open()}


def _replicates(found: Entries) -> bool:
    """Whether it has an undeclared passive copy; from which backup server is not noted in the entry."""
    return any(entry["passive"] for entry in found.others())
