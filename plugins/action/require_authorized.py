# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

#: The fact of a host that could not authorize SSH for a recovery: the recovery's run, and the reason.
UNAUTHORIZED = "barman_unauthorized"


class ActionModule(ActionBase):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={name: {"type": "str", "required": True} for name in ("run", "source", "target")}
        )
        source, target, hostvars = options["source"], options["target"], (task_vars or {})["hostvars"]
        facts = (hostvars[host].get(UNAUTHORIZED) for host in (source, target) if host in hostvars)
        reasons = refusals(facts, options["run"])
        if reasons:
            result["reasons"] = reasons
            text = f"SSH from {source} to {target} could not be authorized: {'; '.join(reasons)}"
            raise AnsibleActionFail(text, result=result)
        result.update(changed=False)
        return result


def refusals(facts: Iterable[Mapping[str, Any] | None], run: str) -> list[str]:
    """The reasons that the hosts of this run recorded, each once. A fact of an earlier run does not count."""
    return list(dict.fromkeys(str(fact["reason"]) for fact in facts if fact and fact.get("run") == run))
