# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with jobs in the background, and the wait for them. This plugin util is private to the collection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.utils.display import Display

from ansible_collections.pgdr.barman.plugins.module_utils._host.jobs import Announcer, JobState, interval, verdict_on
from ansible_collections.pgdr.barman.plugins.plugin_utils.time_limit import TimeLimitReached, limited
from ansible_collections.pgdr.barman.plugins.plugin_utils.watched_jobs import (
    WatchedJob,
    answered,
    progress_line,
    unanswered,
    with_result,
    without_result,
    work,
)

display = Display()

# Ansible ends a job at its own limit and then writes the result.
_GRACE = 120
# Seconds for one query. A connection to a host that has lost power does not end by itself.
_LOOK = 45


@dataclass(frozen=True)
class JobHost:
    """A host as one task reaches it.

    execute_module: ActionBase._execute_module for this task. reset: closes the connection. async_directory: where Ansible keeps jobs there. barman:
    arguments of the user and the configuration of Barman.
    """

    name: str
    execute_module: Callable[..., dict[str, Any]]
    reset: Callable[[], object]
    async_directory: str
    barman: Mapping[str, Any]

    def wait(
        self, pending: dict[int, WatchedJob], *, timeout: int, unreachable_timeout: int
    ) -> dict[int, dict[str, Any]]:
        """The results of the pending jobs, by their numbers."""
        ended: dict[int, dict[str, Any]] = {}
        started, announcer = time.monotonic(), Announcer()
        while True:
            pending = dict(zip(pending, self._observe(list(pending.values())), strict=True))
            for number, job in list(pending.items()):
                verdict = verdict_on(
                    job.observations, timeout=timeout + _GRACE, unreachable_timeout=unreachable_timeout
                )
                if not verdict.final:
                    continue
                if verdict.state is JobState.DONE:
                    found = self._result(job)
                    if found.get("unreachable"):
                        pending[number] = unanswered(job, str(found["msg"]), time.monotonic())
                        continue
                    ended[number] = with_result(found)
                else:
                    display.display(f"{self.name}: {job.server}: {verdict.reason}")
                    ended[number] = without_result(job, verdict, self.name)
                del pending[number]
            if not pending:
                return ended
            elapsed, jobs = time.monotonic() - started, list(pending.values())
            if announcer.due(elapsed, work(jobs)):
                display.display(f"{self.name}: {progress_line(jobs, elapsed)}")
            time.sleep(interval(elapsed))

    def _observe(self, jobs: list[WatchedJob]) -> list[WatchedJob]:
        """The jobs after one query of their host."""
        module_args = {
            "jobs": [{"id": job.job_id, "session": job.session} for job in jobs],
            "async_dir": self.async_directory,
            "servers": [job.server for job in jobs],
            **self.barman,
        }
        found = self._run("pgdr.barman.job_info", module_args)
        now = time.monotonic()
        if found.get("unreachable"):
            return [unanswered(job, str(found["msg"]), now) for job in jobs]
        if found.get("failed"):
            raise AnsibleActionFail(f"the jobs on {self.name} can't be observed: {found.get('msg')}")
        return answered(jobs, found, now)

    def _result(self, job: WatchedJob) -> dict[str, Any]:
        """What a job that has ended has written; unreachable and msg if the host gave no answer."""
        module_args = {"jid": job.job_id, "mode": "status", "_async_dir": self.async_directory}
        return self._run("ansible.legacy.async_status", module_args)

    def _run(self, name: str, module_args: dict[str, Any]) -> dict[str, Any]:
        """The module's answer; unreachable and msg if the host gave none."""
        try:
            with limited(_LOOK):
                return self.execute_module(module_name=name, module_args=module_args)
        except AnsibleConnectionFailure as exc:
            return {"unreachable": True, "msg": exc.message}
        except TimeLimitReached:
            # The next query needs a connection of its own.
            with contextlib.suppress(Exception, TimeLimitReached), limited(_LOOK):
                self.reset()
            return {"unreachable": True, "msg": f"no answer within {_LOOK} s"}
