# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.revocation import revocable_hosts as pure

DOCUMENTATION = r"""
name: revocable_hosts
short_description: List the inventory hosts whose SSH trust may be revoked on a host
version_added: 1.0.0
description:
  - Returns the inventory hosts whose lines in C(authorized_keys) of a host may be removed, if the inventory does not declare these lines any more.
  - The filter returns a host only if the topology and this run contain it, and no remaining Barman entry needs it. It never treats a host that is
    missing in the inventory as removed.
author:
  - pgdr.barman contributors (@pgdr)
positional: host, play_hosts, entries
options:
  _input:
    description: RV(pgdr.barman.topology#module:demands) of M(pgdr.barman.topology).
    type: dict
    required: true
  host:
    description: The inventory name of the host that has the file C(authorized_keys).
    type: str
    required: true
  play_hosts:
    description: The inventory names of the hosts in this run.
    type: list
    elements: str
    required: true
  entries:
    description:
      - The result of M(pgdr.barman.server) in this run, by inventory name of the backup server. V(null) if the module did not run there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the hosts whose SSH trust may be revoked
  ansible.builtin.debug:
    msg: "{{ architecture.demands | pgdr.barman.revocable_hosts(inventory_hostname, ansible_play_hosts, {'backup': entries}) }}"
"""

RETURN = r"""
_value:
  description: The inventory names of the hosts.
  type: list
  elements: str
"""


def revocable_hosts(
    demands: Mapping[str, Any], host: str, play_hosts: Collection[str], entries: Mapping[str, Any]
) -> list[str]:
    """The hosts whose lines may be removed."""
    if not isinstance(demands, Mapping) or not isinstance(entries, Mapping):
        raise AnsibleFilterError("revocable_hosts needs the demands and the entries as dictionaries")
    return pure(str(host), demands, play_hosts, {name: found or None for name, found in entries.items()})


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"revocable_hosts": revocable_hosts}
