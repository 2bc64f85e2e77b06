# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore into new directories, which are swapped with the old ones when the restore is complete.

This module util is private to the collection. A mount point, a symbolic link, and a directory below one of root's can't be
renamed. Barman restores into a subdirectory of those, because its rsync deletes whatever else is in a destination. The new
directory is on the file system of the old one, so the swap is renames only, and is undone if one of them fails.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .destination import ASIDE_PREFIX, RESTORE_PREFIX, Destination, DestinationError, aside
from .destination_host import DestinationHost, reported_lines

_SWAP = r"""
say() { printf 'pgdr:%s=%s\n' "$1" "$2"; }
tab=$(printf '\t')
journal=$(mktemp) || exit 1
note() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$journal"; }
rename() { mv -T -- "$1" "$2" && note renamed "$1" "$2"; }
make() { mkdir -m 700 -- "$1" && note made "$1" ''; }
point() {
    was=$(readlink -- "$1") && ln -s -- "$2" "$1.pgdr" && mv -T -- "$1.pgdr" "$1" && note pointed "$1" "$was"
}
undo() {
    trap - TERM HUP INT
    lines=$(wc -l < "$journal")
    while [ "$lines" -gt 0 ]; do
        line=$(sed -n "${lines}p" "$journal")
        kind=${line%%"$tab"*} rest=${line#*"$tab"}
        a=${rest%%"$tab"*} b=${rest#*"$tab"}
        case $kind in
            renamed) mv -T -- "$b" "$a" || say stuck "$b" ;;
            made) rmdir -- "$a" || say stuck "$a" ;;
            linked) rm -f -- "$a" ;;
            pointed) ln -s -- "$b" "$a.pgdr" && mv -T -- "$a.pgdr" "$a" || say stuck "$a" ;;
        esac
        lines=$((lines - 1))
    done
    say undone yes
    rm -f -- "$journal"
    exit 1
}
# Everything of a directory that belongs to the old server: of a tablespace only what is of this version.
each() {
    for entry in "$path"/* "$path"/.[!.]* "$path"/..?*; do
        [ -e "$entry" ] || [ -L "$entry" ] || continue
        name=${entry##*/}
        case $name in
            lost+found|"$aside_prefix"*|"$restore") continue ;;
            "$restore_prefix"*) ;;
            *) [ "$kind" = data ] || case $name in PG_"$major"_*) ;; *) continue ;; esac ;;
        esac
        [ -d "$to" ] || make "$to" || return 1
        rename "$entry" "$to/$name" || return 1
        old_there=yes
    done
}
rise() {
    for entry in "$from"/* "$from"/.[!.]* "$from"/..?*; do
        [ -e "$entry" ] || [ -L "$entry" ] || continue
        rename "$entry" "$path/${entry##*/}" || return 1
    done
}
swap() {
    n=1
    while [ "$n" -le "$count" ]; do
        place "$n"
        old_there=
        if [ "$kind" = whole ]; then
            rename "$path" "$to" && rename "$from" "$path" || return 1
            old_there=yes
        else
            each && rise || return 1
        fi
        if [ -n "$old_there" ]; then say moved "$n"; fi
        n=$((n + 1))
    done
    # The links of the old data directory follow its tablespaces.
    for link in "$old"/pg_tblspc/*; do
        [ -L "$link" ] || continue
        points=$(readlink -m -- "$link")
        n=1
        while [ "$n" -le "$count" ]; do
            place "$n"
            if [ "$points" = "$(readlink -m -- "$path")" ] && [ -d "$to" ]; then
                point "$link" "$to" || return 1
                break
            fi
            n=$((n + 1))
        done
    done
}
# pg_wal goes to where the old one was. Its disk may be another one, so its content is copied.
move_wal() {
    [ -n "$wal" ] || return 0
    if [ ! -d "$wal" ]; then mkdir -p -m 700 -- "$wal" || return 1; fi
    path=$wal kind=data from=$wal/$restore to=$wal/$aside
    old_there=
    each || return 1
    if [ -n "$old_there" ]; then
        say moved wal
        if [ -L "$old/pg_wal" ] && [ "$(readlink -m -- "$old/pg_wal")" = "$(readlink -m -- "$wal")" ]; then
            point "$old/pg_wal" "$to" || return 1
        fi
    fi
    make "$from" || return 1
    if ! cp -a -- "$new/pg_wal/." "$from/"; then rm -rf -- "${from:?}"; return 1; fi
    chmod 700 "$wal"
    rise || return 1
    rename "$new/pg_wal" "$new/$restore.pg_wal" || return 1
    ln -s -- "$wal" "$new/pg_wal" && note linked "$new/pg_wal" '' || return 1
}
trap undo TERM HUP INT
if [ -n "$staged" ]; then
    # What Barman wrote names the new directories.
    for link in "$staged"/pg_tblspc/*; do
        [ -L "$link" ] || continue
        points=$(readlink -- "$link")
        n=1
        while [ "$n" -le "$count" ]; do
            place "$n"
            if [ "$points" = "$from" ]; then ln -sfn -- "$path" "$link" || undo; fi
            n=$((n + 1))
        done
    done
    escaped=$(printf '%s' "$staged" | sed 's/[.]/\\./g')
    sed -i "s|$escaped|$new|g" "$staged/postgresql.auto.conf" || undo
fi
swap || undo
move_wal || undo
n=1
while [ "$n" -le "$count" ]; do
    place "$n"
    [ "$kind" = whole ] || rmdir -- "$from" || true
    n=$((n + 1))
done
if [ -n "$wal" ]; then rm -rf -- "${new:?}/$restore.pg_wal"; rmdir -- "$wal/$restore" || true; fi
rm -f -- "$journal"
say swapped yes
"""


@dataclass(frozen=True)
class Swap:
    """The directories that are restored beside their old content, and the one that pg_wal is a link to.

    destination: where the recovery goes in the end. staged: paths of it; true for one that is renamed as a whole, false
    for one whose content is moved.
    """

    destination: Destination
    staged: Mapping[str, bool]
    stamp: str
    major_version: int
    wal_directory: str | None = None

    @property
    def needed(self) -> bool:
        return bool(self.staged) or self.wal_directory is not None

    def restored(self, path: str) -> str:
        """Where Barman restores what belongs to that path."""
        if path not in self.staged:
            return path
        name = RESTORE_PREFIX + self.stamp
        return f"{path}.{name}" if self.staged[path] else posixpath.join(path, name)

    @property
    def restored_to(self) -> Destination:
        """The destination that Barman is given."""
        there = self.destination
        return replace(
            there,
            directory=self.restored(there.directory),
            tablespaces={name: self.restored(path) for name, path in there.tablespaces.items()},
        )

    def aside(self, path: str) -> str:
        """Where the old content of a directory is after the swap."""
        return aside(path, self.stamp) if self.staged.get(path) else posixpath.join(path, ASIDE_PREFIX + self.stamp)

    def carry_out(self, host: DestinationHost, old: str | None) -> list[dict[str, str]]:
        """Swap; the directories whose old content was moved. Raises DestinationError, which names the directories.

        old: where the old data directory was renamed to before, if it was.
        """
        there = self.destination
        places = sorted(self.staged)
        cases = ""
        for number, path in enumerate(places, 1):
            kind = "whole" if self.staged[path] else "data" if path == there.directory else "tablespace"
            words = {"path": path, "kind": kind, "from": self.restored(path), "to": self.aside(path)}
            assigned = " ".join(f"{name}={shlex.quote(value)}" for name, value in words.items())
            cases += f"{number}) {assigned} ;;\n"
        staged = there.directory in self.staged
        variables: Mapping[str, str] = {
            "count": str(len(places)),
            "major": str(self.major_version),
            "aside": ASIDE_PREFIX + self.stamp,
            "restore": RESTORE_PREFIX + self.stamp,
            "aside_prefix": ASIDE_PREFIX,
            "restore_prefix": RESTORE_PREFIX,
            "new": there.directory,
            "staged": self.restored(there.directory) if staged else "",
            "old": self.aside(there.directory) if staged else old or "",
            "wal": self.wal_directory or "",
        }
        script = f"place() {{\ncase $1 in\n{cases}*) ;;\nesac\n}}\n{_SWAP}"
        completed = host.script(script, variables, timeout=3600)
        lines = reported_lines(completed)
        if not completed.ok or "swapped" not in lines:
            text = f"moving what was restored to its place failed in {there.where}: {completed.text}"
            if "stuck" in lines:
                text += f". These could not be moved back, move them manually: {', '.join(lines['stuck'])}"
            elif "undone" in lines:
                text += ". It was undone: what was there is where it was"
            else:
                text += f". What was there before may be in {', '.join(self.aside(path) for path in places)}"
            raise DestinationError(text)
        moved = [self.wal_directory if key == "wal" else places[int(key) - 1] for key in lines.get("moved", [])]
        return [{"from": path, "to": self.aside(path)} for path in moved if path is not None]
