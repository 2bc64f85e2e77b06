# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalog of backups that Barman keeps of a server, as typed values.

This module util is private to the collection. The backup.info files are read directly: every Barman version writes
the same "key=value" lines, it takes a millisecond a backup, and no PostgreSQL server has to be reachable.
"barman diagnose" and "barman show-backup" start Barman (0.3 s and more) and, the former, connect to every server.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from .._host.files import names_in, read_text
from .._host.process import HostError
from .configuration import ServerConfiguration
from .locks import backup_runs
from .snapshots import Snapshots, read_snapshots

BackupType = Literal["full", "incremental", "rsync", "snapshot"]

DONE = "DONE"
FAILED = "FAILED"
WAITING_FOR_WALS = "WAITING_FOR_WALS"
# What Barman writes while it copies, and what stands there for ever where it could not go on.
_UNFINISHED = ("EMPTY", "STARTED")
_INTERRUPTED = "it was interrupted: no process takes it any more"

# Barman's own words for a backup that is not named by its id.
SHORTCUTS = ("latest", "last", "oldest", "first", "latest-full", "last-full", "last-failed")

# A number in Barman's dictionary of the copy's times; the keys of its other dictionaries are names of files and workers.
_TOTAL_TIME = re.compile(r"'total_time': ([0-9]+\.[0-9]+)[,}]")
_LINE = re.compile(r"^([a-z_]+)=(.*)$", re.MULTILINE)
_META_SUFFIX = "-backup.info"


class CatalogError(HostError):
    """A backup does not exist, or its description can't be read."""


@dataclass(frozen=True)
class Tablespace:
    """A tablespace as it was when the backup was taken."""

    name: str
    oid: int
    location: str


@dataclass(frozen=True)
class Backup:
    """One backup, from its backup.info file.

    backup_type: full, incremental, rsync or snapshot. version: the server's, such as 170011. copy_seconds: how long
    the copy took. interrupted: that it failed is not in the file, because Barman was gone before it could write it.
    Values that the file does not contain are None.
    """

    backup_id: str
    status: str
    path: str
    name: str | None = None
    server_name: str | None = None
    backup_type: BackupType = "full"
    mode: str | None = None
    begin_time: datetime | None = None
    end_time: datetime | None = None
    begin_wal: str | None = None
    end_wal: str | None = None
    begin_lsn: str | None = None
    end_lsn: str | None = None
    timeline: int | None = None
    size: int | None = None
    deduplicated_size: int | None = None
    cluster_size: int | None = None
    pgdata: str | None = None
    tablespaces: tuple[Tablespace, ...] = ()
    version: int | None = None
    systemid: str | None = None
    segment_size: int = 16 * 1024 * 1024
    parent_backup_id: str | None = None
    children_backup_ids: tuple[str, ...] = ()
    copy_seconds: float | None = None
    compression: str | None = None
    encryption: str | None = None
    error: str | None = None
    config_file: str | None = None
    hba_file: str | None = None
    ident_file: str | None = None
    included_files: tuple[str, ...] = ()
    keep: str | None = None
    interrupted: bool = False
    snapshots: Snapshots | None = None

    @property
    def done(self) -> bool:
        return self.status == DONE

    @property
    def copied(self) -> bool:
        """Whether its files are complete; its WAL may still be waited for."""
        return self.status in (DONE, WAITING_FOR_WALS)

    @property
    def incremental(self) -> bool:
        return self.parent_backup_id is not None

    @property
    def major_version(self) -> int | None:
        return None if self.version is None else self.version // 10000

    def age(self, now: datetime) -> timedelta | None:
        """How long ago it ended; None where it has not."""
        return None if self.end_time is None else now - self.end_time

    @property
    def duration(self) -> float | None:
        """Seconds from its begin to its end."""
        if self.begin_time is None or self.end_time is None:
            return None
        return (self.end_time - self.begin_time).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """For a module's answer: times in ISO 8601, sizes as integers, lists as lists."""
        answer: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, datetime):
                value = value.isoformat()
            elif field.name == "tablespaces":
                value = [{"name": item.name, "oid": item.oid, "location": item.location} for item in value]
            elif isinstance(value, Snapshots):
                value = value.as_dict()
            elif isinstance(value, tuple):
                value = list(value)
            answer[field.name] = value
        answer["duration"] = self.duration
        return answer


def read_backups(server: ServerConfiguration) -> list[Backup]:
    """All backups of the server, oldest first, whatever their status. Raises CatalogError.

    Barman 3.13.2 and later write meta/<id>-backup.info beside the older base/<id>/backup.info and prefer the former.
    """
    base = server.directory("basebackups_directory")
    meta = os.path.join(server.directory("backup_directory"), "meta")
    there = frozenset(names_in(meta))
    names = [name for name in there if name.endswith(_META_SUFFIX) and not name.startswith(".")]
    paths = {name[: -len(_META_SUFFIX)]: os.path.join(meta, name) for name in names}
    for name in names_in(base):
        path = os.path.join(base, name, "backup.info")
        if name not in paths and not name.startswith(".") and os.path.lexists(path):
            paths[name] = path
    backups: list[Backup] = []
    for backup_id in sorted(paths):
        text = read_text(paths[backup_id])
        # None: deleted since the directory was listed.
        if text is None:
            continue
        try:
            backups.append(parse_backup(backup_id, text, paths[backup_id], _keep(base, meta, backup_id, there)))
        except CatalogError as exc:
            second = os.path.join(base, backup_id, "backup.info")
            if paths[backup_id] == second or not _is_whole(second):
                raise
            # With a damaged one, Barman fails for every backup.
            raise CatalogError(f"{exc}. An intact copy is {second}: copy it over that file as Barman's user") from None
    if any(backup.status in _UNFINISHED for backup in backups) and not backup_runs(server):
        return [_interrupted(backup) if backup.status in _UNFINISHED else backup for backup in backups]
    return backups


def _is_whole(path: str) -> bool:
    try:
        text = read_text(path)
    except HostError:
        return False
    return text is not None and re.search(r"^status=", text, re.MULTILINE) is not None


def _interrupted(backup: Backup) -> Backup:
    return replace(backup, status=FAILED, error=backup.error or _INTERRUPTED, interrupted=True)


def latest(backups: Iterable[Backup], timeline: int | None = None) -> Backup | None:
    """The newest valid backup (DONE); with a timeline, only of that timeline."""
    good = [backup for backup in backups if backup.done and timeline in (None, backup.timeline)]
    return max(good, key=lambda backup: backup.backup_id, default=None)


def oldest(backups: Iterable[Backup]) -> Backup | None:
    """The oldest valid backup (DONE)."""
    return min((backup for backup in backups if backup.done), key=lambda backup: backup.backup_id, default=None)


def chain(backups: Iterable[Backup], backup: Backup) -> list[Backup]:
    """An incremental backup and what it builds upon, down to the full one, which is last.

    Raises CatalogError where one of them is not in the catalog, or is not complete: then it can't be recovered from.
    """
    known = {one.backup_id: one for one in backups}
    found = [backup]
    while found[-1].parent_backup_id is not None:
        parent_id = found[-1].parent_backup_id
        parent = known.get(parent_id)
        if parent is None or not parent.copied or parent in found:
            reason = "not in the catalog" if parent is None else f"not complete ({parent.status})"
            raise CatalogError(
                f"backup {backup.backup_id} is incremental, and backup {parent_id}, which it needs, is {reason}"
            )
        found.append(parent)
    return found


def dependents(backups: Iterable[Backup], backup: Backup) -> list[Backup]:
    """The incremental backups that can't be recovered from without this one, oldest first."""
    found = {backup.backup_id: backup}
    ordered = sorted(backups, key=lambda one: one.backup_id)
    for one in ordered:
        # An increment is younger than what it builds upon.
        if one.parent_backup_id in found:
            found[one.backup_id] = one
    return list(found.values())[1:]


def find(backups: Iterable[Backup], requested: str, server_name: str = "") -> Backup:
    """The backup of that id, name or shortcut (latest, oldest, latest-full, last-failed …). Raises CatalogError."""
    ordered = sorted(backups, key=lambda backup: backup.backup_id)
    done = [backup for backup in ordered if backup.done]
    candidates = {
        "latest": done[-1:],
        "last": done[-1:],
        "oldest": done[:1],
        "first": done[:1],
        "latest-full": [backup for backup in done if not backup.incremental][-1:],
        "last-full": [backup for backup in done if not backup.incremental][-1:],
        "last-failed": [backup for backup in ordered if backup.status == FAILED][-1:],
    }.get(requested)
    if candidates is None:
        candidates = [backup for backup in ordered if backup.backup_id == requested]
        candidates = candidates or [backup for backup in ordered if backup.name == requested]
    of_server = f" of server '{server_name}'" if server_name else ""
    if len(candidates) > 1:
        raise CatalogError(
            "several backups{} have the name '{}', set an id instead: {}".format(
                of_server, requested, ", ".join(backup.backup_id for backup in candidates)
            )
        )
    if not candidates:
        raise CatalogError(
            "backup '{}'{} does not exist; the backups are: {}".format(
                requested, of_server, ", ".join(_label(backup) for backup in ordered) or "none"
            )
        )
    return candidates[0]


def parse_backup(backup_id: str, text: str, path: str, keep: str | None = None) -> Backup:
    """Read the lines of a backup.info file. Raises CatalogError naming the file and the line."""
    lines = text.splitlines()
    plain = _LINE.findall(text)
    if len(plain) == len(lines):
        # As Barman writes it: three times as fast as line by line.
        values = {key: value.strip() for key, value in plain if value.strip() != "None"}
    else:
        values = _values(lines, path)
    # Barman makes an empty file first.
    if values and "status" not in values:
        raise CatalogError(
            f"{path} is truncated: it has no status. The backup's files may be intact, so do not delete it. Restore "
            "that "
            "file (a passive node may have one), or move it elsewhere"
        )
    try:
        return _backup(backup_id, values, path, keep)
    except (ValueError, SyntaxError, TypeError, AttributeError, KeyError) as exc:
        raise CatalogError(f"{path} is not valid: {exc}") from None


def _values(lines: Sequence[str], path: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in lines:
        key, separator, value = line.partition("=")
        key, value = key.strip(), value.strip()
        if key.startswith("#") or not (key or separator):
            continue
        if not separator:
            raise CatalogError(f"{path} has a line that is not 'key=value': {line.strip()}")
        if value != "None":
            values[key] = value
    return values


def _backup(backup_id: str, values: dict[str, str], path: str, keep: str | None) -> Backup:
    def number(key: str) -> int | None:
        return int(values[key]) if key in values else None

    def literal(key: str) -> Any:
        return ast.literal_eval(values[key]) if key in values else None

    seconds = _copy_seconds(values.get("copy_stats"))
    parent = values.get("parent_backup_id")
    snapshots = literal("snapshots_info")
    return Backup(
        backup_id=backup_id,
        status=values.get("status", "EMPTY"),
        path=path,
        name=values.get("backup_name"),
        server_name=values.get("server_name"),
        backup_type=_backup_type(values.get("mode", ""), parent),
        mode=values.get("mode"),
        begin_time=_time(values.get("begin_time")),
        end_time=_time(values.get("end_time")),
        begin_wal=values.get("begin_wal"),
        end_wal=values.get("end_wal"),
        begin_lsn=values.get("begin_xlog"),
        end_lsn=values.get("end_xlog"),
        timeline=number("timeline"),
        size=number("size"),
        deduplicated_size=number("deduplicated_size"),
        cluster_size=number("cluster_size"),
        pgdata=values.get("pgdata"),
        tablespaces=tuple(
            Tablespace(str(name), int(oid), str(location)) for name, oid, location in literal("tablespaces") or ()
        ),
        version=number("version"),
        systemid=values.get("systemid"),
        segment_size=number("xlog_segment_size") or 16 * 1024 * 1024,
        parent_backup_id=parent,
        children_backup_ids=tuple(item for item in values.get("children_backup_ids", "").split(",") if item),
        copy_seconds=seconds,
        compression=values.get("compression"),
        encryption=values.get("encryption"),
        error=values.get("error"),
        config_file=values.get("config_file"),
        hba_file=values.get("hba_file"),
        ident_file=values.get("ident_file"),
        included_files=tuple(str(item) for item in literal("included_files") or ()),
        keep=keep,
        snapshots=None if snapshots is None else read_snapshots(snapshots),
    )


def _copy_seconds(text: str | None) -> float | None:
    """How long the copy took. text: a dictionary, in which rsync's of many files can be long."""
    if text is None:
        return None
    found = _TOTAL_TIME.search(text)
    if found is not None:
        return float(found.group(1))
    copied = ast.literal_eval(text) or {}
    seconds = copied.get("total_time", copied.get("copy_time"))
    return None if seconds is None else float(seconds)


def _backup_type(mode: str, parent: str | None) -> BackupType:
    if mode.startswith("snapshot"):
        return "snapshot"
    if mode.startswith(("rsync", "local-rsync")):
        return "rsync"
    return "incremental" if parent else "full"


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        # What old versions wrote: ctime, such as "Fri Nov 20 07:01:56 2026", in the host's time zone.
        moment = datetime.strptime(text, "%a %b %d %H:%M:%S %Y")
    return moment if moment.tzinfo else moment.astimezone()


def _keep(base: str, meta: str, backup_id: str, there: Collection[str]) -> str | None:
    """The target of "barman keep" (full, standalone); Barman 3.13.3 moved its file. there: the names in meta."""
    name = f"{backup_id}-keep"
    paths = [os.path.join(meta, name)] if name in there else []
    former = f"{base}/{backup_id}/annotations/keep"
    # Hardly any backup has one, and an attempt to open it costs more.
    try:
        os.lstat(former)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError:
        # The attempt to read it raises the error.
        paths.append(former)
    else:
        paths.append(former)
    for path in paths:
        text = read_text(path)
        if text is not None:
            return text.strip()
    return None


def _label(backup: Backup) -> str:
    return f"{backup.backup_id} ({backup.status})" if not backup.done else backup.backup_id
