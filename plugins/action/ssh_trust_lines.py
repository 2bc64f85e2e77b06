# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import ssh_lines


class ActionModule(ActionBase):
    """Combines the keys that the hosts of the run handed on; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={"edges": {"type": "list", "elements": "dict", "required": True}}
        )
        variables = task_vars or {}
        host, edges = variables["inventory_hostname"], arguments["edges"]
        known = _known(edges, variables["hostvars"])
        users = {edge["from_user"] for edge in edges if host in edge["from_hosts"]}
        users.update(edge["to_user"] for edge in edges if host in edge["to_hosts"])
        incoming = [edge for edge in edges if host in edge["to_hosts"]]
        result.update(
            changed=False,
            lines={
                user: {
                    "known_hosts": ssh_lines.known_hosts(edges, host, user, known),
                    "authorized_keys": ssh_lines.authorized_keys(edges, host, user, known),
                }
                for user in sorted(users)
            },
            desired=ssh_lines.desired(edges, host, known),
            runs=[
                {
                    **edge,
                    "comment": ssh_lines.comment(edge),
                    "line": ssh_lines.run_line(edge, known) or None,
                    "known_hosts": ssh_lines.run_known_hosts(edge, known),
                    "incoming": edge in incoming,
                }
                for edge in edges
                if "run" in edge
            ],
            comments={
                user: [ssh_lines.comment(edge) for edge in incoming if "run" not in edge and edge["to_user"] == user]
                for user in sorted({edge["to_user"] for edge in incoming if "run" not in edge})
            },
            recoveries=[
                {"host": edge["from_host"], "user": edge["from_user"], "name": ssh_lines.host_name(edge)}
                for edge in incoming
                if "run" not in edge and edge["purpose"] == "recovery"
            ],
        )
        return result


def _known(edges: list[dict[str, Any]], hostvars: Mapping[str, Any]) -> ssh_lines.KnownKeys:
    """The keys of the hosts at the ends of these edges, as far as this run has read or made them."""
    users: dict[str, dict[str, str]] = {}
    hosts: dict[str, list[str]] = {}
    for host in {host for edge in edges for host in (*edge["from_hosts"], *edge["to_hosts"])}:
        if host not in hostvars:
            continue
        variables = hostvars[host]
        made = (variables.get("barman_ssh_keys") or {}).get("results") or []
        users[host] = {one["item"]: one["public_key"] for one in made if one.get("public_key")}
        facts = variables.get("ansible_facts") or {}
        hosts[host] = [
            f"{facts[f'ssh_host_key_{kind}_public_keytype']} {facts[f'ssh_host_key_{kind}_public']}"
            for kind in ssh_lines.HOST_KEY_TYPES
            if f"ssh_host_key_{kind}_public" in facts
        ]
    return ssh_lines.KnownKeys(users, hosts)
