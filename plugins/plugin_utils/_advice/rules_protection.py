# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules about PostgreSQL's part of the protection, and about the proof of a restore.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .architecture import Architecture, Findings, Rule
from .facts import whole
from .finding import Unmeasured, finding


def clusters(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server, database = entry.server, architecture.database(entry.server)
        if database is None or database.checksums is None:
            yield Unmeasured("no_data_checksums", server.host, "an answer of PostgreSQL")
        elif not database.checksums:
            yield finding("no_data_checksums", server.host, "data_checksums is off")
        sender = architecture.topology.postgres_servers.get(server.primary or "", server)
        limit = getattr(architecture.database(sender), "slot_limit", None)
        if not server.streams:
            continue
        if limit is None:
            yield Unmeasured("slot_without_limit", sender.host, "an answer of PostgreSQL")
        elif limit < 0:
            yield finding("slot_without_limit", sender.host, "max_slot_wal_keep_size is -1")


def slots(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server = entry.server
        if not server.streams:
            continue
        report = architecture.report_of(entry.backup.host, server) or {}
        receiver = report.get("receiver")
        if _section(report, "postgresql").get("reach") != "answered" or not isinstance(receiver, Mapping):
            yield Unmeasured("no_slot", server.host, "a deployment, and an answer of PostgreSQL")
        elif receiver.get("slot") is None:
            yield finding("no_slot", server.host, f"PostgreSQL has no slot {server.slot_name}")


def synchronous(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        server = entry.server
        if not server.synchronous:
            continue
        postgresql = _section(architecture.report_of(entry.backup.host, server) or {}, "postgresql")
        connected, required = (
            whole(postgresql.get(name)) for name in ("synchronous_standbys", "synchronous_standbys_required")
        )
        if connected is None or required is None:
            yield Unmeasured("synchronous_without_spare", server.host, "a deployment, and an answer of PostgreSQL")
        elif required > 0 and connected <= required:
            evidence = f"commits wait for {required} synchronous standby, and {connected} is connected"
            yield finding("synchronous_without_spare", server.host, evidence)


def drills(architecture: Architecture) -> Findings:
    for entry in architecture.entries:
        if entry.has_snapshots:
            continue
        report = architecture.report_of(entry.backup.host, entry.server)
        if not report or report.get("last_backup") is None:
            yield Unmeasured("never_drilled", entry.server.host, "a backup")
        elif report.get("last_proven_restore") is None:
            evidence = f"the ledger of server '{entry.server.name}' on {entry.backup.host} has no drill that passed"
            yield finding("never_drilled", entry.server.host, evidence)


def _section(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = report.get(name)
    return found if isinstance(found, Mapping) else {}


PROTECTION_RULES: tuple[Rule, ...] = (clusters, slots, synchronous, drills)
