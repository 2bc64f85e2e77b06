# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedules of existing Barmans as the inventory's cron expressions.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._topology.schedule import Cron, parse_cron
from .facts import ScheduleFacts

ALL = "all"


def lines_of(server: str, schedules: Iterable[ScheduleFacts], *, incremental: bool) -> list[ScheduleFacts]:
    """The lines that take full backups of that server, or block-level increments."""
    return [
        one
        for one in schedules
        if (server in one["servers"] or ALL in one["servers"]) and (one["incremental"] is not None) == incremental
    ]


def expression_of(lines: Sequence[ScheduleFacts]) -> str | None:
    """One cron expression for all these lines; "" without any, None if one expression can't have them all."""
    if not lines:
        return ""
    crons = []
    for line in lines:
        try:
            crons.append(parse_cron(line["when"] or ""))
        except ValueError:
            return None
    return _together(list(dict.fromkeys(crons)))


def _together(crons: Sequence[Cron]) -> str | None:
    """The expression that comes true when one of these does. That works if they differ in one field only."""
    differing = [number for number, values in enumerate(zip(*crons, strict=True)) if len(set(values)) > 1]
    if len(differing) > 1:
        return None
    fields = list(crons[0])
    for number in differing:
        values = [cron[number] for cron in crons]
        fields[number] = "*" if "*" in values else ",".join(values)
    # With a day and a weekday, either is enough for cron.
    mixed = differing and differing[0] in (2, 4) and fields[2] != "*" and fields[4] != "*"
    return None if mixed else " ".join(fields)
