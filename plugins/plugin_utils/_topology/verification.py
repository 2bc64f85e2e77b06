# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifications of stored backups and WAL as the inventory declares them.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Sequence

from .drills import schedule_lines
from .model import BackupServer, PostgresServer
from .requirement_types import VerificationRequirements

#: With --quiet cron sends mail only about a damage.
COMMAND = "pgdr-barman verify --quiet --wait 86400"
_DAY = 86400
#: A run can start late, and reads what is due at the next one a quarter of the interval too early.
_LATE = _DAY


def verification_requirements(backup: BackupServer, here: Sequence[PostgresServer]) -> VerificationRequirements:
    """here: the servers that the backup server backs up or replicates: a passive copy is verified, too."""
    declared = {server.name: server.verification_days for server in here if server.verification_days is not None}
    return {
        "days": declared,
        "maximum_ages": {name: days * _DAY + _LATE for name, days in declared.items()},
        "bandwidth_limit": backup.verification_bandwidth_limit,
        "schedule_lines": schedule_lines(
            backup.user, ((server.name, server.verification_schedule) for server in here), COMMAND
        ),
    }
