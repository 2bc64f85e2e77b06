# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: decommission_result
short_description: Gather what a decommission leaves
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns what stays on the hosts, and what is to be done manually.
  - Runs on the controller and connects to no host.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  decommission:
    description: The name of the variable with the result of M(pgdr.barman.decommission).
    type: str
    default: barman_decommission
  plan:
    description: The name of the variable with the result of M(pgdr.barman.decommission_plan).
    type: str
    default: barman_decommission_plan
"""

EXAMPLES = r"""
- name: Gather what stays
  pgdr.barman.decommission_result:
  run_once: true
"""

RETURN = r"""
shown:
  description: What stays, for people.
  returned: success
  type: list
  elements: str
  sample: ["pg-eu: these packages of a deployment stay: barman-cli"]
result:
  description: What the playbook returns to its caller as C(barman_result_decommission).
  returned: success
  type: dict
  sample: {}
"""
