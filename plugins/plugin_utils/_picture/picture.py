# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of a picture of an architecture: zones, hosts, arrows, and marks of single, missing and failing hosts.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

HostKind = Literal["postgres", "standby", "member", "backup", "target"]
ArrowKind = Literal[
    "streaming", "archiving", "copy", "rsync", "snapshot", "replication", "cluster", "passive", "export"
]
MarkKind = Literal["single", "warning", "missing", "unread", "failing"]

#: What an arrow stands for: data that goes from one host to the other. Members of a cluster have none, because any of them can be the primary.
ARROW_MEANINGS: Mapping[ArrowKind, str] = {
    "streaming": "WAL, streamed",
    "archiving": "WAL, archive_command",
    "copy": "base backup, pg_basebackup",
    "rsync": "base backup, rsync over SSH",
    "snapshot": "disk snapshot",
    "replication": "streaming replication",
    "cluster": "members of one cluster",
    "passive": "passive copy over SSH",
    "export": "export by a hook script",
}
#: The symbols that stand beside the colours, from the least to the worst.
MARK_SYMBOLS: Mapping[MarkKind, str] = {
    "single": "\N{WHITE DIAMOND}",
    "warning": "\N{WHITE UP-POINTING TRIANGLE}",
    "missing": "\N{MULTIPLICATION SIGN}",
    "unread": "?",
    "failing": "!",
}
MARK_MEANINGS: Mapping[MarkKind, str] = {
    "single": "a single point of failure",
    "warning": "a warning",
    "missing": "missing",
    "unread": "not read in this run",
    "failing": "failing",
}
_KINDS: Mapping[HostKind, tuple[str, str]] = {
    "postgres": ("PostgreSQL server", "PostgreSQL servers"),
    "standby": ("Standby", "Standbys"),
    "member": ("Member of a cluster", "Members of clusters"),
    "backup": ("Backup server", "Backup servers"),
    "target": ("Storage", "Storages"),
}


@dataclass(frozen=True)
class Mark:
    """What is wrong with a host. text: in a few words."""

    kind: MarkKind
    text: str

    @property
    def label(self) -> str:
        return f"{MARK_SYMBOLS[self.kind]} {self.text}"


@dataclass(frozen=True)
class PictureHost:
    """A host, or hosts of the same architecture (members, by their inventory names). lines: below its title."""

    key: str
    kind: HostKind
    title: str
    zone: str
    lines: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def grouped(self) -> bool:
        return len(self.members) > 1


@dataclass(frozen=True)
class Arrow:
    """Data that goes between hosts, by their keys. count: of how many servers."""

    source: str
    target: str
    kind: ArrowKind
    count: int = 1
    synchronous: bool = False

    @property
    def details(self) -> str:
        """What its label has beside the kind."""
        number = f" \N{MULTIPLICATION SIGN}{self.count}" if self.count > 1 else ""
        return f"{number}{' sync' if self.synchronous else ''}"


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn, in the order in which it is listed for screen readers."""

    hosts: tuple[PictureHost, ...]
    arrows: tuple[Arrow, ...]

    @property
    def zones(self) -> list[str]:
        return sorted({host.zone for host in self.hosts if host.zone})

    @property
    def kinds(self) -> list[ArrowKind]:
        """The kinds of arrows that the picture has, in the order of the legend."""
        used = {arrow.kind for arrow in self.arrows}
        return [kind for kind in ARROW_MEANINGS if kind in used]

    @property
    def marks(self) -> list[MarkKind]:
        """The kinds of marks that the picture has, in the order of the legend."""
        used = {mark.kind for host in self.hosts for mark in host.marks}
        return [kind for kind in MARK_SYMBOLS if kind in used]


def described(picture: Picture) -> str:
    """The picture in words, for those who can't read it: a sentence for each host and each arrow."""
    names = {host.key: f"{host.title} ({host.lines[0]})" if host.grouped else host.title for host in picture.hosts}
    sentences = []
    for host in picture.hosts:
        place = f" in zone {host.zone}" if host.zone else ""
        marks = "".join(f"; {MARK_MEANINGS[mark.kind]}: {mark.text}" for mark in host.marks)
        details = ", ".join(host.lines[1:] if host.grouped else host.lines)
        kind = _KINDS[host.kind][host.grouped]
        sentences.append(f"{kind} {names[host.key]}{place}{': ' + details if details else ''}{marks}.")
    for arrow in picture.arrows:
        synchronous = ", commits wait for it" if arrow.synchronous else ""
        count = f", {arrow.count} servers" if arrow.count > 1 else ""
        ends = f"{names[arrow.source]} and" if arrow.kind == "cluster" else f"From {names[arrow.source]} to"
        sentences.append(f"{ends} {names[arrow.target]}: {ARROW_MEANINGS[arrow.kind]}{count}{synchronous}.")
    return " ".join(sentences)
