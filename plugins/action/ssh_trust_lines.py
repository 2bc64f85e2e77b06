# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import ssh_lines


class ActionModule(Action):
    """Combines the keys that the hosts of the run handed on; connects to nothing and changes nothing."""

    ARGUMENTS = {"connections": {"type": "list", "elements": "dict", "required": True}}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        host, connections = variables["inventory_hostname"], arguments["connections"]
        return ssh_lines.lines_of_host(connections, host, run_facts.known_keys(connections, variables["hostvars"]))
