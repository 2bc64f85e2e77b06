# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: decommission
short_description: Find what each host releases if a server or a backup server is decommissioned
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Compares the topology of the inventory with the topology without O(servers) and O(backup_server). Returns what each host has to release.
  - Fails if another server needs what would go.
  - Runs on the controller and connects to no host.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  pg_group:
    description: The group of the PostgreSQL servers.
    type: str
    default: pg
  backup_group:
    description: The group of the backup servers.
    type: str
    default: backup
  servers:
    description:
      - Barman's names of the servers.
      - A server that is not in the inventory is searched for on all backup servers.
    type: list
    elements: str
    default: []
  backup_server:
    description: The inventory name of a backup server or passive node.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Find what each host has to release
  pgdr.barman.decommission:
    servers: [pg-eu]
  run_once: true
  register: barman_decommission
"""

RETURN = r"""
names:
  description: What a person types to confirm it.
  returned: success
  type: str
  sample: pg-eu
servers:
  description: The value of O(servers), each once.
  returned: success
  type: list
  elements: str
  sample: [pg-eu]
hosts:
  description: The inventory hosts that have something to release.
  returned: success
  type: list
  elements: str
  sample: [pg-eu, backup-eu]
work:
  description: What each of them has to release, for the playbook C(pgdr.barman.decommission).
  returned: success
  type: dict
  sample: {}
unknown:
  description: The names in O(servers) that the inventory does not have.
  returned: success
  type: list
  elements: str
  sample: []
served:
  description: By Barman's name of a server, the inventory host that sends its WAL.
  returned: success
  type: dict
  sample: {pg-eu: pg-eu}
manual:
  description: By PostgreSQL host, what a person does there if this run can't.
  returned: success
  type: dict
  sample: {}
unmanaged:
  description: The hosts that have something to release and that Ansible does not manage.
  returned: success
  type: list
  elements: str
  sample: []
remaining:
  description: The topology and the requirements that remain, as M(pgdr.barman.topology) returns them.
  returned: success
  type: dict
  sample: {}
"""
