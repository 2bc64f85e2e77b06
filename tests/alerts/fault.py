# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fault is: how it begins and ends, and which alert it has to raise. Values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BACKUP = "alerts-backup"
#: The longest time from a fault to its alert, and from the end of a fault to the end of its alert, in seconds.
LIMIT = 180.0


@dataclass(frozen=True)
class Shell:
    """A script of the shell as root on a machine. It begins with PRELUDE."""

    machine: str
    script: str


@dataclass(frozen=True)
class Lab:
    """A job of the lab on the host, such as ("power-off", "alerts-far")."""

    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Play:
    """A playbook of the collection."""

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)


Step = Shell | Lab | Play


@dataclass(frozen=True)
class Fault:
    """A fault, and the alert that it raises.

    what: a sentence. server: the subject of the alert; the backup server's machine if the alert is of no server. machine: the backup
    server. before: what has to be there, and is not measured. dated: what was put back in time, because the alert is about an age.
    """

    alert: str
    what: str
    server: str
    begin: Sequence[Step]
    end: Sequence[Step]
    before: Sequence[Step] = ()
    machine: str = BACKUP
    dated: str = ""

    @property
    def of_the_host(self) -> bool:
        return self.server == self.machine


#: sql PORT QUERY, switch PORT: end a WAL segment, barman ARGUMENT..., newest SERVER: the id of its newest backup, until_true COMMAND: wait at most a minute.
PRELUDE = """
export PGOPTIONS='-c synchronous_commit=local'
kept=/root/kept; mkdir -p $kept
home=/var/lib/barman
sql() { runuser -u postgres -- psql --port="$1" -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$2"; }
switch() { sql "$1" "SELECT pg_logical_emit_message(true, 'lab', 'x')" >/dev/null; sql "$1" 'SELECT pg_walfile_name(pg_switch_wal())'; }
barman() { runuser -u barman -- /usr/bin/barman "$@" </dev/null >/dev/null 2>&1; }
newest() { ls $home/$1/base | sort | tail -n 1; }
until_true() {
    left=600
    until eval "$1"; do
        left=$((left - 1))
        if [ $left -eq 0 ]; then echo "not true after a minute: $1" >&2; exit 1; fi
        sleep 0.1
    done
}
"""
