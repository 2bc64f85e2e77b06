# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_plan
short_description: Show the plan of a recovery
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Shows what a recovery would do, in lines that a person reads before the confirmation.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  recovery:
    description: The recovery, as M(pgdr.barman.recovery) returns it.
    type: dict
    required: true
  proof:
    description: What M(pgdr.barman.recover) returned in check mode.
    type: dict
    required: true
  host:
    description: What M(pgdr.barman.recovery_host) returned.
    type: dict
    required: true
  cluster:
    description:
      - The server that would be replaced, as RV(pgdr.barman.cluster_info#module:cluster) has it.
      - Leave it out for a directory of the backup server.
    type: dict
  recorded:
    description: What earlier recoveries left, such as RV(pgdr.barman.recovery_record#module:messages).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the plan
  pgdr.barman.recovery_plan:
    recovery: "{{ barman_recovery }}"
    proof: "{{ barman_proof }}"
    host: "{{ barman_host }}"
    cluster: "{{ barman_replaced.cluster }}"
"""

RETURN = r"""
msg:
  description: The lines.
  returned: success
  type: list
  elements: str
  sample: ["Server:          pg-eu, PostgreSQL 17"]
"""
