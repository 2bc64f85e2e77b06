# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.host_slice import host_slice


class ActionModule(Action):
    """Reads a registered topology on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {"registered": {"type": "str", "default": "barman_topology"}}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
        host = variables["inventory_hostname"]
        # The variable itself and no template: before ansible-core 2.19 that would template every host's part.
        whole = variables.get(arguments["registered"])
        if not isinstance(whole, dict) or "requirements" not in whole:
            raise AnsibleActionFail(
                f"{host}: the variable {arguments['registered']} has no topology; register pgdr.barman.topology in it first, with run_once"
            )
        return host_slice(host, whole["topology"], whole["requirements"])
