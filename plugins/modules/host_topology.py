# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_topology
short_description: Return a host's own part of the topology
version_added: 1.0.0
description:
  - Returns the part of the result of M(pgdr.barman.topology) that the roles of this host read. With many hosts in the inventory, expressions on the part
    take a fraction of the time that they take on the whole.
  - Runs on the controller and connects to nothing.
author:
  - pgdr.barman contributors (@pgdr)
options:
  registered:
    description: The name of the variable in which M(pgdr.barman.topology) was registered.
    type: str
    default: barman_topology
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
"""

EXAMPLES = r"""
- name: Validate the inventory
  pgdr.barman.topology:
  run_once: true
  register: barman_topology

- name: Take this host's part
  pgdr.barman.host_topology:
  register: barman_host_topology

- name: Configure PostgreSQL
  ansible.builtin.include_role:
    name: pgdr.barman.pg
  vars:
    pg_topology: "{{ barman_host_topology }}"
"""

RETURN = r"""
topology:
  description:
    - RV(pgdr.barman.topology#module:topology) with the PostgreSQL servers that concern this one and the addresses of all backup servers.
    - On a backup server it is complete.
  returned: success
  type: dict
  sample:
    postgres_servers: {pg-eu: {backup_server: backup-eu, name: pg-eu}}
    backup_servers: {backup-eu: {addresses: [198.51.100.11/32]}}
requirements:
  description:
    - RV(pgdr.barman.topology#module:requirements) of this host, with the user of Barman on its backup servers.
    - On a backup server it is complete.
  returned: success
  type: dict
  sample:
    backup-eu: {barman: {user: barman}}
    pg-eu: {postgres: {version: 17, port: 5432}, ssh_connections: []}
"""
