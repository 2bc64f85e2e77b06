# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What contradicts itself between variables, hosts and Barman's own rules: a list of rules, each with its own messages.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from . import rules_backup_servers, rules_clusters, rules_options, rules_servers
from .model import BackupServer, PassiveCopy, PostgresServer, Problem, Topology
from .rule import Facts, Findings

SERVER_RULES: tuple[Callable[[Facts, PostgresServer], Findings], ...] = (
    rules_servers.named_hosts,
    rules_servers.backup_and_wal_methods,
    rules_servers.tls_settings,
    rules_servers.reachability,
    rules_servers.sources_of_wal,
    rules_clusters.member,
    rules_options.hook_scripts,
)
BACKUP_SERVER_RULES: tuple[Callable[[Facts, BackupServer], Findings], ...] = (
    rules_backup_servers.passive_of,
    rules_backup_servers.notifications,
    rules_backup_servers.own_directories,
    rules_backup_servers.allow_empty,
    rules_backup_servers.entries_together,
    rules_options.global_options_of,
    rules_options.global_hooks,
)
PASSIVE_COPY_RULES: tuple[Callable[[Facts, PassiveCopy], Findings], ...] = (rules_backup_servers.passive_copies,)
TOPOLOGY_RULES: tuple[Callable[[Facts], Findings], ...] = (
    rules_options.entries,
    rules_servers.service_users,
    rules_servers.slot_names,
    rules_clusters.addresses,
)


class Verdict(NamedTuple):
    """All problems and warnings, sorted."""

    problems: list[Problem]
    warnings: list[str]


def validate(topology: Topology) -> Verdict:
    """Everything that is wrong with the topology as a whole."""
    findings = set(_findings(Facts.of(topology)))
    return Verdict(
        sorted(finding for finding in findings if isinstance(finding, Problem)),
        sorted(finding for finding in findings if isinstance(finding, str)),
    )


def _findings(facts: Facts) -> Iterable[Problem | str]:
    for server in facts.pg.values():
        for server_rule in SERVER_RULES:
            yield from server_rule(facts, server)
    for backup in facts.backups.values():
        for backup_rule in BACKUP_SERVER_RULES:
            yield from backup_rule(facts, backup)
    for passive_copy in facts.topology.passive_copies:
        for copy_rule in PASSIVE_COPY_RULES:
            yield from copy_rule(facts, passive_copy)
    for rule in TOPOLOGY_RULES:
        yield from rule(facts)
