# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup server has for Prometheus, Nagios and its own messages: files, lines, and the limits of its servers.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._server.program_files import MARK, Places
from . import schedule
from .model import BackupServer, PostgresServer
from .requirement_types import MonitoringRequirements

PROMETHEUS, NAGIOS, NOTIFY = "prometheus", "nagios", "notify"
METRICS_FILE = "pgdr_barman.prom"
#: A backup can take as long as half of the time from one to the next.
_LATE = 1.5
_DAY = 86400


def monitoring_requirements(backup: BackupServer, servers: Sequence[str]) -> MonitoringRequirements:
    """What role monitoring writes. servers: Barman's names of all entries of the host."""
    kinds = backup.variables["barman_monitoring"]
    nrpe = NAGIOS in kinds
    checks = {"check_barman": "", **{f"check_barman_{name}": f" {name}" for name in sorted(servers)}}
    command = f"{Places().command} nagios"
    return {
        "prometheus": PROMETHEUS in kinds,
        "nagios": nrpe,
        "notify": NOTIFY in kinds,
        "metrics_file": metrics_file(backup),
        # -n: without the rule below, sudo would wait for a password until NRPE's time limit.
        "nrpe_lines": [
            MARK,
            *(f"command[{name}]=/usr/bin/sudo -n -u {backup.user} {command}{more}" for name, more in checks.items()),
        ]
        if nrpe
        else [],
        "sudoers_lines": [
            MARK,
            *(
                f"{backup.variables['barman_nrpe_user']} ALL=({backup.user}) NOPASSWD: {command}{more}"
                for more in checks.values()
            ),
        ]
        if nrpe
        else [],
    }


def metrics_file(backup: BackupServer) -> str:
    """The file that the textfile collector reads."""
    return f"{backup.variables['barman_textfile_directory']}/{METRICS_FILE}"


def monitoring_settings(backup: BackupServer, servers: Sequence[PostgresServer]) -> dict[str, Any]:
    """What the commands metrics and nagios read. servers: those that are backed up or replicated here."""
    return {"backup_maximum_age": backup_ages(servers)}


def backup_ages(servers: Sequence[PostgresServer]) -> Mapping[str, float]:
    """The age in seconds at which the newest backup is too old, by Barman's name; of servers with a schedule only."""
    found = {}
    for server in servers:
        texts = [server.backup_schedule, server.incremental_schedule if server.incremental == "block" else None]
        gap = schedule.longest_gap(tuple(schedule.parse_cron(text) for text in texts if text))
        if gap is not None:
            found[server.name] = gap * 60 * _LATE
    return found


def monitoring_lines(backup: BackupServer) -> list[str]:
    """The lines of cron. Root writes the metrics, because the directory of Debian's node exporter belongs to root."""
    kinds, command = backup.variables["barman_monitoring"], Places().command
    runs = {
        # The next run replaces it after a minute. If cron stops, the metrics go on, and an alert reports cron.
        PROMETHEUS: f"root {command} metrics --output {metrics_file(backup)} --seconds {_DAY}",
        NOTIFY: f"{backup.user} {command} notify",
    }
    # What goes wrong is in the journal; cron would send a mail each minute.
    return [f"* * * * * {run} 2>&1 | logger -t pgdr-barman" for kind, run in runs.items() if kind in kinds]
