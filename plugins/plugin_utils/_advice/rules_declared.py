# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that the inventory alone decides. A deployment reads them without a question to any host.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...module_utils._barman.options import parse_retention
from .._topology.hooks import EXPORTS, S3, Hook
from .._topology.model import SSL_MODES_REQUIRING, PostgresServer
from .architecture import Architecture, Entry, Findings, Rule
from .finding import finding


def second_copies(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        if not entry.copies and not any(_exports(entry)) and not entry.has_snapshots:
            yield finding(
                "no_second_copy",
                entry.server.host,
                f"{entry.backup.host} has the only copy: no passive node, no export",
            )


def _exports(entry: Entry) -> Iterator[tuple[Hook, S3 | None]]:
    for declared in (entry.server, entry.backup):
        for hook in declared.hooks.values():
            if any(hook.is_ready(kind) for kind in EXPORTS):
                yield hook, declared.s3 or entry.backup.s3


def zones(architecture: Architecture) -> Findings:
    """One finding a zone: all its servers have the same remedy."""
    alone: dict[str, list[str]] = {}
    for entry in architecture.entries:
        hosts = [entry.server.host, entry.backup.host, *(one.target for one in entry.copies)]
        found = {architecture.host(host).zone for host in hosts}
        if len(found) == 1 and "" not in found and not any(_exports(entry)):
            alone.setdefault(entry.server.zone, []).append(entry.server.host)
    for zone, servers in alone.items():
        yield finding("single_zone", zone, f"{_names(servers)} and all backups of them are in zone {zone}")


def zones_of_copies(architecture: Architecture) -> Findings:
    for (source, target), servers in architecture.replications.items():
        zone = architecture.host(target).zone
        if zone and zone == architecture.host(source).zone:
            yield finding(
                "passive_copy_same_zone",
                target,
                f"{target} replicates {_names([one.host for one in servers])} from {source}, and both are in zone {zone}",
                source,
            )


def objectives(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server = entry.server
        timeout = server.archive_timeout
        if server.rpo == 0 and not server.synchronous:
            yield finding("rpo_without_synchronous", server.host, "barman_rpo is 0, and barman_synchronous is false")
        elif server.streams:
            continue
        elif server.rpo is None:
            yield finding(
                "archive_only", server.host, f"barman_wal is archiving alone, archive_timeout is {timeout or 'never'}"
            )
        elif timeout is not None and (timeout == 0 or timeout > server.rpo):
            waiting = f"{timeout} s" if timeout else "never (0)"
            yield finding(
                "rpo_below_archive_timeout", server.host, f"barman_rpo is {server.rpo} s, archive_timeout is {waiting}"
            )


def monitoring(architecture: Architecture) -> Findings:
    for backup in architecture.topology.backup_servers.values():
        if not backup.variables.get("barman_monitoring") and not backup.allow_empty:
            yield finding("no_monitoring", backup.host, "barman_monitoring is empty")


def schedules(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server = entry.server
        if not server.drill_schedule and server.drill_maximum_age is None and not entry.has_snapshots:
            yield finding(
                "no_drill_schedule", server.host, "neither barman_drill_schedule nor barman_drill_maximum_age is set"
            )
        if not server.verification_schedule:
            yield finding("no_verification_schedule", server.host, "barman_verification_schedule is not set")
        if not server.backup_schedule:
            yield finding("no_backup_schedule", server.host, "barman_backup_schedule is empty")


def retention(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server = entry.server
        policy = parse_retention(server.retention_policy)
        if not server.retention_policy:
            yield finding("retention_unlimited", server.host, "barman_retention_policy is empty")
        elif policy is not None and policy.redundancy == 1 and server.minimum_redundancy < 2:
            yield finding("single_backup", server.host, f"barman_retention_policy is {server.retention_policy}")


def connections(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server, backup = entry.server, entry.backup
        if server.local_port != server.port:
            yield finding(
                "forwarded_path",
                server.host,
                f"Barman connects to port {server.port}, and PostgreSQL listens on port {server.local_port}",
            )
        if server.zone and backup.zone and server.zone != backup.zone and server.sslmode not in SSL_MODES_REQUIRING:
            yield finding(
                "plain_connection_across_zones",
                server.host,
                f"barman_sslmode is {server.sslmode}, from zone {backup.zone} to zone {server.zone}",
            )


def exports(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        for hook, bucket in _exports(entry):
            if hook.is_ready("s3") and bucket is not None and not bucket.encryption:
                yield finding(
                    "export_unencrypted",
                    entry.server.host,
                    f"{hook.name} exports to {bucket.url} without encryption",
                    bucket.url,
                )


def same_address(architecture: Architecture) -> Findings:
    """Hosts of the inventory that Ansible reaches at the same address."""
    for entry in architecture.entries:
        if entry.backup.host in architecture.machines.get(entry.server.host, ()):
            yield finding("same_machine", entry.server.host, _same_address(entry.server, entry.backup.host))


def _same_address(server: PostgresServer, backup: str) -> str:
    if server.host == backup:
        return f"{backup} is in both groups"
    return f"the inventory has the same address for {backup} ({server.address})"


def _names(hosts: list[str]) -> str:
    """The first hosts, and how many more there are."""
    shown = ", ".join(sorted(hosts)[:5])
    return shown if len(hosts) <= 5 else f"{shown} and {len(hosts) - 5} more"


DECLARED_RULES: tuple[Rule, ...] = (
    second_copies,
    zones,
    zones_of_copies,
    objectives,
    monitoring,
    schedules,
    retention,
    connections,
    exports,
    same_address,
)
