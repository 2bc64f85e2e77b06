#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: advice_record
short_description: Record which findings about the architecture were shown, and the forecasts
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Keeps in C(.pgdr.barman/advice.json) below Barman's home the findings that were open at the last deployment, and the forecasts of
    C(pgdr.barman.preflight). By it, C(pgdr.barman.deploy) shows which findings are new, and a later preflight compares its forecasts with what was measured.
  - The playbooks use the backup server that RV(pgdr.barman.topology#module:advice.record_host) names. The file belongs to Barman's user, and contains no
    secret.
  - Without O(findings) and O(forecasts), the module reads the record.
  - If Barman is not installed yet, the module records nothing, and every finding is new.
options:
  findings:
    description:
      - The open findings, as RV(pgdr.barman.topology#module:advice.open) has them. They replace those of the record.
    type: list
    elements: dict
    suboptions:
      code:
        description: The code of the finding.
        type: str
        required: true
      subject:
        description: The host or the zone with the finding, or a host and the cause.
        type: str
        required: true
  forecasts:
    description:
      - The forecasts, as RV(pgdr.barman.preflight_report#module:recorded) has them. They replace those of the record.
    type: list
    elements: dict
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: pgdr.barman.topology
  - module: pgdr.barman.preflight_report
"""

EXAMPLES = r"""
- name: Record the open findings
  pgdr.barman.advice_record:
    findings: "{{ barman_topology.advice.open }}"
  become: true
  when: inventory_hostname == barman_topology.advice.record_host
  register: barman_advice_record

- name: Read the recorded forecasts
  pgdr.barman.advice_record:
  become: true
  register: barman_advice_record
"""

RETURN = r"""
path:
  description: The file. Empty if Barman is not installed on this host yet.
  returned: success
  type: str
  sample: /var/lib/barman/.pgdr.barman/advice.json
new_findings:
  description: Those of O(findings) that the record did not have before.
  returned: success
  type: list
  elements: dict
  sample: [{code: no_monitoring, subject: backup-eu}]
forecasts:
  description: The recorded forecasts, after the task.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from typing import Any

from ..module_utils._advice_record.run import keep_advice
from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module

FINDING: dict[str, Any] = {"code": {"type": "str", "required": True}, "subject": {"type": "str", "required": True}}
ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "findings": {"type": "list", "elements": "dict", "options": FINDING},
    "forecasts": {"type": "list", "elements": "dict"},
}


def main() -> None:
    run_module(ARGUMENTS, keep_advice)


if __name__ == "__main__":
    main()
