# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules about what hosts share: machine, hypervisor, disk, storage, SSH key.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from .architecture import Architecture, Findings, Rule
from .facts import MEMORY_FILE_SYSTEMS, FileSystem
from .finding import Unmeasured, finding

#: SHA256: and eight characters.
_SHORT_KEY = 15
_FACTS = "facts of both hosts"
_DISKS = "the disks below the data directory and barman_home"
_DISKS_OF_COPIES = "the disks below barman_home of both hosts"


def _shared_machine(architecture: Architecture, host: str, other: str) -> str:
    """What makes both one machine; empty if they are two, or if nothing is known."""
    if other in architecture.machines.get(host, ()):
        return "both have the same address in the inventory"
    kernel = architecture.kernel(host)
    if kernel and kernel == architecture.kernel(other):
        return f"one running kernel ({kernel})"
    return ""


def _shared_hypervisor(architecture: Architecture, host: str, other: str) -> str:
    hypervisor = architecture.hypervisor(host)
    return hypervisor if hypervisor and hypervisor == architecture.hypervisor(other) else ""


def _known(architecture: Architecture, *hosts: str) -> bool:
    return all(architecture.kernel(host) for host in hosts)


def machines_of_servers(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        host, backup = entry.server.host, entry.backup.host
        machine, hypervisor = (shared(architecture, host, backup) for shared in (_shared_machine, _shared_hypervisor))
        if machine:
            yield finding("same_machine", host, f"{host} and {backup} are one machine: {machine}")
        elif not _known(architecture, host, backup):
            yield Unmeasured("same_machine", host, _FACTS)
        elif hypervisor:
            yield finding("same_hypervisor", host, f"{host} and {backup} run on {hypervisor}")
        elif not all(map(architecture.hypervisor, (host, backup))):
            yield Unmeasured("same_hypervisor", host, "barman_hypervisor of both hosts")


def machines_of_copies(architecture: Architecture) -> Findings:
    for source, target in architecture.replications:
        machine, hypervisor = (shared(architecture, source, target) for shared in (_shared_machine, _shared_hypervisor))
        if machine or hypervisor:
            where = f"are one machine: {machine}" if machine else f"run on {hypervisor}"
            yield finding("copies_share_machine", target, f"{source} and {target} {where}", source)
        elif not _known(architecture, source, target):
            yield Unmeasured("copies_share_machine", target, _FACTS)


def machines_of_members(architecture: Architecture) -> Findings:
    """Of several servers on one machine, each but the first has a finding."""
    index, servers = architecture.index, architecture.topology.postgres_servers
    groups = [[primary, *(one.host for one in standbys)] for primary, standbys in index.standbys.items()]
    groups += [[one.host for one in members] for members in index.members.values()]
    for group in groups:
        hosts = [host for host in group if host in servers]
        for number, other in enumerate(hosts):
            before = hosts[:number]
            first = next((host for host in before if _shared_machine(architecture, host, other)), None)
            if first is not None:
                machine = _shared_machine(architecture, first, other)
                yield finding("members_share_machine", other, f"{first} and {other} are one machine: {machine}", first)
            elif not all(_known(architecture, host, other) for host in before):
                yield Unmeasured("members_share_machine", other, _FACTS)


def storage_of_servers(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        data, home = architecture.data(entry.server), architecture.home(entry.backup)
        host = entry.server.host
        if data is None or home is None:
            yield Unmeasured("same_disk", host, "the data directory and barman_home")
            continue
        same_machine = bool(_shared_machine(architecture, host, entry.backup.host))
        evidence = f"{host}: {data}; {entry.backup.host}: {home}"
        found = _shared_storage(data, home, same_machine=same_machine)
        if found is None:
            yield Unmeasured("same_disk", host, _DISKS)
        elif found:
            yield finding(found, host, evidence)


def _shared_storage(first: FileSystem, second: FileSystem, *, same_machine: bool) -> str | None:
    """The code of the finding; empty if both are on storage of their own, and None if that is not known.

    Names of disks mean something on one machine only, except WWNs.
    """
    if first.is_remote and second.is_remote:
        if first.storage_server != second.storage_server or not first.storage_server:
            return ""
        return "same_nfs_export" if _nested(first.export, second.export) else "same_nfs_server"
    if first.is_remote or second.is_remote:
        return ""
    if same_machine and first.device and first.device == second.device:
        return "same_disk"
    if first.disks is None or second.disks is None:
        return None
    disks = set(first.disks) & set(second.disks)
    return "same_disk" if any(same_machine or ":" in disk for disk in disks) else ""


def _nested(first: str, second: str) -> bool:
    ends = [f"{path.rstrip('/')}/" for path in (first, second)]
    return ends[0].startswith(ends[1]) or ends[1].startswith(ends[0])


def storage_of_copies(architecture: Architecture) -> Findings:
    for source, target in architecture.replications:
        homes = [architecture.home(architecture.topology.backup_servers[host]) for host in (source, target)]
        first, second = homes
        if first is None or second is None:
            yield Unmeasured("copies_share_storage", target, "barman_home of both hosts")
            continue
        same_machine = bool(_shared_machine(architecture, source, target))
        found = _shared_storage(first, second, same_machine=same_machine)
        if found is None:
            yield Unmeasured("copies_share_storage", target, _DISKS_OF_COPIES)
        elif found:
            yield finding("copies_share_storage", target, f"{source}: {first}; {target}: {second}", source)


def homes(architecture: Architecture) -> Findings:
    for backup in architecture.topology.backup_servers.values():
        home = architecture.home(backup)
        if home is None:
            yield Unmeasured("volatile_storage", backup.host, "barman_home")
        elif home.kind in MEMORY_FILE_SYSTEMS:
            yield finding("volatile_storage", backup.host, str(home))
        elif home.mountpoint == "/" and not home.is_remote:
            yield finding("home_on_root_disk", backup.host, str(home))


def ssh_keys(architecture: Architecture) -> Findings:
    """One finding for each key: the same machine may have several hosts of the inventory, and has one key for all."""
    holders: dict[str, list[str]] = {}
    for host in sorted(architecture.facts):
        for key in {key for keys in architecture.facts[host].ssh_keys.values() for key in keys}:
            there = holders.setdefault(key, [])
            if not any(_shared_machine(architecture, host, other) for other in there):
                there.append(host)
    for key, hosts in sorted(holders.items()):
        if len(hosts) > 1:
            # The key is a part of the subject: who accepts one shared key accepts no other.
            yield finding("shared_ssh_key", f"{hosts[0]} {key[:_SHORT_KEY]}", f"{', '.join(hosts)} have the key {key}")


PLACEMENT_RULES: tuple[Rule, ...] = (
    machines_of_servers,
    machines_of_copies,
    machines_of_members,
    storage_of_servers,
    storage_of_copies,
    homes,
    ssh_keys,
)
