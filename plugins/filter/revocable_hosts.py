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
short_description: Say whose SSH trust may be revoked on a host
version_added: 1.0.0
description:
  - Names the inventory hosts whose lines in C(authorized_keys) of a host may be removed, if the inventory does not declare them any more.
  - What is not in the inventory of this run is never taken for removed. So a host is named only if it is in the topology and in this run, and if no
    entry of Barman's that stays needs it.
author:
  - pgdr.barman contributors (@pgdr)
positional: host, play_hosts, entries
options:
  _input:
    description: RV(pgdr.barman.topology#module:demands) of M(pgdr.barman.topology).
    type: dict
    required: true
  host:
    description: The inventory host with the file C(authorized_keys).
    type: str
    required: true
  play_hosts:
    description: The hosts of this run.
    type: list
    elements: str
    required: true
  entries:
    description:
      - By backup server, what M(pgdr.barman.server) returned in this run; V(null) if it did not run there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show whose trust may be revoked
  ansible.builtin.debug:
    msg: "{{ architecture.demands | pgdr.barman.revocable_hosts(inventory_hostname, ansible_play_hosts, {'backup': entries}) }}"
"""

RETURN = r"""
_value:
  description: The names of the hosts.
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
