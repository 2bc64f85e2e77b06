# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_report
short_description: Create and show the report of a recovery
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Makes the report of a recovery from the results of its steps, and shows it with notes for a person.
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
  restored:
    description: What M(pgdr.barman.recover) returned.
    type: dict
    required: true
  test:
    description: What M(pgdr.barman.verify_recovery) returned.
    type: dict
    required: true
  isolation:
    description: What M(pgdr.barman.recovered_copy) returned.
    type: dict
    default: {}
  running:
    description: What M(pgdr.barman.require_recovered) returned. Needed for a recovery to a host.
    type: dict
    default: {}
  answered:
    description: What M(pgdr.barman.verify_recovery) returned with O(pgdr.barman.verify_recovery#module:running).
    type: dict
    default: {}
  record:
    description: What M(pgdr.barman.recovery_record) returned. Needed for a recovery to a host.
    type: dict
    default: {}
  commit:
    description: What M(pgdr.barman.commit_test) returned.
    type: dict
    default: {}
  protection:
    description: What M(pgdr.barman.protection_info) returned.
    type: dict
    default: {}
  unprotected:
    description: The C(run) and the C(reason) of each recovery that a host could not protect again.
    type: list
    elements: dict
    default: []
  new_backups:
    description: Pairs of Barman's name and what M(pgdr.barman.backup) returned.
    type: list
    elements: list
    default: []
  data_directory:
    description: The data directory of a recovery to a host.
    type: str
    default: ""
  started:
    description: When the recovery was confirmed, RV(pgdr.barman.confirm#module:time).
    type: float
    default: 0.0
"""

EXAMPLES = r"""
- name: Create and show the report
  pgdr.barman.recovery_report:
    recovery: "{{ barman_recovery }}"
    proof: "{{ barman_proof }}"
    host: "{{ barman_host }}"
    restored: "{{ barman_restored.jobs[0] }}"
    test: "{{ barman_tested }}"
  register: barman_report
"""

RETURN = r"""
report:
  description: The report.
  returned: success
  type: dict
result:
  description: The report with RV(problems) and C(ok), for C(set_stats).
  returned: success
  type: dict
lines:
  description: The report, RV(notes) and RV(problems) as lines for a person.
  returned: success
  type: list
  elements: str
  sample: ["Takes writes:    yes", "Protected:       yes, new backup 20261120T090000"]
problems:
  description: Why the recovery fails although the recovered server runs.
  returned: success
  type: list
  elements: str
  sample: []
notes:
  description: What a person should know beside it.
  returned: success
  type: list
  elements: str
  sample: []
"""
