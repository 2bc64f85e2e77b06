# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delete a backup with Barman, and everything that needs it; protect a backup from deletion.

This module util is private to the collection.

Barman deletes a full backup together with all increments on it, and only reports that. Before 3.15, Barman counts increments as
backups, so it can delete the last full one although minimum_redundancy is 1. This module util decides both before it calls Barman.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._barman.catalog import SHORTCUTS, Backup, CatalogError, dependents, find
from .._barman.command import BarmanError
from .._barman.configuration import ServerConfiguration
from .._barman.server import Server
from .._host.process import HostError

TARGETS = ("full", "standalone")


class RemovalError(HostError):
    """The backup is not deleted, or not kept; the text has the reason and the remedy."""


@dataclass(frozen=True)
class Removal:
    """What is deleted: the requested backup, and the increments that need it. Empty where it is gone already."""

    backups: tuple[Backup, ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.backups)


@dataclass(frozen=True)
class Keeping:
    """What becomes of a backup's keep annotation; target None: it is removed."""

    backup: Backup | None
    target: str | None

    @property
    def changes(self) -> bool:
        return self.backup is not None and self.backup.keep != self.target


def plan_removal(server: ServerConfiguration, backups: Sequence[Backup], requested: str, *, dependent: bool) -> Removal:
    """Decide what goes. dependent: increments may go, too. Raises RemovalError with everything that speaks against it."""
    if requested in SHORTCUTS:
        raise RemovalError(
            f"backup_id '{requested}' names another backup each time: set the id or the name of the backup to delete"
        )
    backup = _find_or_none(backups, requested, server.name)
    if backup is None:
        return Removal()
    increments = dependents(backups, backup)
    problems: list[str] = []
    if server.passive and backup.done:
        problems.append(
            f"server '{server.name}' is passive on this host, and its next synchronization would copy the backup "
            "again: delete it "
            "on its source backup server"
        )
    going = [backup, *increments]
    for one in going:
        if one.keep is not None:
            problems.append(
                f"backup {one.backup_id} is kept ({one.keep}): release it first, with pgdr.barman.backup_keep and "
                "state absent"
            )
        if one.status in ("EMPTY", "STARTED"):
            problems.append(f"backup {one.backup_id} is being taken now: wait for its end")
    if increments and not dependent:
        problems.append(
            "incremental backups need {} and would be deleted with it: {}. Set 'dependents: true' if this is "
            "intended".format(backup.backup_id, ", ".join(one.backup_id for one in increments))
        )
    problems += _redundancy(server, backups, backup)
    if problems:
        raise RemovalError(f"backup {backup.backup_id} of server '{server.name}' is not deleted: {'; '.join(problems)}")
    return Removal(tuple(going))


def _redundancy(server: ServerConfiguration, backups: Sequence[Backup], backup: Backup) -> list[str]:
    minimum = int(server.get("minimum_redundancy") or 0)
    full = [one.backup_id for one in backups if one.done and not one.incremental]
    if not backup.done or backup.incremental or len(full) > minimum:
        return []
    return [
        "minimum_redundancy is {}, and there {}: {}".format(
            minimum, "is one backup that counts" if len(full) == 1 else f"are {len(full)} that count", ", ".join(full)
        )
    ]


def remove(server: Server, removal: Removal) -> None:
    """Have Barman delete it, and see that all of it is gone. Raises RemovalError."""
    backup = removal.backups[0]
    reply = server.barman.json("delete", server.name, backup.backup_id)
    left = {one.backup_id for one in server.backups_now()}
    there = [one.backup_id for one in removal.backups if one.backup_id in left]
    if there or not reply.ok:
        reported = "; ".join([*reply.warnings, *reply.errors]) or reply.reason
        raise RemovalError(
            "backup {} of server '{}' is not deleted: {}. {}".format(
                backup.backup_id,
                server.name,
                reported,
                "These remain: {}".format(", ".join(there))
                if there
                else "It is not in the catalog any more nevertheless",
            )
        )


def plan_keeping(server: ServerConfiguration, backups: Sequence[Backup], requested: str, target: str | None) -> Keeping:
    """Decide what becomes of the annotation. Raises RemovalError where the backup can't be kept."""
    if target is None and requested not in SHORTCUTS:
        return Keeping(_find_or_none(backups, requested, server.name), None)
    try:
        backup = find(backups, requested, server.name)
    except CatalogError as exc:
        raise RemovalError(str(exc)) from None
    if target is None:
        return Keeping(backup, None)
    if backup.incremental:
        root = backup
        known = {one.backup_id: one for one in backups}
        while root.parent_backup_id in known:
            root = known[root.parent_backup_id]
        raise RemovalError(
            f"backup {backup.backup_id} of server '{server.name}' is incremental, and Barman keeps only full backups, "
            "with their increments: keep "
            f"{root.backup_id}, with target full"
        )
    if not backup.done:
        raise RemovalError(
            f"backup {backup.backup_id} of server '{server.name}' is {backup.status}: only one that is DONE can be kept"
        )
    return Keeping(backup, target)


def keep(server: Server, keeping: Keeping) -> Backup:
    """Have Barman write the annotation or take it away, and see that it is so. Raises RemovalError."""
    if keeping.backup is None:
        raise RemovalError("there is no backup to keep")
    arguments = ["--release"] if keeping.target is None else ["--target", keeping.target]
    reply = server.barman.json("keep", *arguments, server.name, keeping.backup.backup_id)
    found = _find_or_none(server.backups_now(), keeping.backup.backup_id, server.name)
    if not reply.ok or found is None or found.keep != keeping.target:
        raise BarmanError(
            "Barman did not {} backup {} of server '{}': {}".format(
                "release" if keeping.target is None else "keep",
                keeping.backup.backup_id,
                server.name,
                reply.reason if not reply.ok else "Barman reported success",
            ),
            reply,
        )
    return found


def _find_or_none(backups: Sequence[Backup], requested: str, server_name: str) -> Backup | None:
    known = {backup.backup_id: backup for backup in backups}
    named = [backup for backup in backups if backup.name == requested]
    if requested in known:
        return known[requested]
    if len(named) > 1:
        raise RemovalError(
            "several backups of server '{}' have the name '{}', set an id instead: {}".format(
                server_name, requested, ", ".join(backup.backup_id for backup in named)
            )
        )
    return named[0] if named else None
