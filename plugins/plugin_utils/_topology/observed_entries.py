# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries in Barman's configuration that a run found on a backup server.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entries:
    """What module server found on a backup server, and the servers whose entries were written since, in the same run."""

    unlisted: Sequence[Mapping[str, Any]] = ()
    handing_over: Mapping[str, Sequence[str]] = field(default_factory=dict)
    former_slots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    written: frozenset[str] = frozenset()

    def open(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Declared entries that still have what is not declared, and what that is."""
        return ((name, former) for name, former in self.handing_over.items() if name not in self.written)

    def others(self) -> Iterator[Mapping[str, Any]]:
        """Active entries beside the declared ones."""
        return (entry for entry in self.unlisted if entry["active"] and entry["name"] not in self.written)
