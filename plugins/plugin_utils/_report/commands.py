# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command for each fault, as a person types it.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

_PLAYBOOK = "ansible-playbook pgdr.barman.{playbook} -i INVENTORY -e barman_servers={server}"
_DEPLOY = "ansible-playbook pgdr.barman.deploy -i INVENTORY"
_CHECK = "sudo -u barman pgdr-barman check {server}"
_CRON = "sudo -u barman barman cron"


def _run(playbook: str) -> str:
    return _PLAYBOOK.replace("{playbook}", playbook)


#: By the name of the alert. What a person has to find out has a command that shows it.
COMMANDS: Mapping[str, str] = {
    "BarmanServerUnreadable": _CHECK,
    "BarmanServerInactive": _DEPLOY,
    "BarmanPostgresUnreachable": _CHECK,
    "BarmanSlotLost": _run("repair"),
    "BarmanTwoPrimaries": _CHECK,
    "BarmanSlotMissing": _DEPLOY,
    "BarmanMemberSlotMissing": "sudo -u barman pgdr-barman follow",
    "BarmanSynchronousStandbyMissing": "sudo -u barman barman receive-wal {server}",
    "BarmanReceiverStopped": _CRON,
    "BarmanReceiverLagging": _CHECK,
    "BarmanSlotRetainsWal": _CHECK,
    "BarmanWalMissing": _run("repair"),
    "BarmanArchiveFailing": _DEPLOY,
    "BarmanWalNotDelivered": f"{_DEPLOY} --check --diff",
    "BarmanWalNotArchived": "sudo -u barman barman archive-wal {server}",
    "BarmanBackupMissing": _run("backup"),
    "BarmanBackupTooOld": _run("backup"),
    "BarmanBackupFailed": "sudo -u barman barman show-backup {server} last-failed",
    "BarmanBackupFilesMissing": _CHECK,
    "BarmanPassiveLate": _run("sync"),
    "BarmanDrillFailed": _run("drill"),
    "BarmanDrillTooOld": _run("drill"),
    "BarmanVerificationFailed": _CHECK,
    "BarmanVerificationTooOld": _run("verify"),
    "BarmanCheckFailed": _CHECK,
    "BarmanDiskFilling": "df -h {server}",
}


def command_for(fault: str, server: str) -> str:
    """The command for a fault of a server; that of the check for an unknown fault."""
    return COMMANDS.get(fault, _CHECK).replace("{server}", shlex.quote(server))


def title_of(fault: str) -> str:
    """The name of an alert in words: BarmanReceiverStopped becomes "receiver stopped"."""
    words: list[str] = re.findall(r"[A-Z][a-z]+", fault)
    return " ".join(
        {"Wal": "WAL", "Postgres": "PostgreSQL"}.get(word, word.lower()) for word in words if word != "Barman"
    )
