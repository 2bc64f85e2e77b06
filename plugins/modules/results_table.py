# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: results_table
short_description: Show what an operation did for many servers, as a table
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Shows one line for each server on each backup server of the play, from what an earlier task returned there.
  - Runs on the controller and connects to no host. Use C(run_once).
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  operation:
    description: The operation.
    type: str
    choices: [backup, check, drill, repair, sync, verify]
    required: true
  results:
    description:
      - The name of the variable that has the results on each host.
      - For V(backup) these are pairs of Barman's name and what M(pgdr.barman.backup) returned. For V(check), what M(pgdr.barman.check) returned. For V(repair),
        what M(pgdr.barman.repair) returned in check mode. For V(sync), RV(pgdr.barman.sync#module:servers). For V(verify),
        what M(pgdr.barman.wait_for_jobs) returned of the job of M(pgdr.barman.verify_backups).
    type: str
    required: true
  repaired:
    description: The name of the variable that has what M(pgdr.barman.wait_for_jobs) returned on each host. Only with O(operation=repair), after the repair.
    type: str
  copies:
    description: The name of the variable that has what M(pgdr.barman.verify_backups) with C(copies_of) returned on each host. Only with O(operation=verify).
    type: str
  information:
    description: The name of the variable that has what M(pgdr.barman.backup_info) returned on each host. Needed with O(operation=sync).
    type: str
  topology:
    description: The topology, as RV(pgdr.barman.topology#module:topology) has it. Needed with O(operation=sync).
    type: dict
  requirements:
    description: The requirements of each host, as RV(pgdr.barman.topology#module:requirements) has them. Needed with O(operation=sync).
    type: dict
"""

EXAMPLES = r"""
- name: Show every server
  pgdr.barman.results_table:
    operation: check
    results: barman_checked
  run_once: true
"""

RETURN = r"""
msg:
  description: The lines of the table.
  returned: success
  type: list
  elements: str
failures:
  description: The reasons of all failures, by host.
  returned: success
  type: dict
  sample: {backup-eu: []}
result:
  description:
    - The same as data, for C(set_stats). It has no details that only a person reads.
    - C(ok) is false if anything failed, or if a host of the play has failed before.
  returned: success
  type: dict
  sample:
    ok: true
    check_mode: false
    failed_hosts: []
    failures: {}
    servers: [{backup_server: backup-eu, server: pg-eu, ok: true, failed_checks: []}]
"""
