# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observing a recovery's destination: before the restore, and what was restored.

This module util is private to the collection. The same small shell scripts run on this host and on another one, and change nothing.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, cast

from .._postgres import cluster_manager_script, control_file
from .._postgres.cluster_manager import ClusterManager, ObservedDirectory, owner_of
from . import directories_in_use
from .destination import MARKER, DestinationError
from .destination_host import DestinationHost, reported_lines
from .destination_state import DestinationDirectory, DestinationState, DirectoryKind
from .restored_cluster import RestoredCluster

_INSPECT = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
# A directory of somebody else can't be moved into another one, and an immutable file can't be moved at all.
stuck() {
    find "$path/" -mindepth 1 -maxdepth 1 -type d ! -writable -printf '%f\n' 2>/dev/null
    lsattr -a -- "$path/" 2>/dev/null | awk '$1 ~ /[ia]/ { sub(".*/", "", $2); print $2 }' | grep -Ev '^[.]+$'
}
look() {
    name=$1 path=$2
    if [ -L "$path" ]; then say "$name.link" yes; fi
    if [ -d "$path" ]; then
        if entries=$(ls -A "$path" 2>/dev/null); then
            say "$name.kind" directory
            kept='^lost[+]found$|^pgsql_tmp[.]pgdr-moved-aside-'
            say "$name.entries" "$(printf '%s\n' "$entries" | grep -Ev "$kept" | head -n 4 | tr '\n' ' ')"
            # Of a tablespace's directory only what is of this version is the server's.
            case $name in t*|l*) own="^PG_${major}_|^pgsql_tmp[.]pgdr-restore-" ;; *) own=. ;; esac
            printf '%s\n' "$entries" | grep -Ev "$kept" | grep -Eq "$own" && say "$name.own" yes
            [ -n "$entries" ] && printf '%s\n' "$entries" | grep -Eq "$kept" && say "$name.others" yes
            printf '%s\n' "$entries" | grep -Ev "$kept" | grep -Evq "$own" && say "$name.others" yes
            say "$name.stuck" "$(stuck | grep -Ev "$kept" | grep -E "$own" | sort -u | head -n 4 | tr '\n' ' ')"
        else
            say "$name.kind" unreadable
        fi
        [ -w "$path" ] && say "$name.writable" yes
        room=$path
    else
        [ -e "$path" ] && say "$name.kind" other
        room=$(dirname "$path")
        while [ ! -d "$room" ]; do room=$(dirname "$room"); done
        [ -w "$room" ] && [ -x "$room" ] && say "$name.writable" yes
    fi
    parent=$(dirname "$path")
    [ -w "$parent" ] && say "$name.movable" yes
    # A bind mount has the device of its parent, and a small system may be without mountpoint.
    if [ -d "$path" ] && [ ! -L "$path" ]; then
        if mountpoint -q "$path" 2>/dev/null || [ "$(stat -c %d "$path")" != "$(stat -c %d "$parent")" ]; then
            say "$name.mount" yes
        fi
    fi
    if [ -d "$path" ] && [ -r /proc/self/mountinfo ]; then
        say "$name.mounts" "$(awk -v p="$(readlink -f -- "$path")/" 'index($5, p) == 1 { print $5 }' /proc/self/mountinfo | tr '\n' ' ')"
    fi
    say "$name.real" "$(readlink -m -- "$path")"
    say "$name.ancestor" "$room"
    say "$name.free" "$(df -Pk "$room" 2>/dev/null | awk 'NR == 2 { print $4 }')"
    say "$name.device" "$(df -Pk "$room" 2>/dev/null | awk 'NR == 2 { print $6 }')"
}
say user "$(id -un)"
command -v rsync >/dev/null 2>&1 && say rsync yes
for program in lz4 zstd pg_combinebackup; do command -v "$program" >/dev/null 2>&1 && say program "$program"; done
if [ -r "$dest/postmaster.pid" ]; then
    pid=$(head -n 1 "$dest/postmaster.pid")
    case $pid in
        ''|*[!0-9]*) ;;
        *)
            comm=$(cat "/proc/$pid/comm" 2>/dev/null || ps -p "$pid" -o comm= 2>/dev/null || true)
            case $comm in *postgres*|*postmaster*) say running "$pid" ;; esac
            ;;
    esac
fi
[ -f "$dest/PG_VERSION" ] && say version "$(head -n 1 "$dest/PG_VERSION")"
[ -f "$dest/recovery.signal" ] && say signal recovery
[ -f "$dest/standby.signal" ] && say signal standby
[ -r "$dest/global/pg_control" ] && say control "$(od -An -v -tx1 -N "$control" "$dest/global/pg_control" | tr -d ' \n')"
[ -r "$dest/$marker" ] && say marker "$(head -c 65536 "$dest/$marker" | tr '\n' ' ')"
look dest "$dest"
say identity "$(stat -L -c %d:%i -- "$dest" 2>/dev/null)"
if [ -z "$wal" ] && [ -L "$dest/pg_wal" ]; then wal=$(readlink -m -- "$dest/pg_wal"); fi
if [ -n "$wal" ]; then say wal "$wal"; look wal "$wal"; fi
left=0
for link in "$dest"/pg_tblspc/*; do
    [ -L "$link" ] || continue
    points=$(readlink -m -- "$link")
    say "l$left.path" "$points"
    look "l$left" "$points"
    left=$((left + 1))
done
"""

_RESTORED = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
[ -f "$dest/PG_VERSION" ] && say version "$(head -n 1 "$dest/PG_VERSION")"
[ -f "$dest/backup_label" ] && say backup_label yes
[ -f "$dest/global/pg_control" ] && say pg_control yes
[ -f "$dest/recovery.signal" ] && say signal recovery
[ -f "$dest/standby.signal" ] && say signal standby
if [ -f "$dest/postgresql.auto.conf" ]; then
    grep -E '^(recovery_target[a-z_]*|restore_command|recovery_end_command|archive_command) *=' \
        "$dest/postgresql.auto.conf" | while IFS= read -r line; do say setting "$line"; done
fi
if [ -d "$wal" ]; then find "$wal" -maxdepth 1 -type f -printf 'pgdr:wal=%f %s\n'; fi
for file in postgresql.conf pg_hba.conf pg_ident.conf; do
    [ -f "$dest/$file" ] || say missing "$file"
done
"""

_MOUNTED = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
command -v findmnt >/dev/null 2>&1 && say findmnt yes
ask() {
    options=$(findmnt -n -o OPTIONS --mountpoint "$2" 2>/dev/null | tail -n 1)
    if [ -n "$options" ]; then say "$1" "$options"; fi
}
"""


def observe_destination(
    host: DestinationHost, major_version: int = 0, wal_directory: str | None = None
) -> DestinationState:
    """The state of the destination. wal_directory: of the link pg_wal, if that is not where it leads now. Raises DestinationError."""
    destination = host.destination
    names = {f"t{count}": name for count, name in enumerate(sorted(destination.tablespaces))}
    looks = "".join(f"look {key} {shlex.quote(destination.tablespaces[name])}\n" for key, name in names.items())
    variables = {
        "dest": destination.directory,
        "marker": MARKER,
        "control": str(control_file.LENGTH),
        "major": str(major_version),
        "wal": wal_directory or "",
        "processes": "/proc",
    }
    text = _INSPECT + looks + directories_in_use.SCRIPT + cluster_manager_script.SCRIPT
    completed = host.script(text, variables)
    lines = reported_lines(completed)
    if "user" not in lines:
        raise DestinationError(
            "the destination {} can't be inspected: {}".format(
                destination.where,
                completed.text or "the shell there printed nothing; does its user have a login shell?",
            )
        )
    directory = _directory("dest", destination.directory, lines)
    tablespaces = {name: _directory(key, destination.tablespaces[name], lines) for key, name in names.items()}
    return DestinationState(
        directory=directory,
        tablespaces=tablespaces,
        leftovers=_leftovers(lines, [directory, *tablespaces.values()]),
        user=lines["user"][-1],
        rsync="rsync" in lines,
        programs=tuple(lines.get("program", ())),
        running=int(lines["running"][-1]) if "running" in lines else None,
        version=_one(lines, "version"),
        signal=_one(lines, "signal"),
        marker=_json(_one(lines, "marker")),
        control=control_file.parse(bytes.fromhex(_one(lines, "control") or "")),
        wal=_directory("wal", lines["wal"][-1], lines) if "wal" in lines else None,
        used=directories_in_use.parse(lines.get("used", [])),
        manager=_manager(directory, lines),
    )


def _manager(directory: DestinationDirectory, lines: Mapping[str, Sequence[str]]) -> ClusterManager | None:
    place = ObservedDirectory(directory.real, "".join(lines.get("identity", ())))
    return owner_of(place, cluster_manager_script.observed_processes(lines), occupied="version" in lines)


def mount_options(host: DestinationHost, points: Sequence[str]) -> dict[str, str]:
    """The mount options by mount point, of the points where anything is mounted; by findmnt, as Barman reads them. Raises DestinationError."""
    asks = "".join(f"ask {number} {shlex.quote(point)}\n" for number, point in enumerate(points))
    lines = reported_lines(host.script(_MOUNTED + asks, {}))
    if "findmnt" not in lines:
        raise DestinationError(
            f"the program findmnt, which Barman runs there, is not installed in {host.destination.where}"
        )
    options = {point: _one(lines, str(number)) for number, point in enumerate(points)}
    return {point: text for point, text in options.items() if text is not None}


def observe_restored(host: DestinationHost, wal_directory: str) -> RestoredCluster:
    """The cluster after the restore. wal_directory: of its WAL files, within the data directory. Raises DestinationError."""
    directory = host.destination.directory
    completed = host.expect(
        _RESTORED,
        {"dest": directory, "wal": posixpath.join(directory, wal_directory)},
        "reading what was restored",
        timeout=600,
    )
    lines = reported_lines(completed)
    files = [line.rpartition(" ") for line in lines.get("wal", [])]
    return RestoredCluster(
        version=_one(lines, "version"),
        backup_label="backup_label" in lines,
        pg_control="pg_control" in lines,
        signal=_one(lines, "signal"),
        settings=dict(_setting(line) for line in lines.get("setting", [])),
        wal={name: int(size) for name, _space, size in files},
        missing_files=tuple(lines.get("missing", [])),
    )


def _one(lines: Mapping[str, list[str]], key: str) -> str | None:
    return lines[key][-1].strip() if key in lines else None


def _json(text: str | None) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _setting(line: str) -> tuple[str, str]:
    name, _equals, value = line.partition("=")
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == "'":
        value = value[1:-1].replace("''", "'")
    return name.strip(), value


def _directory(key: str, path: str, lines: Mapping[str, list[str]]) -> DestinationDirectory:
    free = _one(lines, key + ".free")
    return DestinationDirectory(
        path=path,
        kind=cast(DirectoryKind, _one(lines, key + ".kind") or ""),
        entries=_one(lines, key + ".entries") or "",
        writable=key + ".writable" in lines,
        movable=key + ".movable" in lines,
        link=key + ".link" in lines,
        mount=key + ".mount" in lines,
        ancestor=_one(lines, key + ".ancestor") or "",
        free=int(free) * 1024 if free and free.isdigit() else None,
        device=_one(lines, key + ".device") or "",
        own=key + ".own" in lines,
        others=key + ".others" in lines,
        stuck=_one(lines, key + ".stuck") or "",
        mounts=tuple((_one(lines, key + ".mounts") or "").split()),
        real=_one(lines, key + ".real") or path,
    )


def _leftovers(
    lines: Mapping[str, list[str]], directories: Sequence[DestinationDirectory]
) -> tuple[DestinationDirectory, ...]:
    """The locations of the old server's tablespaces that belong to none of these directories, and have files of that server."""
    known = [one.real for one in directories if one.real]
    found: dict[str, DestinationDirectory] = {}
    for key in sorted(key for key in lines if re.fullmatch(r"l[0-9]+\.path", key)):
        place = _directory(key.partition(".")[0], lines[key][-1], lines)
        if place.own and not any(place.real == one or place.real.startswith(one + "/") for one in known):
            found[place.real] = place
    return tuple(found.values())
