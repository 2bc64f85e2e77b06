# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check of a server, and all checks of a server, as values.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

BARMAN = "barman"
OURS = "pgdr.barman"
_CONSEQUENCES = {
    "postgresql": ("pg_basebackup_compatible", "pg_receivexlog_compatible", "replication_slot"),
    # With two primaries, Barman may have asked the wrong one for its timeline.
    "cluster": ("foreign_timelines",),
    "postgresql_streaming": ("pg_basebackup_compatible", "pg_receivexlog_compatible"),
}


@dataclass(frozen=True)
class Check:
    """One check of one server. source: who made it, barman or pgdr.barman. healable: whether it can succeed by waiting."""

    name: str
    ok: bool
    hint: str = ""
    source: str = BARMAN
    healable: bool = True

    @property
    def key(self) -> str:
        return key_of(self.name)

    def __str__(self) -> str:
        return f"{self.name}: {self.hint or ('OK' if self.ok else 'FAILED')}"


@dataclass(frozen=True)
class MissingWal:
    """WAL segments that are missing. after_latest: after the latest valid backup, which then can't be rolled forward."""

    first: str
    last: str
    count: int
    after_latest: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "last": self.last,
            "count": self.count,
            "after_latest_backup": self.after_latest,
        }


@dataclass(frozen=True)
class ServerChecks:
    """All checks of one server, by key. backup_runs: whether a backup is being taken, or waits for its WAL."""

    name: str
    checks: Mapping[str, Check] = field(default_factory=dict)
    active: bool = True
    gaps: Sequence[MissingWal] = ()
    backup_runs: bool = False

    def failures(self, ignored: Collection[str] = ()) -> list[Check]:
        return [check for key, check in self.checks.items() if not check.ok and key not in ignored]

    def final(self, ignored: Collection[str] = ()) -> bool:
        """Whether checks failed, and none of them can succeed by waiting."""
        failures = self.failures(ignored)
        return bool(failures) and not any(check.healable for check in failures)

    def with_checks(self, more: Iterable[Check]) -> ServerChecks:
        return replace(self, checks=by_key([*self.checks.values(), *more]))

    def as_dict(self, ignored: Collection[str] = ()) -> dict[str, Any]:
        return {
            "ok": not self.failures(ignored),
            "active": self.active,
            "checks": {
                key: {
                    "name": check.name,
                    "ok": check.ok,
                    "hint": check.hint,
                    "ignored": key in ignored,
                    "source": check.source,
                    "healable": check.healable,
                }
                for key, check in self.checks.items()
            },
            "gaps": [gap.as_dict() for gap in self.gaps],
        }


def key_of(name: str) -> str:
    """A check's key from its name, as Barman makes it for JSON."""
    return name.strip().lower().replace(" ", "_").replace("-", "_").replace(".", "")


def by_key(checks: Iterable[Check]) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for check in checks:
        before = found.get(check.key)
        if before is None:
            found[check.key] = check
        elif before.ok != check.ok:
            found[check.key] = before if not before.ok else check
        elif check.hint and check.hint != before.hint:
            found[check.key] = replace(before, hint="; ".join(filter(None, [before.hint, check.hint])))
    return found


def failed(checks: ServerChecks, key: str) -> bool:
    return key in checks.checks and not checks.checks[key].ok


def reasons(servers: Mapping[str, ServerChecks], ignored: Collection[str] = ()) -> list[str]:
    """Each failed check in a sentence, but for those about which Barman reports nonsense if it has no connection."""
    return [
        f"server '{name}': {check}"
        for name, checks in servers.items()
        for check in checks.failures(ignored)
        if not any(check.key in keys and failed(checks, cause) for cause, keys in _CONSEQUENCES.items())
    ]
