# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: decommission_plan
short_description: Plan the steps of a decommission that are left to do
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Combines the result of M(pgdr.barman.decommission) with the state that the playbook C(pgdr.barman.decommission) found on the hosts. Returns the plan.
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
  backups:
    description: What becomes of the backups.
    type: str
    choices: [kept, exported, removed]
    default: kept
  last_backup:
    description: Whether a last backup is taken.
    type: bool
    default: false
  confirmed:
    description: The names that a person has confirmed, separated by commas. Other names than those of the run are an error.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Plan the decommission
  pgdr.barman.decommission_plan:
    backups: removed
  run_once: true
  register: barman_decommission_plan
"""

RETURN = r"""
hosts:
  description: The steps of each host, with their arguments.
  returned: success
  type: dict
  sample: {}
shown:
  description: The plan for people, with what stays.
  returned: success
  type: list
  elements: str
  sample: ["pg-eu: stop archiving"]
lines:
  description: The plan, a line for each change.
  returned: always
  type: list
  elements: str
  sample: ["pg-eu: stop archiving"]
left:
  description: What stays, or is to be done manually.
  returned: success
  type: list
  elements: str
  sample: []
question:
  description: The question that a person answers.
  returned: success
  type: str
  sample: This ends the backups as shown. The existing ones are kept. Type pg-eu to begin
confirmed:
  description: Whether a person has confirmed it already.
  returned: success
  type: bool
  sample: false
backup_name:
  description: The name that a last backup gets, by which a later run finds it.
  returned: success
  type: str
  sample: last-before-decommission
"""
