# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program pgdr-barman does on a backup server: its settings, and its lines of cron.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Sequence

from .clusters import follow_lines, managed_slots
from .model import BackupServer, PostgresServer
from .monitoring import monitoring_lines, monitoring_settings
from .requirement_types import DrillRequirements, ProgramRequirements, VerificationRequirements


def program_requirements(
    backup: BackupServer,
    synchronous: Sequence[str],
    servers: Sequence[PostgresServer],
    drills: DrillRequirements,
    verification: VerificationRequirements,
    identity: str,
) -> ProgramRequirements:
    """What the module host_program writes.

    synchronous: Barman's names of servers. servers: those that are backed up or replicated there. identity: of the collection's code.
    """
    clusters = managed_slots(server for server in servers if server.backup_server == backup.host)
    return {
        "identity": identity,
        "settings": {
            "barman_user": backup.user,
            "check": {
                "synchronous": list(synchronous),
                "drill_maximum_age": drills["maximum_ages"],
                "verification_maximum_age": verification["maximum_ages"],
            },
            "follow": {"managed_slots": clusters},
            "drill": {name: drills[name] for name in ("directory", "queries", "database_users")},
            "verify": {name: verification[name] for name in ("days", "bandwidth_limit")},
            "monitoring": monitoring_settings(backup, servers),
        },
        "schedule_lines": [
            *drills["schedule_lines"],
            *verification["schedule_lines"],
            *follow_lines(backup.user, clusters),
            *monitoring_lines(backup),
        ],
    }
