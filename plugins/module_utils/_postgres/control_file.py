# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The beginning of PostgreSQL's global/pg_control: whose data a directory has, and of when.

This module util is private to the collection. It is the same from PostgreSQL 13 to 18, on little-endian machines; pg_controldata reads all of
it, but comes with one version of the server.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

#: So many bytes of the file are needed.
LENGTH = 56
_BEGINNING = struct.Struct("<QIIi4xqQQI")
# From PG_CONTROL_VERSION of PostgreSQL 13 to beyond that of 18; anything else is read wrongly.
_VERSIONS = range(1300, 2000)


@dataclass(frozen=True)
class ControlFile:
    """checkpoint: the start of the last checkpoint's record. redo: the start of a recovery from it."""

    system_identifier: int
    checkpoint: int
    redo: int
    timeline: int


def parse(data: bytes) -> ControlFile | None:
    """The content of the file; None where it is not one that can be read here."""
    if len(data) < _BEGINNING.size:
        return None
    system, version, _catalog, _state, _time, checkpoint, redo, timeline = _BEGINNING.unpack_from(data)
    if version not in _VERSIONS:
        return None
    return ControlFile(system, checkpoint, redo, timeline)
