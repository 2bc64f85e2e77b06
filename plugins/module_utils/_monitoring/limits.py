# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits that the inventory sets for a server, in seconds.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._barman.configuration import ServerConfiguration
from .._barman.options import parse_interval
from .._host.process import HostError


@dataclass(frozen=True)
class Limits:
    """Each by Barman's name of the server; 0 or none for no limit. backup: the age of the newest valid backup. drill: that of the last
    drill that passed. verification: how long a stored file may not be read."""

    backup: Mapping[str, float] = field(default_factory=dict)
    drill: Mapping[str, float] = field(default_factory=dict)
    verification: Mapping[str, float] = field(default_factory=dict)

    def backup_age(self, entry: ServerConfiguration) -> float:
        """Barman's own option comes first."""
        minutes = parse_interval(entry.get("last_backup_maximum_age") or "")
        return float(minutes * 60) if minutes else float(self.backup.get(entry.name, 0.0))

    def verification_age(self, entry: ServerConfiguration) -> float:
        return float(self.verification.get(entry.name, 0.0))

    def drill_age(self, entry: ServerConfiguration) -> float:
        return float(self.drill.get(entry.name, 0.0))


def limits_from(params: Mapping[str, Any]) -> Limits:
    """The limits in a module's arguments. Raises HostError."""
    found = []
    for name in ("backup_maximum_age", "drill_maximum_age", "verification_maximum_age"):
        try:
            found.append({str(server): float(seconds) for server, seconds in (params[name] or {}).items()})
        except (TypeError, ValueError) as exc:
            raise HostError(f"{name} has a value that is no number of seconds: {exc}") from None
    return Limits(*found)
