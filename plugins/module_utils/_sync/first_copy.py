# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first copy of a server to a passive node: how long it took, for the forecasts of pgdr.barman.preflight.

This module util is private to the collection. Barman records no times of a copy, so the operation that waits for the copy measures it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .._barman.catalog import Backup
from .._barman.ledger import append_record, new_record


@dataclass(frozen=True)
class FirstCopy:
    """started: in UTC. size: the bytes of the backups. seconds: until the last of them was there."""

    started: datetime
    backups: tuple[str, ...]
    size: int
    seconds: float

    def details(self) -> dict[str, Any]:
        """What the ledger has of it."""
        return {"backups": list(self.backups), "bytes": self.size, "seconds": round(self.seconds, 2)}

    def as_dict(self) -> dict[str, Any]:
        return {"time": self.started.isoformat(timespec="seconds"), **self.details()}


def first_copy(before: Iterable[Backup], after: Iterable[Backup], started: float, seconds: float) -> FirstCopy | None:
    """The copy that took place between; None if the passive node had a backup before, also one that is not complete, or has none now.

    started: seconds since the epoch.
    """
    copied = [one for one in after if one.done]
    if any(True for _one in before) or not copied:
        return None
    moment = datetime.fromtimestamp(started, timezone.utc)
    ids = tuple(sorted(one.backup_id for one in copied))
    return FirstCopy(moment, ids, sum(one.size or 0 for one in copied), seconds)


def record_first_copy(home: str, server: str, copied: FirstCopy, owner: str | None) -> None:
    """Append it to the ledger of the server. owner: Barman's user, if root runs this. Raises HostError."""
    append_record(home, new_record("first_copy", server, copied.started, copied.details(), passed=True), owner)
