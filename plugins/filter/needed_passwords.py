# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.handover import former_clients
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import entries_of, require_host

DOCUMENTATION = r"""
name: needed_passwords
short_description: Name the passwords that a backup server needs
version_added: 1.0.0
description:
  - Names every connection for which a backup server needs a password. These are the declared ones, and those of entries that it still has from before.
author:
  - pgdr.barman contributors (@pgdr)
positional: host, entries, written
options:
  _input:
    description: What M(pgdr.barman.topology) returned.
    type: dict
    required: true
  host:
    description: The backup server's name in the inventory.
    type: str
    required: true
  entries:
    description: What M(pgdr.barman.server) with O(pgdr.barman.server#module:handover=true) returned on it.
    type: dict
    required: true
  written:
    description: What M(pgdr.barman.server) returned for the entries that were written since.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show which passwords the backup server needs
  ansible.builtin.debug:
    msg: "{{ architecture | pgdr.barman.needed_passwords(inventory_hostname, barman_entries) }}"
"""

RETURN = r"""
_value:
  description: A dictionary for each connection, as P(pgdr.barman.pgpass_line#filter) takes it. V(password_variable) of V(host) has the password.
  type: list
  elements: dict
"""


def needed_passwords(
    topology: Mapping[str, Any], host: str, entries: Mapping[str, Any], written: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The connections, each once."""
    require_host("needed_passwords", topology, host)
    requirements = topology["requirements"]
    found = list(requirements[host]["barman"]["pgpass"])
    observed = entries_of(entries, written)
    if observed is not None:
        for client in former_clients(topology["topology"], requirements[host]["barman"]["servers"], observed):
            found += [line for line in requirements[client]["postgres"]["pgpass"] if line not in found]
    return found


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"needed_passwords": needed_passwords}
