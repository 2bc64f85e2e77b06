# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What WAL receivers wrote to Barman's log, which all of them share.

This module util is private to the collection. Barman does not translate its own log: the heads of its lines, with process and
level, and the names of its operations are found here. What PostgreSQL and pg_receivewal wrote is in any language, and only shown.
"""

from __future__ import annotations

import os
import re

from .._host.identity import open_as_owner
from .._postgres.diagnosis import without_log_head


def log_size(path: str) -> int:
    """The present end of the log; 0 where there is none."""
    try:
        return os.path.getsize(path) if path else 0
    except OSError:
        return 0


def read_receiver_log(path: str, start: int, server: str) -> str:
    """The lines that this server's receivers wrote since then; empty where the log can't be read."""
    try:
        with os.fdopen(open_as_owner(path or os.devnull), "rb") as stream:
            stream.seek(start)
            return receiver_log(stream.read().decode("utf-8", errors="replace"), server)
    except OSError:
        return ""


def last_messages(text: str) -> str:
    """What pg_receivewal wrote last, and Barman's last error, in their own words; empty if there is neither."""
    lines = text.splitlines()
    programs = [line for line in lines if ": pg_receive" in line]
    errors = [line for line in lines if re.search(r"\] \S+ (?:ERROR|CRITICAL): ", line)]
    return "; ".join(without_log_head(line).strip() for line in dict.fromkeys(programs[-1:] + errors[-1:]))


def receiver_log(text: str, server: str) -> str:
    """The lines of Barman's log that this server's receiver wrote, of all its processes in the text."""
    own: set[str] = set()
    for line in text.splitlines():
        found = re.search(
            rf"\[(\d+)\] .*(?:receive-wal for server|WAL streaming.*server) '?{re.escape(server)}\b", line
        )
        if found:
            own.add(found.group(1))
    return "\n".join(
        line
        for line in text.splitlines()
        if any(f"[{pid}]" in line for pid in own) or f": {server}: pg_receive" in line
    )
