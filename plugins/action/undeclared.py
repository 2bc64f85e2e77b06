# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_facts
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action


class ActionModule(Action):
    """Reads what the hosts of the run handed on; connects to nothing and changes nothing."""

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        found = {
            host: run_facts.undeclared(host, variables["hostvars"][host]) for host in variables["ansible_play_hosts"]
        }
        return {"messages": {host: messages for host, messages in found.items() if messages}}
