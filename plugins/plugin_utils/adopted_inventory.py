# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of an adopted inventory on the controller. This plugin util is private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.pgdr.barman.plugins.plugin_utils import controller_file
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import problem_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.document import is_unchanged
from ansible_collections.pgdr.barman.plugins.plugin_utils._adoption.facts import BarmanFacts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Unreadable
from ansible_collections.pgdr.barman.plugins.plugin_utils.inventory_variables import read_inventory

#: Passwords are not in it, but addresses, roles and commands are.
MODE = 0o600


def barmans_of(group: str, name: str, variables: Mapping[str, Any]) -> dict[str, BarmanFacts]:
    """What the module existing_barman returned on each host of the group, from the variable of that name. Raises AnsibleActionFail."""
    hosts = variables["groups"].get(group) or []
    if not hosts:
        raise AnsibleActionFail(
            f"The group {group} has no host. Put the hosts with the existing Barmans into it, or name another group with barman_backup_group."
        )
    found: dict[str, BarmanFacts] = {}
    missing = []
    for host in hosts:
        result = variables["hostvars"][host].get(name) or {}
        if "barman" in result and not result.get("failed"):
            found[host] = result["barman"]
        else:
            missing.append(
                f"{host}: its Barman was not read in this run. Run without --limit, or remove the host from the group {group}."
            )
    if missing:
        raise AnsibleActionFail(problem_lines(missing, heading="Nothing was written."))
    return found


def known_hosts(
    backup: Iterable[str], variables: Mapping[str, Any], loader: DataLoader | None
) -> dict[str, dict[str, Any]]:
    """The variables of all hosts of the inventory that the collection knows; those that can't be read are left out."""
    names = list(backup)
    others = [host for host in variables["groups"]["all"] if host not in names]
    declared = read_inventory(others, names, variables["hostvars"], loader)
    return {
        host: {name: value for name, value in own.items() if value is not None and not isinstance(value, Unreadable)}
        for host, own in {**declared.pg, **declared.backup}.items()
    }


def current_text(path: str) -> str | None:
    """The file's text; None if it does not exist. Raises AnsibleActionFail if adopt may not replace it."""
    text = controller_file.read(path, "barman_inventory_file")
    if text is not None and not is_unchanged(text):
        raise AnsibleActionFail(
            f"{path} exists, and pgdr.barman.adopt did not write it as it is now. Nothing was written. Name another file with barman_inventory_file."
        )
    return text


def write(path: str, text: str) -> None:
    """Replace the file as a whole. Raises AnsibleActionFail."""
    controller_file.write(path, text, MODE)
