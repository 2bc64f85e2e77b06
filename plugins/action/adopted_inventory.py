# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import adopted_inventory
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.document import inventory_text
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.inventory import adopt
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.report import plan_of, report_lines


class ActionModule(Action):
    """Writes one file on the controller; connects to nothing."""

    ARGUMENTS = {
        "file": {"type": "path", "required": True},
        "existing": {"type": "str", "required": True},
        "pg_group": {"type": "str", "default": "pg"},
        "backup_group": {"type": "str", "default": "backup"},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        groups = {"pg_group": arguments["pg_group"], "backup_group": arguments["backup_group"]}
        barmans = adopted_inventory.barmans_of(groups["backup_group"], arguments["existing"], variables)
        known = adopted_inventory.known_hosts(barmans, variables, self._loader)
        adoption = adopt(barmans, known, {*variables["groups"], *groups.values()})
        plan = plan_of(adoption, barmans)
        path = os.path.abspath(arguments["file"])
        text = inventory_text(adoption, **groups)
        current = adopted_inventory.current_text(path)
        changed = text != current
        if changed and not self._task.check_mode:
            adopted_inventory.write(path, text)
        written = "is unchanged" if not changed else "would be written" if self._task.check_mode else "was written"
        return {
            "changed": changed,
            "msg": report_lines(adoption, plan, path, written=written),
            "file": path,
            "servers": {host: own.get("barman_server_name", host) for host, own in sorted(adoption.pg.items())},
            "left_out": adoption.left_out,
            "vault": [asdict(one) for one in adoption.vault],
            "remarks": [asdict(one) for one in adoption.remarks],
            **plan.as_dict(),
            "diff": {"before_header": path, "after_header": path, "before": current or "", "after": text},
        }
