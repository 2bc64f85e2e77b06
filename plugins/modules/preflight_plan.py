# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_plan
short_description: Plan what a preflight measures on each host
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns the options of M(pgdr.barman.host_placement) for each host of the inventory. The playbook C(pgdr.barman.preflight) uses it.
  - Runs on the controller and connects to nothing. Use C(run_once).
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
  seconds:
    description: The seconds that each measurement may take.
    type: int
    default: 2
  bytes:
    description: The most bytes that each measurement of a throughput reads. With V(0), no throughput is measured.
    type: int
    default: 67108864
"""

EXAMPLES = r"""
- name: Plan the measurements
  pgdr.barman.preflight_plan:
  run_once: true
  register: plan

- name: Measure
  pgdr.barman.host_placement: "{{ plan.hosts[inventory_hostname] }}"
  become: true
  register: barman_placement
"""

RETURN = r"""
hosts:
  description: The options of M(pgdr.barman.host_placement) by inventory name. A server with C(barman_manage_postgres) V(false) is not in it.
  returned: success
  type: dict
  sample:
    pg-eu:
      ssh_users: [postgres]
      postgres: {port: 5432, login_user: postgres}
      seconds: 2
      barman_user: barman
"""
