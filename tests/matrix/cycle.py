# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with every version: write rows, back up, write more, recover, count; and how the steps become results."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.matrix.machines import Failed, Machines, shortened
from tests.matrix.report import Part, Result

ROWS = 1000
HOME = "/var/lib/barman"
TABLE = f"DROP TABLE IF EXISTS matrix; CREATE TABLE matrix AS SELECT generate_series(1, {ROWS}) AS id"
MORE = f"INSERT INTO matrix SELECT generate_series({ROWS + 1}, {2 * ROWS})"
SWITCH = "SELECT pg_walfile_name(pg_switch_wal())"
COUNTED = [
    {"database": "postgres", "query": "SELECT count(*), max(id) FROM matrix", "expect": [2 * ROWS, 2 * ROWS]},
]

SQL = """
exec runuser -u postgres -- psql --host="$1" --port="$2" -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$3"
"""
# $1: the server, $2: the segment. What cron does every minute, every second.
ARCHIVED = f"""
left=60
until [ -e "{HOME}/$1/wals/${{2%????????}}/$2" ]; do
    left=$((left - 1))
    if [ $left -eq 0 ]; then echo "server '$1': WAL segment $2 is not archived" >&2; exit 1; fi
    runuser -u barman -- barman -q archive-wal "$1" </dev/null >/dev/null 2>&1 || true
    sleep 1
done
"""


class Ended(Exception):
    """A step failed, so the case has no further ones. Its result is recorded."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of the inventory, and where psql finds it on its machine."""

    name: str
    port: int
    socket: str = "/var/run/postgresql"


@dataclass
class Case:
    """The steps of one case, recorded as they end."""

    part: Part
    subject: str
    record: Callable[[Result], None]
    clock: Callable[[], float] = time.monotonic
    results: list[Result] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step that passes, or fails and ends the case. Raises Ended."""
        begin = self.clock()
        try:
            yield
        except Failed as failure:
            self._add(Result(self.part, self.subject, name, "failed", self.clock() - begin, shortened(str(failure))))
            raise Ended from failure
        self._add(Result(self.part, self.subject, name, "passed", self.clock() - begin))

    def refused(self, name: str, reason: str, seconds: float = 0.0) -> None:
        self._add(Result(self.part, self.subject, name, "refused", seconds, reason))

    def _add(self, result: Result) -> None:
        self.results.append(result)
        self.record(result)
        print(result, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Site:
    """The machines of a part, its servers, and what the inventory has beside its file."""

    machines: Machines
    database: str
    backup: str
    servers: tuple[Server, ...]
    inventory: Mapping[str, Any] = field(default_factory=dict)

    def sql(self, server: Server, query: str) -> str:
        return self.machines.shell(self.database, SQL, server.socket, str(server.port), query)

    def play(self, playbook: str, *arguments: str, **variables: Any) -> None:
        """Run a playbook of the collection. Raises Failed if a host failed."""
        self.machines.play(f"pgdr.barman.{playbook}", variables, self.inventory, *arguments).expect()

    def write(self) -> None:
        """The rows that a backup has to have."""
        for server in self.servers:
            self.sql(server, TABLE)

    def write_more(self) -> None:
        """The rows that are in the WAL after the backup alone."""
        for server in self.servers:
            self.sql(server, MORE)
        for server in self.servers:
            self.machines.shell(self.backup, ARCHIVED, server.name, self.sql(server, SWITCH))

    def recover(self, server: Server, backup: str) -> None:
        """Recover to a directory of that backup server, and count the rows."""
        directory = f"{HOME}/recovered/{server.name}"
        self.machines.shell(backup, f"rm -rf {directory} {directory}.*")
        self.play(
            "recover",
            barman_recover_server=server.name,
            barman_recover_backup_server=backup,
            barman_recover_directory=directory,
            barman_recover_queries=COUNTED,
        )

    def recover_all(self) -> None:
        """The same of all servers, at the same time."""
        at_once([partial(self.recover, server, self.backup) for server in self.servers])


def at_once(work: Sequence[Callable[[], object]]) -> None:
    """Run all of it at the same time. Raises the first failure."""
    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(one) for one in work]:
            done.result()
