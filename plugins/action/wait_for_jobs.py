# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.pgdr.barman.plugins.module_utils._host.jobs import (
    Announcer,
    JobObservation,
    JobState,
    Verdict,
    activity,
    advice,
    duration,
    interval,
    verdict_on,
)

display = Display()

# Ansible ends a job at its own limit and then writes the result.
_GRACE = 120
# Seconds for one look. A connection to a host that has lost power does not end by itself.
_LOOK = 45


class _LookTimeout(BaseException):
    """The look took too long. Not an Exception, so that a connection plugin does not take it for one of its own errors."""


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """End what runs inside after so many seconds by _LookTimeout, unless the task has a limit of its own."""

    def end(_signal: int, _frame: object) -> None:
        raise _LookTimeout

    if signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, None):
        yield
        return
    signal.signal(signal.SIGALRM, end)
    try:
        signal.alarm(seconds)
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


@dataclass
class _Job:
    """A job that is waited for, and what was observed of it."""

    job_id: str
    server: str
    session: int | None = None
    observations: list[JobObservation] = field(default_factory=list)


class ActionModule(ActionBase):
    """Waits on the controller; each look is one module run on the host of the jobs."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "jobs": {"type": "list", "elements": "dict", "required": True},
                "servers": {"type": "list", "elements": "str", "required": True},
                "barman_user": {"type": "str", "default": "barman"},
                "config_file": {"type": "path"},
                "timeout": {"type": "int", "default": 86400},
                "unreachable_timeout": {"type": "int", "default": 600},
            }
        )
        given, servers = arguments["jobs"], arguments["servers"]
        if len(given) != len(servers):
            raise AnsibleActionFail(f"there are {len(given)} jobs and {len(servers)} servers; each job has one server")
        variables = task_vars or {}
        self._host = str(getattr(self._task, "delegate_to", None) or variables.get("inventory_hostname") or "the host")
        pending = {
            number: _Job(str(job["ansible_job_id"]), server)
            for number, (job, server) in enumerate(zip(given, servers, strict=True))
            if job.get("ansible_job_id")
        }
        # A job that did not run in the background was reported by its own task.
        waited = self._wait(pending, arguments, variables) if pending else {}
        jobs = [
            waited.get(number, {**job, "job_state": JobState.DONE.value, "job_over": True})
            for number, job in enumerate(given)
        ]
        failures = {server: _message(job) for server, job in zip(servers, jobs, strict=True) if job.get("failed")}
        result.update(changed=any(job.get("changed") for job in waited.values()), failed=bool(failures), jobs=jobs)
        if failures:
            one = len(jobs) == 1
            result["msg"] = "; ".join(text if one else f"{server}: {text}" for server, text in failures.items())
        return result

    def _wait(
        self, pending: dict[int, _Job], arguments: dict[str, Any], variables: dict[str, Any]
    ) -> dict[int, dict[str, Any]]:
        """The results of the pending jobs, by their numbers."""
        pending = dict(pending)
        ended: dict[int, dict[str, Any]] = {}
        started, announcer = time.monotonic(), Announcer()
        while True:
            look = self._look(list(pending.values()), arguments, variables)
            for number, job in list(pending.items()):
                verdict = verdict_on(
                    job.observations,
                    timeout=arguments["timeout"] + _GRACE,
                    unreachable_timeout=arguments["unreachable_timeout"],
                )
                answer = self._answer(job, verdict, variables) if verdict.final else None
                if answer is not None:
                    ended[number] = answer
                    del pending[number]
            if not pending:
                return ended
            elapsed = time.monotonic() - started
            if announcer.due(
                elapsed, [look.get("error"), *(job.server for job in pending.values()), *look.get("phases", ())]
            ):
                display.display(f"{self._host}: {self._line(list(pending.values()), elapsed)}")
            time.sleep(interval(elapsed))

    def _look(self, jobs: list[_Job], arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Add an observation to each job; returns the phases of their work, or the error of a host that gives no answer."""
        module_args = {
            "jobs": [{"id": job.job_id, "session": job.session} for job in jobs],
            "async_dir": self.get_shell_option("async_dir", default="~/.ansible_async"),
            "servers": [job.server for job in jobs],
            "barman_user": arguments["barman_user"],
            "config_file": arguments["config_file"],
        }
        found = self._module("pgdr.barman.job_info", module_args, variables)
        now = time.monotonic()
        if found.get("unreachable"):
            error = str(found["msg"])
            for job in jobs:
                job.observations.append(JobObservation(now, error=error))
            return {"error": True}
        if found.get("failed"):
            raise AnsibleActionFail(f"the jobs on {self._host} can't be observed: {found.get('msg')}")
        phases: list[str] = []
        for job, facts in zip(jobs, found["jobs"], strict=True):
            text, work = activity(found["operations"], job.server)
            phases += work
            job.session = facts["session"]
            job.observations.append(
                JobObservation(
                    now,
                    boot_id=found["boot_id"],
                    finished=facts["finished"],
                    processes=tuple(facts["processes"]),
                    remaining=tuple(facts["remaining"]),
                    activity=text,
                )
            )
        return {"phases": phases}

    def _answer(self, job: _Job, verdict: Verdict, variables: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a job that has ended; None if the host could not be asked for it."""
        if verdict.state is JobState.DONE:
            directory = self.get_shell_option("async_dir", default="~/.ansible_async")
            module_args = {"jid": job.job_id, "mode": "status", "_async_dir": directory}
            found = self._module("ansible.legacy.async_status", module_args, variables)
            if found.get("unreachable"):
                job.observations.append(JobObservation(time.monotonic(), error=str(found["msg"])))
                return None
            return {**found, "job_state": verdict.state.value, "job_over": True}
        last, remaining = job.observations[-1], job.observations[-1].remaining
        working = next((item for item in reversed(job.observations) if item.activity), None)
        observed = ""
        if working is not None:
            observed = f" Last observed {duration(last.time - working.time)} before that: {working.activity}."
        message = f"The background job of {job.server} on {self._host} has no result: {verdict.reason}.{observed} {advice(verdict, self._host, remaining)}."
        display.display(f"{self._host}: {job.server}: {verdict.reason}")
        return {
            "failed": True,
            "changed": False,
            "msg": message,
            "ansible_job_id": job.job_id,
            "job_state": verdict.state.value,
            "job_over": verdict.state is JobState.DEAD and not remaining,
        }

    def _module(self, name: str, module_args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """The module's answer; unreachable and msg if the host gave none."""
        try:
            with _limited(_LOOK):
                found: dict[str, Any] = self._execute_module(
                    module_name=name, module_args=module_args, task_vars=variables
                )
                return found
        except AnsibleConnectionFailure as exc:
            return {"unreachable": True, "msg": exc.message}
        except _LookTimeout:
            # The next look needs a connection of its own.
            with contextlib.suppress(Exception, _LookTimeout), _limited(_LOOK):
                self._connection.reset()
            return {"unreachable": True, "msg": f"no answer within {_LOOK} s"}

    def _line(self, jobs: list[_Job], elapsed: float) -> str:
        last = jobs[0].observations[-1]
        if last.error is not None:
            return f"no answer ({last.error.strip()}); the job goes on without the connection"
        return (
            "; ".join(f"{job.server}: {job.observations[-1].activity or 'runs'}" for job in jobs)
            + f" ({duration(elapsed)})"
        )


def _message(job: Mapping[str, Any]) -> str:
    return str(job.get("msg") or "the job failed without a message")
