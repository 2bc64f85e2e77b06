# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_result
short_description: Return the result of a deployment as data
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns which hosts of the play reached its end, what waits, and what the inventory does not declare. The playbook C(pgdr.barman.deploy) hands the result
    on with C(set_stats).
  - The module reads the registered variable C(barman_advice_record) of M(pgdr.barman.advice_record), to show which findings are new.
  - Runs on the controller and connects to nothing. Use C(run_once).
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  handover:
    description: The plan of the handover by host, as RV(pgdr.barman.handover#module:hosts) has it.
    type: dict
    default: {}
  undeclared:
    description: What the inventory does not declare by host, as RV(pgdr.barman.undeclared#module:messages) has it.
    type: dict
    default: {}
  advice:
    description: The findings about the architecture, as RV(pgdr.barman.topology#module:advice) has them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Return the result of the deployment
  pgdr.barman.deployment_result:
    handover: "{{ barman_handover.hosts }}"
    undeclared: "{{ barman_undeclared.messages }}"
    advice: "{{ barman_topology.advice }}"
  run_once: true
  register: deployment
"""

RETURN = r"""
result:
  description:
    - The result. C(ok) is false if a host of the play has failed.
  returned: success
  type: dict
  sample:
    ok: true
    check_mode: false
    failed_hosts: []
    failures: {}
    hosts: [backup-eu, pg-eu]
    waiting: {}
    undeclared: {}
    findings: []
messages:
  description:
    - The findings that the last deployment did not show, a line for each code, and how many are open. Empty if none is open.
    - If the record was not read, every open finding.
  returned: success
  type: list
  elements: str
  sample:
    - "1 open finding about the architecture (1 warning), none of them new since the last deployment. pgdr.barman.preflight shows all of them with
      the evidence, the cost of a change, and the remedy."
"""
