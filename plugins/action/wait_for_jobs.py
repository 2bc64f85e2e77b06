# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.pgdr.barman.plugins.module_utils._host.jobs import Announcer, JobState, interval, verdict_on
from ansible_collections.pgdr.barman.plugins.plugin_utils.watched_jobs import (
    WatchedJob,
    answered,
    failure_message,
    in_background,
    progress_line,
    unanswered,
    with_result,
    without_result,
    work,
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
        self._arguments, self._variables = arguments, task_vars or {}
        delegated = getattr(self._task, "delegate_to", None)
        self._host = str(delegated or self._variables.get("inventory_hostname") or "the host")
        pending = in_background(given, servers)
        waited = self._wait(pending) if pending else {}
        jobs = [waited.get(number, with_result(job)) for number, job in enumerate(given)]
        message = failure_message(jobs, servers)
        result.update(changed=any(job.get("changed") for job in waited.values()), failed=bool(message), jobs=jobs)
        if message:
            result["msg"] = message
        return result

    def _wait(self, pending: dict[int, WatchedJob]) -> dict[int, dict[str, Any]]:
        """The results of the pending jobs, by their numbers."""
        ended: dict[int, dict[str, Any]] = {}
        started, announcer = time.monotonic(), Announcer()
        while True:
            pending = dict(zip(pending, self._observe(list(pending.values())), strict=True))
            for number, job in list(pending.items()):
                verdict = verdict_on(
                    job.observations,
                    timeout=self._arguments["timeout"] + _GRACE,
                    unreachable_timeout=self._arguments["unreachable_timeout"],
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
                    display.display(f"{self._host}: {job.server}: {verdict.reason}")
                    ended[number] = without_result(job, verdict, self._host)
                del pending[number]
            if not pending:
                return ended
            elapsed, jobs = time.monotonic() - started, list(pending.values())
            if announcer.due(elapsed, work(jobs)):
                display.display(f"{self._host}: {progress_line(jobs, elapsed)}")
            time.sleep(interval(elapsed))

    def _observe(self, jobs: list[WatchedJob]) -> list[WatchedJob]:
        """The jobs after one query of their host."""
        module_args = {
            "jobs": [{"id": job.job_id, "session": job.session} for job in jobs],
            "async_dir": self._async_directory(),
            "servers": [job.server for job in jobs],
            "barman_user": self._arguments["barman_user"],
            "config_file": self._arguments["config_file"],
        }
        found = self._module("pgdr.barman.job_info", module_args)
        now = time.monotonic()
        if found.get("unreachable"):
            return [unanswered(job, str(found["msg"]), now) for job in jobs]
        if found.get("failed"):
            raise AnsibleActionFail(f"the jobs on {self._host} can't be observed: {found.get('msg')}")
        return answered(jobs, found, now)

    def _result(self, job: WatchedJob) -> dict[str, Any]:
        """What a job that has ended has written; unreachable and msg if the host gave no answer."""
        module_args = {"jid": job.job_id, "mode": "status", "_async_dir": self._async_directory()}
        return self._module("ansible.legacy.async_status", module_args)

    def _async_directory(self) -> str:
        return str(self.get_shell_option("async_dir", default="~/.ansible_async"))

    def _module(self, name: str, module_args: dict[str, Any]) -> dict[str, Any]:
        """The module's answer; unreachable and msg if the host gave none."""
        try:
            with _limited(_LOOK):
                found: dict[str, Any] = self._execute_module(
                    module_name=name, module_args=module_args, task_vars=self._variables
                )
                return found
        except AnsibleConnectionFailure as exc:
            return {"unreachable": True, "msg": exc.message}
        except _LookTimeout:
            # The next look needs a connection of its own.
            with contextlib.suppress(Exception, _LookTimeout), _limited(_LOOK):
                self._connection.reset()
            return {"unreachable": True, "msg": f"no answer within {_LOOK} s"}
