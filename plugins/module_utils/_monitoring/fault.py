# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault of a server or of its host, and its kind.

This module util is private to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["warning", "critical"]


@dataclass(frozen=True)
class FaultKind:
    """name: of the alert. remedy: what to do; {server} stands for Barman's name of the server. hides: consequences that are not reported beside it."""

    name: str
    severity: Severity
    remedy: str
    hides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A fault of a server, or of a file system of the host. text: what was observed."""

    kind: FaultKind
    subject: str
    text: str

    @property
    def remedy(self) -> str:
        return self.kind.remedy.replace("{server}", self.subject)
