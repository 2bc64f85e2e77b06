# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.plan_text import plan_lines


class ActionModule(Action):
    """Shows a text that it makes on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "recovery": {"type": "dict", "required": True},
        "proof": {"type": "dict", "required": True},
        "host": {"type": "dict", "required": True},
        "cluster": {"type": "dict"},
        "recorded": {"type": "list", "elements": "str", "default": []},
    }
    SHOWS_RESULT = True

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        return {"msg": plan_lines(**{name: arguments[name] for name in self.ARGUMENTS})}
