# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a recovery's verification as a value.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._host.process import HostError


class RecoveryVerificationError(HostError):
    """What was recovered is not what it should be. facts: what is known until then; the module returns them as its test."""

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = dict(facts or {})
        self.details = {"test": self.facts}


@dataclass(frozen=True)
class VerificationQuery:
    """A query, and the result that proves the recovery; expected is False if any result is right."""

    query: str
    database: str = "postgres"
    expect: Any = None
    expected: bool = False


@dataclass(frozen=True)
class VerificationRequest:
    """What to verify.

    timeout: seconds. leave_locked: a query that waits for the recovery's own locks is no failure. finish: let the recovery end after the
    queries, and run the locked ones then; only for a copy that is removed afterwards. amcheck: check
    all relations after that.
    """

    data_directory: str
    bin_directory: str | None = None
    user: str | None = None
    database_user: str = "postgres"
    target_lsn: str | None = None
    promote: bool = False
    checksums: bool = False
    queries: tuple[VerificationQuery, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 1800.0
    leave_locked: bool = False
    finish: bool = False
    amcheck: bool = False
