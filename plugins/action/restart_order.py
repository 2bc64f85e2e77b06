# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.restart_order import (
    MemberSetting,
    RestartingMember,
    RestartOrderError,
    restart_order,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import REPLICATION, lost_hosts


class ActionModule(Action):
    """Reads what the members of the run handed on; connects to nothing and changes nothing."""

    ARGUMENTS = {"members": {"type": "list", "elements": "str", "required": True}}

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        host, hostvars = variables["inventory_hostname"], variables["hostvars"]
        group = [host, *(name for name in arguments["members"] if name in variables["ansible_play_hosts_all"])]
        found = {name: hostvars[name].get(REPLICATION) for name in group}
        lost = lost_hosts(found, variables).intersection(group)
        members = [_member(name, one) for name, one in found.items() if one is not None and name not in lost]
        try:
            order = restart_order(members)
        except RestartOrderError as exc:
            names = ", ".join(sorted(member.host for member in members))
            raise AnsibleActionFail(f"Nothing was restarted of {names}: {exc}") from None
        turn = order.hosts.index(host)
        primaries = [member.host for member in members if not member.in_recovery]
        return {
            "turn": turn,
            "turns": list(range(turn + 1)),
            "earlier": sorted((*order.hosts[:turn], *lost)),
            "later": list(order.hosts[turn:]),
            "replays": primaries[0] if host in order.after_primary else None,
        }


def _member(host: str, found: Mapping[str, Any]) -> RestartingMember:
    """found: what module replication_info returned."""
    settings = {name: MemberSetting(one["running"], one["pending"]) for name, one in found["settings"].items()}
    return RestartingMember(host, found["in_recovery"], settings)
