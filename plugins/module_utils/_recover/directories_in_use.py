# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories at a recovery's destination that running PostgreSQL servers use, with any owner.

This module util is private to the collection. A user other than root finds its own servers only. It can't rename the directories of
others, unless it can write to their parents. Module cluster_info, as root, finds all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._postgres.cluster_conflicts import conflicts

#: Reports "data directory<tab>used directory". Every process of a server has its data directory as its working directory.
SCRIPT = r"""
tab=$(printf '\t')
own=$(readlink -m -- "$dest")
known=
for proc in /proc/[0-9]*; do
    { read -r comm < "$proc/comm"; } 2>/dev/null || continue
    case $comm in *postgres*|*postmaster*) ;; *) continue ;; esac
    cwd=$(readlink "$proc/cwd" 2>/dev/null) || continue
    [ -f "$cwd/PG_VERSION" ] && [ "$proc/cwd" -ef "$cwd" ] || continue
    case $known in *"$tab$cwd$tab"*) continue ;; esac
    known="$known$tab$cwd$tab"
    say used "$cwd$tab$cwd"
    # Its postmaster.pid may be gone.
    [ "$cwd" = "$own" ] && say running "${proc#/proc/}"
    major=$(head -n 1 "$cwd/PG_VERSION")
    for link in "$cwd"/pg_tblspc/*; do
        [ -L "$link" ] || continue
        for directory in "$(readlink -m -- "$link")"/PG_"$major"_*; do
            [ -d "$directory" ] && say used "$cwd$tab$directory"
        done
    done
    if [ -L "$cwd/pg_wal" ]; then say used "$cwd$tab$(readlink -m -- "$cwd/pg_wal")"; fi
done
"""


@dataclass(frozen=True)
class UsedDirectory:
    """A directory that the running server in data_directory uses."""

    data_directory: str
    directory: str


def parse(lines: Sequence[str]) -> tuple[UsedDirectory, ...]:
    """What the script reported."""
    pairs = [line.partition("\t") for line in lines]
    return tuple(UsedDirectory(data, directory.strip()) for data, _tab, directory in pairs)


def in_use_problems(
    used: Sequence[UsedDirectory], own: str, places: Sequence[tuple[str, int | None]], on_host: str
) -> list[str]:
    """Why these places can't be moved or filled.

    own: the data directory to be filled, whose own server is stopped before. places: paths as they really are; with a version, a
    tablespace's location in which only the directory of that version is meant.
    """
    return [
        f"{path}{on_host} can't be moved or filled: the PostgreSQL server that runs in {one.data_directory} uses "
        f"{one.directory}. Stop that server, or restore to another directory"
        for path, version in places
        for one in used
        if one.data_directory != own and conflicts(path, one.directory, version)
    ]
