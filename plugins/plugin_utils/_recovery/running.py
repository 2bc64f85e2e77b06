# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the server that answers is the recovered one. A server that runs with other data answers, too.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def problems(
    answer: Mapping[str, Any], files: Sequence[Mapping[str, Any]], *, data_directory: str, timeline: int, port: int
) -> list[str]:
    """What is wrong; empty if it is the recovered server.

    answer: in_recovery, paused, data_directory and timeline (8 hexadecimal digits) of the server. files: what stat found of its data
    directory and of the recovered one (dev, inode). timeline: the one that the recovery followed.
    """
    if answer["in_recovery"]:
        state = "paused in the middle of its recovery" if answer["paused"] else "is still in recovery"
        return [f"The recovered server {state}. Read PostgreSQL's log for the reason."]
    found = []
    if len({(one.get("dev"), one.get("inode")) for one in files}) != 1:
        found.append(
            f"PostgreSQL on port {port} runs with {answer['data_directory']}, and {data_directory} was recovered."
        )
    current = timeline_of(answer)
    if current <= timeline:
        found.append(f"It is on timeline {current}, and a recovered server would be on one after {timeline}.")
    return found


def timeline_of(answer: Mapping[str, Any]) -> int:
    """The timeline on which the server writes."""
    return int(answer["timeline"], 16)
