# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases are pinned, which of them meet as source and passive node, and what is expected of such a pair. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.pgdr.barman.plugins.module_utils._barman.versions import Version, passive_boundary

_PINNED = re.compile(r"^barman==(?P<release>\d+(?:\.\d+)+) --hash=sha256:[0-9a-f]{64}$")


@dataclass(frozen=True)
class Source:
    """A release of the backup server, and those of the passive nodes that replicate from it."""

    release: str
    passives: tuple[str, ...]


def pinned(text: str) -> list[str]:
    """The releases in barman.txt, from the oldest to the newest. Raises ValueError if a line is none."""
    found = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        match = _PINNED.match(line)
        if match is None:
            raise ValueError(f"'{line}' is not 'barman==RELEASE --hash=sha256:HASH'")
        found.append(match.group("release"))
    return sorted(found, key=version)


def version(release: str) -> Version:
    return tuple(int(part) for part in release.split("."))


def plan(releases: Sequence[str], chosen: Sequence[str] = ()) -> list[Source]:
    """Each release as a source, with its predecessor, the oldest and the newest as passive nodes.

    The oldest and the newest have every other release as passive node. The same release on both ends is part of the source's own case.

    releases: from the oldest to the newest. chosen: only these sources, in that order; all if empty.
    """
    ends = {releases[0], releases[-1]}
    found = []
    for release in chosen or releases:
        met = releases if release in ends else {*ends, releases[releases.index(release) - 1]}
        found.append(Source(release, tuple(one for one in releases if one in met and one != release)))
    return found


def refusal(source: str, passive: str) -> Version | None:
    """The version that a passive node lacks at least, so that the collection refuses; None if it replicates."""
    return passive_boundary(version(source), version(passive))
