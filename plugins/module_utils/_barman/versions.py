# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Barman's versions: reading, writing and comparing them."""

from __future__ import annotations

import re

Version = tuple[int, ...]

#: The oldest and the newest Barman whose options this collection knows.
OLDEST: Version = (3, 4, 0)
NEWEST: Version = (3, 20, 1)

#: Since these versions Barman reports more of a backup to a passive server. An older passive server refuses the new
#: attributes ("unknown attribute"). A newer one reads what an older source reports. Measured with `make matrix`.
PASSIVE_BOUNDARIES: tuple[Version, ...] = ((3, 11, 0), (3, 12, 1), (3, 14, 0))
#: From the first of these versions to before the second, a source reports a server without its name. Barman on the passive node
#: then fails at a backup that is obsolete by its own retention policy. Source: EnterpriseDB/barman#1125, barman/server.py.
NAMELESS_SOURCE: tuple[Version, Version] = ((3, 16, 0), (3, 17, 0))
#: Since this version Barman runs the program "file" on backups and WAL.
FILE_PROGRAM: Version = (3, 14, 0)

_VERSION = re.compile(r"^\s*(?:barman\s+)?(\d+)\.(\d+)(?:\.(\d+))?(?:[^\d.].*)?\s*$", re.IGNORECASE)


def parse_version(text: str) -> Version | None:
    """The version in C(3.13.3), C(3.13) or the output of C(barman --version); None if there is none."""
    match = _VERSION.match(text)
    if match is None:
        return None
    major, minor, patch = match.groups()
    return int(major), int(minor), int(patch or 0)


def format_version(version: Version) -> str:
    """C((3, 13, 3)) as 3.13.3; a trailing zero patch is left out: 3.14."""
    parts = list(version)
    if len(parts) == 3 and parts[2] == 0:
        parts.pop()
    return ".".join(str(part) for part in parts)


def passive_boundary(source: Version, passive: Version) -> Version | None:
    """The first version of a passive node's Barman that can read what this source reports; None where it can already."""
    return next((one for one in reversed(PASSIVE_BOUNDARIES) if source >= one > passive), None)


def nameless_source(source: Version) -> bool:
    """Whether a source of this version reports servers without their names to passive nodes."""
    return NAMELESS_SOURCE[0] <= source < NAMELESS_SOURCE[1]
