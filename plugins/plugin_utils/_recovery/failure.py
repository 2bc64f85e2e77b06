# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a failed recovery: what of it may still run, and what a person has to do.

Private to the collection. Pure: no Ansible, no input or output. Results that Ansible registered for an earlier recovery of the same run
of ansible-playbook do not count: each names its recovery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far the recovery came.

    begun: whether it is recorded on the host. stopped: whether it has stopped PostgreSQL, which ran. copying: whether the copy may still
    run. source_lost: whether the backup server could not be reached as the copy started. running: whether the recovered server runs.
    """

    begun: bool = False
    stopped: bool = False
    copying: bool = False
    source_lost: bool = False
    running: bool = False

    @property
    def record_state(self) -> str:
        """While the copy may run, it may be about to move the data directory, so the record stays."""
        return "read" if self.copying else "abandoned"


def progress(run: str, *, begun: Result, stopped: Result, started: Result, ended: Result, running: Result) -> Progress:
    """How far the recovery of that id came, from what its steps returned.

    begun: module recovery_record with state begun. stopped: the task that stopped PostgreSQL. started: the loop over the id of the recovery
    that started the copy. ended: module wait_for_jobs. running: action require_recovered.
    """
    is_begun = ((begun.get("record") or {}).get("run")) == run
    jobs = [job for job in started.get("results") or () if job.get("item") == run] if is_begun else []
    job = jobs[0] if jobs else {}
    lost = bool(job.get("unreachable"))
    job_id = job.get("ansible_job_id")
    over = any(one.get("ansible_job_id") == job_id and one.get("job_over") for one in ended.get("jobs") or ())
    return Progress(
        begun=is_begun,
        stopped=is_begun and bool(stopped.get("changed")),
        # If the backup server was lost while the copy started, it is unknown whether the copy still runs.
        copying=lost or (job_id is not None and not over),
        source_lost=lost,
        running=running.get("run") == run,
    )


def message(
    recovery: Mapping[str, Any],
    found: Progress,
    *,
    task: str,
    error: str,
    data_directory: str,
    service: str,
    record_file: str,
    record: Result,
    restarted: Result,
) -> str:
    """What happened, where it stands, and what to do.

    record: what recovery_record returned after the failure, which may be that the host is unreachable. restarted: the task that starts
    PostgreSQL again.
    """
    target, source = recovery["target"], recovery["source"]
    parts = [f'The recovery of {recovery["server"]} stopped at "{task}": {error}']
    copy_runs = f"The copy to {data_directory} may be going on in the background"
    if not found.begun:
        parts.append("Nothing was done.")
    elif found.running:
        again = ", and run the playbooks pgdr.barman.deploy and pgdr.barman.backup" if recovery["in_place"] else ""
        parts.append(
            f"PostgreSQL runs on {target}, recovered and unprotected: no receiver follows it, its WAL may not be archived, and there is no new "
            f"backup. Correct what failed{again}."
        )
    elif restarted.get("state") == "started":
        parts.append(
            f"Nothing was moved yet, and PostgreSQL on {target} ({service}) was started again with what it had."
        )
    elif record.get("unreachable"):
        either = " either" if found.source_lost else ""
        parts.append(
            f"{target} can't be reached{either}. Its PostgreSQL ({service}) was stopped, and what was moved is recorded in {record_file} there."
        )
        if found.copying:
            parts.append(f"{copy_runs}.")
        parts.append("When the hosts answer again, run the same recovery again: it reads that record.")
    elif found.copying:
        parts.append(
            f"{copy_runs} on {source}. Start PostgreSQL on {target} ({service}) only when it has ended, and run this again."
        )
    elif record.get("untouched", True) and record.get("startable", True):
        parts.append(f'{data_directory} is as it was. To go on with it, run "systemctl start {service}" on {target}.')
    else:
        parts.append(f"PostgreSQL on {target} ({service}) was stopped for it.")
    return " ".join([*parts, *(record.get("messages") or ())])
