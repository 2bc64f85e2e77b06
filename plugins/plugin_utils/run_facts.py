# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a run handed on, as values. Actions read it from the facts that the roles document.

Private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.module_utils._server.undeclared import decommission_command
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import ssh_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.handover import (
    HostPlan,
    Observed,
    Operation,
    Postgres,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import as_plain
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.observed_entries import Entries
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.requirement_types import SshConnection

ENTRIES = "barman_entries"
WRITTEN = "barman_entries_written"
OPERATION = "barman_operation"
PRUNED_INCOMING = "barman_incoming_pruned"
POSTGRES = "barman_postgres"
STOPPED = "barman_archiving_stopped"
REPLICATION = "barman_replication"
SSH_KEYS = "barman_ssh_keys"
SSH_TRUST = "barman_ssh_trust"
HOST_STATES = {"postgres": "barman_pg_host_state", "barman": "barman_backup_host_state"}


_REFERENCE = re.compile(r"\s*\{\{\s*(\w+)\s*\}\}\s*")


def topology_of(name: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """What action topology returned, from the variable of that name, which may be a reference to another one.

    As an argument, the topology of a thousand hosts would be copied in each task.
    """
    found, names = variables.get(name), [name]
    while isinstance(found, str):
        reference = _REFERENCE.fullmatch(found)
        if reference is None or reference[1] in names:
            break
        names.append(reference[1])
        found = variables.get(reference[1])
    if not isinstance(found, Mapping) or "requirements" not in found:
        raise AnsibleActionFail(
            f"{' -> '.join(names)}: this variable has to be what pgdr.barman.topology returned; register its result, and name that variable with topology"
        )
    return found


def of_all_hosts(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variable of that name of every host of the play that has it, by host."""
    hosts = ((host, variables["hostvars"][host]) for host in variables["ansible_play_hosts"])
    return {host: own[name] for host, own in hosts if name in own}


def lost_hosts(results: Mapping[str, Any], variables: Mapping[str, Any]) -> set[str]:
    """The hosts that the play lost before this task. A host that was not reached stays in the play if its task ignores that."""
    lost = set(variables["ansible_play_hosts_all"]) - set(variables["ansible_play_hosts"])
    return lost | {host for host, one in results.items() if isinstance(one, Mapping) and one.get("unreachable")}


def require_host(name: str, topology: object, host: str) -> None:
    """Raise AnsibleFilterError if this is not what action topology returned, with the host in it. name: the filter's, for the message."""
    if not isinstance(topology, Mapping) or host not in topology.get("requirements", {}):
        raise AnsibleFilterError(f"{name} needs what pgdr.barman.topology returned, with the host {host!r} in it")


def entries_of(result: Mapping[str, Any] | None, written: Mapping[str, Any] | None = None) -> Entries | None:
    """The entries in a result of module server; None if it did not run, or failed."""
    if not _succeeded(result) or "unlisted" not in (result or {}):
        return None
    found = result or {}
    names = frozenset((written or {}).get("servers") or ()) if _succeeded(written) else frozenset()
    return Entries(found["unlisted"], found.get("handing_over") or {}, found.get("former_slots") or {}, names)


def observed(
    hosts: Iterable[str], hostvars: Mapping[str, Any], topology: Mapping[str, Any], *, whole: bool
) -> Observed:
    """What the hosts of the run handed on."""
    entries: dict[str, Entries] = {}
    operations: dict[str, Operation] = {}
    postgres: dict[str, Postgres] = {}
    names = frozenset(hosts)
    for host in names:
        facts = hostvars[host]
        if host in topology["backup_servers"]:
            found = entries_of(facts.get(ENTRIES), facts.get(WRITTEN))
            if found is not None:
                entries[host] = found
            state = facts.get(OPERATION)
            if state is not None and "healthy" in state:
                pruned = facts.get(PRUNED_INCOMING)
                operations[host] = Operation(
                    frozenset(state["healthy"]),
                    frozenset(state["with_backup"]),
                    frozenset(state["incoming"]),
                    frozenset((pruned or {}).get("servers") or ()) if _succeeded(pruned) else frozenset(),
                )
        if host in topology["postgres_servers"] and _succeeded(facts.get(POSTGRES)):
            state, stopped = facts.get(POSTGRES), facts.get(STOPPED)
            postgres[host] = Postgres(
                archives=bool(state["archives_undeclared"]),
                stopped=bool(_succeeded(stopped) and stopped.get("changed")),
                foreign_archiving=bool(state["foreign_archiving"]),
                rules_undeclared=bool(state["rules_undeclared"]),
            )
    return Observed(names, entries, operations, postgres, whole)


def may_have_ssh_trust(required: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether authorized_keys of a host may have lines of this collection. required: the host's requirements.

    False only if no connection ends there, and each part of the host found none before this run wrote any.
    """
    if required["ssh_connections"]:
        return True
    found = [facts.get(name) for part, name in HOST_STATES.items() if part in required]
    return not all(_succeeded(one) and not (one or {}).get("ssh_trust_users", True) for one in found)


def known_keys(connections: Iterable[SshConnection], hostvars: Mapping[str, Any]) -> ssh_lines.KnownKeys:
    """The keys of both hosts of these connections, as far as this run has read or made them."""
    users: dict[str, dict[str, str]] = {}
    hosts: dict[str, list[str]] = {}
    for host in {host for connection in connections for host in (*connection["from_hosts"], *connection["to_hosts"])}:
        if host not in hostvars:
            continue
        variables = hostvars[host]
        made = (variables.get(SSH_KEYS) or {}).get("results") or []
        users[host] = {one["item"]: one["public_key"] for one in made if one.get("public_key")}
        facts = variables.get("ansible_facts") or {}
        hosts[host] = [
            f"{facts[f'ssh_host_key_{kind}_public_keytype']} {facts[f'ssh_host_key_{kind}_public']}"
            for kind in ssh_lines.HOST_KEY_TYPES
            if f"ssh_host_key_{kind}_public" in facts
        ]
    return ssh_lines.KnownKeys(users, hosts)


def as_result(plan: HostPlan) -> dict[str, Any]:
    """A host's plan as action handover returns it."""
    steps = {}
    for step in plan.steps:
        arguments = as_plain(step)
        del arguments["name"]
        steps[step.name.value] = arguments
    return {"steps": steps, "waiting": list(plan.waiting), "trusted": list(plan.trusted)}


def _succeeded(result: Mapping[str, Any] | None) -> bool:
    return result is not None and not result.get("skipped") and not result.get("failed")


def undeclared(host: str, facts: Mapping[str, Any]) -> list[str]:
    """What a host has that the inventory of this run does not declare, each with what to do.

    Nothing of it is removed: this run's inventory may only hide it.
    """
    entries, postgres, trust = (_result(facts, name) for name in (ENTRIES, POSTGRES, SSH_TRUST))
    found = [
        f"WARNING: {host}, server '{entry['name']}': {entry['hint']}." for entry in entries.get("undeclared") or ()
    ]
    if postgres.get("unknown_rules"):
        found.append(
            f"WARNING: pg_hba.conf of {host} has rules for addresses that no backup server of this run's inventory has: "
            f"{'; '.join(postgres['unknown_rules'])}. They stay. Put the backup server back into the inventory, decommission it (ansible-playbook "
            "pgdr.barman.decommission -i INVENTORY -e barman_decommission_backup_server=NAME), and remove it again, or remove the lines manually."
        )
    if trust.get("unknown"):
        found.append(
            f"WARNING: authorized_keys on {host} authorizes hosts that are not in the groups of this run's inventory: {'; '.join(trust['unknown'])}. They "
            f"stay. Put the hosts back into the inventory, or end their backups: {decommission_command('NAME')}"
        )
    if postgres.get("foreign_archiving"):
        found.append(
            f"WARNING: PostgreSQL on {host} archives its WAL, and the inventory does not declare it: {postgres['foreign_archiving']}. It stays, and so does "
            "what it sends to Barman. Write barman_wal: [streaming, archiving] and barman_archive_overwrite: true to have this collection archive, or reset it."
        )
    if postgres.get("idle_slots"):
        found.append(
            f"WARNING: PostgreSQL on {host} has inactive physical replication slots that no entry of this inventory uses: "
            f"{', '.join(postgres['idle_slots'])}. Each keeps WAL until the disk is full. If nobody needs it, drop it with pg_drop_replication_slot(). "
            "If a removed server left it: "
            f"{decommission_command('NAME')}"
        )
    return found


def _result(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if found is not None and _succeeded(found) else {}
