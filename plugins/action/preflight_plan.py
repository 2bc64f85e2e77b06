# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.measurements import measurements
from ansible_collections.pgdr.barman.plugins.plugin_utils.advice_facts import declared_topology


class ActionModule(Action):
    """Reads the inventory on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "pg_group": {"type": "str", "default": "pg"},
        "backup_group": {"type": "str", "default": "backup"},
        "seconds": {"type": "int", "default": 2},
        "bytes": {"type": "int", "default": 67108864},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        topology = declared_topology(arguments, variables, self._loader)
        return {"hosts": measurements(topology, arguments["seconds"], arguments["bytes"])}
