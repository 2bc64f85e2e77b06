# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.operation import choose_receivers
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import OPERATION


class ActionModule(Action):
    """Reads what the backup servers of the run handed on; connects to nothing and changes nothing."""

    ARGUMENTS = {"receivers": {"type": "list", "elements": "dict", "required": True}}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        hostvars, receivers = variables["hostvars"], arguments["receivers"]
        states = {
            host: hostvars[host].get(OPERATION) or {} if host in hostvars else {}
            for host in {one["backup_server"] for one in receivers}
        }
        choice = choose_receivers(
            receivers,
            {host: state.get("healthy", ()) for host, state in states.items()},
            {host: state.get("confirmed", ()) for host, state in states.items()},
        )
        return {"unknown": list(choice.unknown), "unconfirmed": list(choice.unconfirmed)}
