# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusing a changed entry that would lead to no machine, before it replaces one that may work.

This module util is private to the collection. A machine that refuses the connection is there: PostgreSQL may still be configured by the same run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Callable

from .._postgres.reachability import Reach, probe

_CONNECTIONS = ("conninfo", "streaming_conninfo", "primary_conninfo", "wal_conninfo", "wal_streaming_conninfo")
_WHY = {
    Reach.NAME: "its name can't be resolved on this host",
    Reach.NO_ROUTE: "it can't be reached from this host (no route)",
    Reach.TIMEOUT: "it does not answer",
}
Options = Mapping[str, str]


def unreachable(
    name: str, before: Options, after: Options, reach: Callable[[str, str], Reach] = probe
) -> Iterable[str]:
    """A problem for each address that is new in an entry, and where no machine is."""
    known = _addresses(before)
    if not known:
        return
    for (host, port), option in _addresses(after).items():
        if (host, port) in known:
            continue
        why = _WHY.get(reach(host, port))
        if why:
            yield (
                f"server '{name}': {option} would connect to {host}, port {port}, and {why}. Its entry does not "
                "change. Correct ansible_host, "
                "barman_postgres_host or barman_postgres_port of that server in the inventory, or start the machine, "
                "and "
                "run the playbook again"
            )


def _addresses(options: Options) -> dict[tuple[str, str], str]:
    """The first option that has each host and port."""
    found: dict[tuple[str, str], str] = {}
    for option in _CONNECTIONS:
        conninfo = options.get(option) or ""
        host = _value(conninfo, "hostaddr") or _value(conninfo, "host")
        if host:
            found.setdefault((host, _value(conninfo, "port") or "5432"), option)
    return found


def _value(conninfo: str, keyword: str) -> str:
    """The value of a keyword in a libpq connection string; "" if it is not there."""
    found = re.search(rf"(?:^|\s){keyword}\s*=\s*(?:'([^']*)'|(\S+))", conninfo)
    return (found.group(1) or found.group(2) or "") if found else ""
