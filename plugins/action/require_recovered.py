# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.running import problems, timeline_of


class ActionModule(Action):
    """Compares on the controller; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "run": {"type": "str", "required": True},
        "answer": {"type": "dict", "required": True},
        "files": {"type": "list", "elements": "dict", "required": True},
        "data_directory": {"type": "str", "required": True},
        "timeline": {"type": "int", "required": True},
        "port": {"type": "int", "required": True},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        found = problems(**{name: arguments[name] for name in self.ARGUMENTS if name != "run"})
        if found:
            raise AnsibleActionFail(" ".join(found))
        return {"run": arguments["run"], "timeline": timeline_of(arguments["answer"]), "time": time.time()}
