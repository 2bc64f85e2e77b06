# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_report
short_description: Report the findings about an architecture, and forecasts
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Compares the inventory, and the facts that the hosts of the play registered, with the recommendations of Barman's documentation. Returns each deviation with
    its evidence, the reason, the cost of a change, and the remedy.
  - Forecasts backups, recoveries and first passive copies, and compares the recorded ones with the operations that followed.
  - The module reads the registered variables C(barman_placement) of M(pgdr.barman.host_placement), C(barman_server_info) of M(pgdr.barman.server_info),
    C(barman_drill_info) of M(pgdr.barman.drill_info), and C(barman_advice_record) of M(pgdr.barman.advice_record). A rule without its data is listed as not
    measured.
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
seealso:
  - module: pgdr.barman.advice_record
  - module: pgdr.barman.preflight_plan
  - module: pgdr.barman.host_placement
"""

EXAMPLES = r"""
- name: Show the findings
  pgdr.barman.preflight_report:
  run_once: true
  register: report

- name: Fail if a finding is critical
  ansible.builtin.assert:
    that: report.result.findings | selectattr('severity', 'eq', 'critical') | list | length == 0
  run_once: true
"""

RETURN = r"""
lines:
  description: The table of findings and forecasts.
  returned: success
  type: list
  elements: str
  sample: ["1 open finding about the architecture (1 warning)."]
failures:
  description: The open findings that C(barman_preflight_fail_on) names, a line each.
  returned: success
  type: list
  elements: str
  sample: []
recorded:
  description: The recorded forecasts with those of this run, for M(pgdr.barman.advice_record). A forecast that is as before is not in it once more.
  returned: success
  type: list
  elements: dict
  sample: []
result:
  description:
    - The result. C(ok) is false if a host of the play has failed, or if C(failures) has a finding.
    - C(findings) have C(code), C(subject), C(severity), C(evidence), C(reason), C(cost), C(remedy) and C(accepted). C(unmeasured) have C(code), C(subject)
      and C(missing).
    - C(forecasts) have C(kind), C(server), C(backup_server), C(bytes), C(seconds) and C(basis). C(forecast_errors) have C(kind), C(server),
      C(backup_server), C(time), C(seconds), C(measured_seconds) and C(percent).
  returned: success
  type: dict
  sample:
    ok: true
    check_mode: false
    failed_hosts: []
    failures: {}
    findings: []
    unmeasured: []
    expired: []
    forecasts: []
    forecast_errors: []
"""
