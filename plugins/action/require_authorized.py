# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action

#: The fact of a host that could not authorize SSH for a recovery: the recovery's run, and the reason.
UNAUTHORIZED = "barman_unauthorized"


class ActionModule(Action):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    ARGUMENTS = {name: {"type": "str", "required": True} for name in ("run", "source", "target")}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        source, target, hostvars = arguments["source"], arguments["target"], variables["hostvars"]
        facts = (hostvars[host].get(UNAUTHORIZED) for host in (source, target) if host in hostvars)
        reasons = refusals(facts, arguments["run"])
        if reasons:
            text = f"SSH from {source} to {target} could not be authorized: {'; '.join(reasons)}"
            raise AnsibleActionFail(text, result={"reasons": reasons})
        return {}


def refusals(facts: Iterable[Mapping[str, Any] | None], run: str) -> list[str]:
    """The reasons that the hosts of this run recorded, each once. A fact of an earlier run does not count."""
    return list(dict.fromkeys(str(fact["reason"]) for fact in facts if fact and fact.get("run") == run))
