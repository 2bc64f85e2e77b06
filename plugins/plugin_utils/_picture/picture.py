# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a picture of an architecture shows, as values: zones, hosts, arrows, and marks of what is single, missing or failing.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

HostKind = Literal["postgres", "standby", "backup", "group"]
ArrowKind = Literal["streaming", "archiving", "copy", "rsync", "replication", "passive"]
MarkKind = Literal["single", "missing", "failing"]

#: What an arrow stands for. Each is a way of the data, from where it is to where it goes.
ARROW_MEANINGS: Mapping[ArrowKind, str] = {
    "streaming": "WAL, streamed",
    "archiving": "WAL, archive_command",
    "copy": "base backup, pg_basebackup",
    "rsync": "base backup, rsync over SSH",
    "replication": "streaming replication",
    "passive": "passive copy over SSH",
}
#: What the marks mean, with the symbol that stands beside the colour.
MARK_SYMBOLS: Mapping[MarkKind, str] = {
    "single": "\N{WHITE DIAMOND}",
    "missing": "\N{MULTIPLICATION SIGN}",
    "failing": "!",
}
#: More PostgreSQL servers than that are drawn in groups of the same architecture.
MOST_SERVERS = 12
_MOST_NAMES = 3


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
    """A host, or a group of hosts with the same architecture. lines: below its title."""

    key: str
    kind: HostKind
    title: str
    zone: str
    lines: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Arrow:
    """The way of data between hosts, by their keys. count: of how many servers."""

    source: str
    target: str
    kind: ArrowKind
    count: int = 1
    synchronous: bool = False


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
        used = {mark.kind for host in self.hosts for mark in host.marks}
        return [kind for kind in MARK_SYMBOLS if kind in used]


@dataclass(frozen=True)
class _Group:
    """PostgreSQL servers that are drawn as one."""

    key: str
    servers: list[Mapping[str, Any]] = field(default_factory=list)


def draw(topology: Mapping[str, Any], failures: Mapping[str, Sequence[str]] | None = None) -> Picture:
    """The picture of a topology, as module topology returns it.

    failures: by inventory name of a PostgreSQL server or a backup server, what fails there, in a few words each.
    """
    failing = failures or {}
    groups = _groups(topology, failing)
    member = {str(server["host"]): group.key for group in groups for server in group.servers}
    copies: dict[str, list[str]] = {}
    for one in topology["passive_copies"]:
        copies.setdefault(str(one["server"]), []).append(str(one["target"]))
    hosts = [
        *(_postgres_host(group, topology, copies, failing) for group in groups),
        *(_backup_host(name, server, topology, failing) for name, server in topology["backup_servers"].items()),
    ]
    return Picture(tuple(hosts), tuple(_arrows(topology, member)))


def _groups(topology: Mapping[str, Any], failing: Mapping[str, Sequence[str]]) -> list[_Group]:
    """Each server by itself, or servers of the same architecture together. What fails is never hidden in a group."""
    servers = list(topology["postgres_servers"].values())
    if len(servers) <= MOST_SERVERS:
        return [_Group(f"pg {server['host']}", [server]) for server in servers]
    primaries = {str(server["primary"]) for server in servers if server["primary"]}
    copies: dict[str, list[str]] = {}
    for one in topology["passive_copies"]:
        copies.setdefault(str(one["server"]), []).append(str(one["target"]))
    found: dict[tuple[Any, ...], _Group] = {}
    for server in servers:
        host = str(server["host"])
        alone = host in failing or host in primaries or server["primary"]
        same = (
            server["backup_server"],
            server["zone"],
            server["method"],
            tuple(server["wal"]),
            server["synchronous"],
            tuple(sorted(copies.get(host, []))),
            host if alone else "",
        )
        found.setdefault(same, _Group(f"group {len(found) + 1}")).servers.append(server)
    return list(found.values())


def _postgres_host(
    group: _Group,
    topology: Mapping[str, Any],
    copies: Mapping[str, Sequence[str]],
    failing: Mapping[str, Sequence[str]],
) -> PictureHost:
    first = group.servers[0]
    names = [str(server["host"]) for server in group.servers]
    versions = sorted({int(server["version"]) for server in group.servers if server["version"]})
    version = "PostgreSQL " + ", ".join(map(str, versions))
    marks = [Mark("failing", text) for name in names for text in failing.get(name, ())]
    backed_up = first["backup_server"] or _backed_up_by_a_standby(str(first["host"]), topology)
    if not backed_up:
        marks.append(Mark("missing", "no backup"))
    elif not any(copies.get(one) for one in (str(first["host"]), *_standbys(str(first["host"]), topology))):
        marks.append(Mark("single", "no second copy"))
    if len(names) == 1:
        kind: HostKind = "standby" if first["primary"] else "postgres"
        return PictureHost(group.key, kind, names[0], str(first["zone"]), (version,), tuple(marks))
    shown = (
        ", ".join(names) if len(names) <= _MOST_NAMES else f"{names[0]}, {names[1]} \N{HORIZONTAL ELLIPSIS} {names[-1]}"
    )
    return PictureHost(
        group.key, "group", f"{len(names)} servers", str(first["zone"]), (shown, version), tuple(marks), len(names)
    )


def _standbys(host: str, topology: Mapping[str, Any]) -> list[str]:
    return [str(server["host"]) for server in topology["postgres_servers"].values() if server["primary"] == host]


def _backed_up_by_a_standby(host: str, topology: Mapping[str, Any]) -> bool:
    return any(topology["postgres_servers"][name]["backup_server"] for name in _standbys(host, topology))


def _backup_host(
    name: str, server: Mapping[str, Any], topology: Mapping[str, Any], failing: Mapping[str, Sequence[str]]
) -> PictureHost:
    backed_up = [one for one in topology["postgres_servers"].values() if one["backup_server"] == name]
    passive = [one for one in topology["passive_copies"] if one["target"] == name]
    lines = []
    if backed_up:
        lines.append(f"backs up {_servers(len(backed_up))}")
    if passive:
        lines.append(f"replicates {_servers(len(passive))}")
    marks = [Mark("failing", text) for text in failing.get(name, ())]
    zones = {str(one["zone"]) for one in backed_up}
    if server["zone"] and zones == {str(server["zone"])}:
        marks.append(Mark("single", "in the zone of its servers"))
    return PictureHost(f"backup {name}", "backup", name, str(server["zone"]), tuple(lines), tuple(marks))


def _servers(count: int) -> str:
    return "1 server" if count == 1 else f"{count} servers"


def _arrows(topology: Mapping[str, Any], member: Mapping[str, str]) -> list[Arrow]:
    """Every way of data, once for each pair of drawn hosts and kind."""
    counts: dict[tuple[str, str, ArrowKind, bool], int] = {}

    def add(source: str, target: str, kind: ArrowKind, *, synchronous: bool = False) -> None:
        key = (source, target, kind, synchronous)
        counts[key] = counts.get(key, 0) + 1

    for host, server in topology["postgres_servers"].items():
        own = member[host]
        primary = member.get(server["primary"], own)
        if primary != own:
            add(primary, own, "replication")
        if not server["backup_server"]:
            continue
        target = f"backup {server['backup_server']}"
        add(own, target, "rsync" if server["method"] in ("rsync", "local-rsync") else "copy")
        for method in server["wal"]:
            # A standby's WAL comes from its primary.
            add(primary, target, method, synchronous=method == "streaming" and server["synchronous"])
    for one in topology["passive_copies"]:
        add(f"backup {one['source']}", f"backup {one['target']}", "passive")
    return [Arrow(*ends, kind, count, synchronous=synchronous) for (*ends, kind, synchronous), count in counts.items()]


def described(picture: Picture) -> str:
    """The picture in words, for those who don't see it: a sentence for each host and each arrow."""
    names = {host.key: host.title if host.count == 1 else f"{host.title} ({host.lines[0]})" for host in picture.hosts}
    sentences = []
    for host in picture.hosts:
        kind = {"postgres": "PostgreSQL server", "standby": "Standby", "backup": "Backup server", "group": "Group of"}[
            host.kind
        ]
        place = f" in zone {host.zone}" if host.zone else ""
        marks = "".join(f"; {mark.kind}: {mark.text}" for mark in host.marks)
        details = ", ".join(host.lines)
        sentences.append(f"{kind} {names[host.key]}{place}{': ' + details if details else ''}{marks}.")
    for arrow in picture.arrows:
        synchronous = ", commits wait for it" if arrow.synchronous else ""
        sentences.append(
            f"From {names[arrow.source]} to {names[arrow.target]}: {ARROW_MEANINGS[arrow.kind]}"
            f"{f', {arrow.count} servers' if arrow.count > 1 else ''}{synchronous}."
        )
    return " ".join(sentences)
