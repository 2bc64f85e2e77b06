# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the data checksums of a restored directory are right, by pg_checksums.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

from .._host.process import Command, Runner
from .observe import PreparedDirectory

_COUNTS = re.compile(r"^(Files scanned|Blocks scanned|Bad checksums):\s+(\d+)", re.MULTILINE)


def checksum_facts(
    prepared: PreparedDirectory, runner: Runner, timeout: float, clock: Callable[[], float] = time.monotonic
) -> tuple[dict[str, Any], str]:
    """The facts for the result, and why the checksums are wrong; "" if they are right or off. The server must not run."""
    if prepared.control.get("Data page checksum version", "0") == "0":
        return {"status": "off", "enabled": False}, ""
    started = clock()
    program = os.path.join(prepared.bin_directory, "pg_checksums")
    completed = runner(Command([program, "--check", "-D", prepared.path], user=prepared.user, timeout=timeout))
    counts = {key: int(value) for key, value in _COUNTS.findall(completed.stdout)}
    facts = {
        "status": "verified" if completed.ok else "wrong",
        "enabled": True,
        "seconds": round(clock() - started, 2),
        "files": counts.get("Files scanned"),
        "blocks": counts.get("Blocks scanned"),
        "bad": counts.get("Bad checksums"),
    }
    if completed.ok:
        return facts, ""
    return facts, (
        f"data checksums are wrong: {completed.text}. The damage is in the backup, and may have been in the server "
        "before it. Recover from an earlier "
        "backup (playbook: barman_recover_backup_id), or accept it with checksums: false (playbook: "
        "barman_recover_verify_backup=false)"
    )
