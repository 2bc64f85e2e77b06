# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a topology: which hosts and which arrows, and what the topology itself shows as single or missing.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .groups import Marks, Relations, groups_of, relations_of
from .picture import Arrow, ArrowKind, Mark, Picture, PictureHost

_MOST_NAMES = 3
_MOST_MARKS = 4
_METHODS: Mapping[str, ArrowKind] = {"rsync": "rsync", "snapshot": "snapshot"}


def draw(topology: Mapping[str, Any], marks: Marks | None = None, *, advised: bool = False) -> Picture:
    """The picture of a topology, as module topology returns it.

    marks: by inventory name of a PostgreSQL server or a backup server, what is wrong there. advised: they contain the single points of failure.
    """
    given = marks or {}
    exports = dict(_exports(topology))
    relations = relations_of(topology, exports)
    groups = groups_of(relations, given)
    keys = {host: f"pg {group[0]}" for group in groups for host in group}
    hosts = [
        *(_postgres_host(group, relations, given, advised=advised) for group in groups),
        *(_backup_host(name, topology, given, advised=advised) for name in topology["backup_servers"]),
        *_targets(topology, exports),
    ]
    return Picture(tuple(hosts), tuple(_arrows(topology, exports, keys)))


def _postgres_host(group: Sequence[str], relations: Relations, marks: Marks, *, advised: bool) -> PictureHost:
    servers = [relations.servers[host] for host in group]
    first, zone = group[0], str(servers[0]["zone"])
    versions = sorted({int(server["version"]) for server in servers if server["version"]})
    found = [*_collected(group, marks), *_own_marks(first, relations, advised=advised)]
    clusters = sorted({str(server["cluster"]) for server in servers if server["cluster"]})
    lines = [f"PostgreSQL {', '.join(map(str, versions))}", *([f"cluster {clusters[0]}"] if len(clusters) == 1 else [])]
    title = first
    if len(group) > 1:
        title = f"{len(group)} servers"
        lines.insert(0, ", ".join(group) if len(group) <= _MOST_NAMES else f"{group[0]}, {group[1]}, … {group[-1]}")
    kind = relations.kind(first)
    return PictureHost(f"pg {first}", kind, title, zone, tuple(lines), tuple(found), tuple(group))


def _collected(hosts: Sequence[str], marks: Marks) -> list[Mark]:
    """The marks of all these hosts, each text once, the most frequent first."""
    counts: dict[Mark, int] = {}
    for host in hosts:
        for mark in marks.get(host, ()):
            counts[mark] = counts.get(mark, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    found = [Mark(mark.kind, f"{mark.text} ×{count}" if count > 1 else mark.text) for mark, count in ordered]
    if len(found) > _MOST_MARKS:
        rest = found[_MOST_MARKS - 1 :]
        found = [*found[: _MOST_MARKS - 1], Mark(rest[0].kind, f"{len(rest)} more")]
    return found


def _own_marks(host: str, relations: Relations, *, advised: bool) -> Iterator[Mark]:
    related = relations.related(host)
    if not any(relations.servers[one]["backup_server"] for one in related):
        yield Mark("missing", "no backup")
    elif not advised and not any(
        relations.copies.get(one) or _leaves(relations.exports.get(one, ())) for one in related
    ):
        yield Mark("single", "no second copy")


def _leaves(targets: Sequence[str]) -> bool:
    """Whether an export is on another machine. A directory or a tape is on the backup server's own."""
    return any(target.startswith("s3://") for target in targets)


def _backup_host(name: str, topology: Mapping[str, Any], marks: Marks, *, advised: bool) -> PictureHost:
    server = topology["backup_servers"][name]
    backed_up = [one for one in topology["postgres_servers"].values() if one["backup_server"] == name]
    passive = [one for one in topology["passive_copies"] if one["target"] == name]
    lines = [f"backs up {_servers(len(backed_up))}"] if backed_up else []
    lines += [f"replicates {_servers(len(passive))}"] if passive else []
    found = _collected([name], marks)
    zones = {str(one["zone"]) for one in backed_up}
    if not advised and server["zone"] and zones == {str(server["zone"])}:
        found.append(Mark("single", "in the zone of its servers"))
    return PictureHost(f"backup {name}", "backup", name, str(server["zone"]), tuple(lines), tuple(found), (name,))


def _servers(count: int) -> str:
    return "1 server" if count == 1 else f"{count} servers"


def _exports(topology: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Of each server that is exported: the buckets, and the directories and tapes of its backup server."""
    for host, server in topology["postgres_servers"].items():
        backup = topology["backup_servers"].get(server["backup_server"])
        if backup is None:
            continue
        hooks = {**backup["hooks"], **server["hooks"]}
        bucket = server["s3"] or backup["s3"]
        places = [f"{backup['host']}:{hook['directory'] or hook['device']}" for hook in hooks.values() if _is_tar(hook)]
        found = [*([str(bucket["url"])] if bucket else []), *dict.fromkeys(places)]
        if found:
            yield host, found


def _is_tar(hook: Mapping[str, Any]) -> bool:
    return bool(hook["directory"] or hook["device"])


def _targets(topology: Mapping[str, Any], exports: Mapping[str, Sequence[str]]) -> Iterator[PictureHost]:
    """What has backups and is no host: clouds, buckets, directories and tapes."""
    for target in dict.fromkeys(target for targets in exports.values() for target in targets):
        backup = topology["backup_servers"].get(target.partition(":")[0]) or {"zone": ""}
        title = target if target.startswith("s3://") else target.partition(":")[2]
        yield PictureHost(f"target {target}", "target", title, str(backup["zone"]))
    for provider in sorted({name for one in topology["postgres_servers"].values() if (name := _provider(one))}):
        yield PictureHost(f"target {provider}", "target", f"snapshots at {provider}", "")


def _provider(server: Mapping[str, Any]) -> str:
    """The cloud that takes snapshots of the server's disks."""
    if server["method"] != "snapshot" or not server["backup_server"]:
        return ""
    return str(server["options"].get("snapshot_provider") or "the cloud")


def _arrows(topology: Mapping[str, Any], exports: Mapping[str, Sequence[str]], keys: Mapping[str, str]) -> list[Arrow]:
    """Each kind of data once between two drawn hosts."""
    counts: dict[Arrow, int] = {}
    for arrow in (*_ways_of_servers(topology, keys), *_ways_of_copies(topology, exports)):
        if arrow.source != arrow.target:
            counts[arrow] = counts.get(arrow, 0) + 1
    return [dataclasses.replace(arrow, count=count) for arrow, count in counts.items()]


def _ways_of_servers(topology: Mapping[str, Any], keys: Mapping[str, str]) -> Iterator[Arrow]:
    entries = {
        str(one["cluster"]): one["host"] for one in topology["postgres_servers"].values() if one["backup_server"]
    }
    for host, server in topology["postgres_servers"].items():
        own, primary = keys[host], keys.get(str(server["primary"]), keys[host])
        yield Arrow(primary, own, "replication")
        if not server["backup_server"]:
            if server["cluster"]:
                yield Arrow(keys[entries.get(str(server["cluster"]), host)], own, "cluster")
            continue
        backup = f"backup {server['backup_server']}"
        provider = _provider(server)
        yield Arrow(own, f"target {provider}" if provider else backup, _METHODS.get(str(server["method"]), "copy"))
        for method in server["wal"]:
            # A standby's WAL comes from its primary.
            yield Arrow(primary, backup, method, synchronous=method == "streaming" and bool(server["synchronous"]))


def _ways_of_copies(topology: Mapping[str, Any], exports: Mapping[str, Sequence[str]]) -> Iterator[Arrow]:
    for one in topology["passive_copies"]:
        yield Arrow(f"backup {one['source']}", f"backup {one['target']}", "passive")
    for host, targets in exports.items():
        backup = topology["postgres_servers"][host]["backup_server"]
        for target in targets:
            yield Arrow(f"backup {backup}", f"target {target}", "export")
