# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which recoveries damaged files cut off.

This module util is private to the collection. Nothing here reads the files' content.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from .._barman import catalog
from .._barman.archive import Archive
from .._barman.catalog import Backup
from .._host.process import HostError
from .._monitoring.information import window_facts
from .._monitoring.recovery_window import RecoveryWindow, contiguous, recovery_windows
from .._postgres import wal


@dataclass(frozen=True)
class ShortenedRecovery:
    """Recoveries from these backups end at a segment, and went on to another one without the damage."""

    backups: tuple[str, ...]
    last_wal: wal.Segment
    intended: wal.Segment


@dataclass(frozen=True)
class Consequences:
    """lost: the backups that can't be restored, or whose own WAL is damaged. windows: what can still be recovered. unknown: why that is not known."""

    lost: tuple[str, ...] = ()
    shortened: tuple[ShortenedRecovery, ...] = ()
    windows: tuple[RecoveryWindow, ...] = ()
    unknown: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "lost_backups": list(self.lost),
            "shortened": [
                {"backups": list(one.backups), "last_wal": str(one.last_wal), "intended": str(one.intended)}
                for one in self.shortened
            ],
            "recovery_windows": [window_facts(one) for one in self.windows],
            "unknown": self.unknown or None,
        }

    def __str__(self) -> str:
        """What is cut off, as sentences without the last full stop; "" if nothing is."""
        texts = [f"backup {', '.join(self.lost)} can't be recovered from"] if self.lost else []
        texts += [
            f"recoveries from backup {', '.join(one.backups)} end at WAL segment {one.last_wal}, and not at {one.intended}"
            for one in self.shortened
        ]
        texts += [f"what is cut off is not known: {self.unknown}"] if self.unknown else []
        return ". ".join(texts)


def consequences(
    backups: Sequence[Backup],
    archive: Archive,
    damaged_backups: Collection[str],
    damaged_segments: Collection[wal.Segment],
    written: Callable[[str], float | None],
) -> Consequences:
    """What the damages cut off. archive: all WAL of the server. damaged_segments: also those that are missing. written: when a file was last written."""
    broken = set(damaged_backups)
    for backup in backups:
        if backup.backup_id in damaged_backups:
            broken |= {one.backup_id for one in catalog.dependents(backups, backup)}
    intact = [one for one in backups if one.backup_id not in broken]
    left = {segment: path for segment, path in archive.segments.items() if segment not in damaged_segments}
    remaining = Archive(left, archive.partials, archive.histories, archive.segment_size)
    whole = {**dict.fromkeys(damaged_segments, ""), **archive.segments}
    undamaged = Archive(whole, archive.partials, archive.histories, archive.segment_size)
    try:
        before = _reached(recovery_windows(backups, undamaged, contiguous(undamaged), written))
        windows = recovery_windows(intact, remaining, contiguous(remaining), written)
    except HostError as exc:
        return Consequences(tuple(sorted(broken)), unknown=str(exc))
    after = _reached(windows)
    lost = broken | {backup_id for backup_id in before if backup_id not in after}
    together: dict[tuple[wal.Segment, wal.Segment], list[str]] = {}
    for backup_id, last in after.items():
        if last != before.get(backup_id, last):
            together.setdefault((last, before[backup_id]), []).append(backup_id)
    shortened = [ShortenedRecovery(tuple(sorted(ids)), *ends) for ends, ids in sorted(together.items())]
    return Consequences(tuple(sorted(lost)), tuple(shortened), tuple(windows))


def _reached(windows: Sequence[RecoveryWindow]) -> dict[str, wal.Segment]:
    """The last segment of a recovery from each backup."""
    return {backup_id: window.last_wal for window in windows for backup_id in window.backups}
