# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from functools import partial
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils.job_host import JobHost
from ansible_collections.pgdr.barman.plugins.plugin_utils.watched_jobs import (
    failure_message,
    in_background,
    with_result,
)


class ActionModule(Action):
    """Waits on the controller; each query is one module run on the host of the jobs."""

    _requires_connection = True

    ARGUMENTS = {
        "jobs": {"type": "list", "elements": "dict", "required": True},
        "servers": {"type": "list", "elements": "str", "required": True},
        "barman_user": {"type": "str", "default": "barman"},
        "config_file": {"type": "path"},
        "timeout": {"type": "int", "default": 86400},
        "unreachable_timeout": {"type": "int", "default": 600},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        given, servers = arguments["jobs"], arguments["servers"]
        if len(given) != len(servers):
            raise AnsibleActionFail(f"there are {len(given)} jobs and {len(servers)} servers; each job has one server")
        pending = in_background(given, servers)
        limits = {name: arguments[name] for name in ("timeout", "unreachable_timeout")}
        waited = self._host(arguments, variables).wait(pending, **limits) if pending else {}
        jobs = [waited.get(number, with_result(job)) for number, job in enumerate(given)]
        changed = any(job.get("changed") for job in waited.values())
        message = failure_message(jobs, servers)
        return {"changed": changed, "failed": bool(message), "jobs": jobs, **({"msg": message} if message else {})}

    def _host(self, arguments: dict[str, Any], variables: dict[str, Any]) -> JobHost:
        return JobHost(
            name=str(self._task.delegate_to or variables.get("inventory_hostname") or "the host"),
            execute_module=partial(self._execute_module, task_vars=variables),
            reset=self._connection.reset,
            async_directory=str(self.get_shell_option("async_dir", default="~/.ansible_async")),
            barman={name: arguments[name] for name in ("barman_user", "config_file")},
        )
