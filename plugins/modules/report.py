#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write the report about the fleet as one HTML page
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Makes one HTML page from the topology, from what M(pgdr.barman.server_info), M(pgdr.barman.check) and M(pgdr.barman.drill_info) returned on the backup
    servers, and from findings.
  - The page has a picture of the architecture. For each server it has the recovery window, the RPO now, the last valid backup, the last proven restore and
    the forecast RTO. It shows what is wrong, and the command that repairs it.
  - A backup server that was not read is on the page with the reason, and none of its servers is healthy there.
  - The page loads nothing and needs no script. It follows the reader's light or dark setting. It contains no password.
  - The module makes the page on the controller, and writes it on the host of the task. Use C(delegate_to) and C(run_once).
  - It replaces a file only if the collection wrote it.
requirements:
  - Graphviz (C(dot)) on the controller
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details:
      - Each page has its own time.
options:
  file:
    description:
      - The path of the page. Its directory must exist.
      - On the controller it can be relative, on another host it is absolute.
    type: path
    required: true
  mode:
    description: The mode of the file, in octal digits. A web server of another user needs V(0644).
    type: str
    default: "0640"
  title:
    description: The title of the page.
    type: str
    default: Backups of PostgreSQL
  validate_only:
    description: Whether the module only checks that the page can be made and written. It then reads no results.
    type: bool
    default: false
  registered:
    description: The name of the variable that has the result of M(pgdr.barman.topology).
    type: str
    default: barman_topology
  servers:
    description: The name of the variable that has the result of M(pgdr.barman.server_info) on each backup server.
    type: str
    default: barman_reported_servers
  checks:
    description: The name of the variable that has the result of M(pgdr.barman.check) on each backup server. It may be missing.
    type: str
    default: barman_checked
  drills:
    description: The name of the variable that has the result of M(pgdr.barman.drill_info) on each backup server. It may be missing.
    type: str
    default: barman_reported_drills
  findings:
    description:
      - The name of the variable with the result of M(pgdr.barman.preflight_report), which has findings from measurements, too.
      - Without it, the findings are those of O(registered), which come from the inventory alone.
    type: str
    default: barman_preflight
  content:
    description: The page itself. The module sets it when it runs on the controller.
    type: str
seealso:
  - module: pgdr.barman.picture
"""

EXAMPLES = r"""
- name: Read the servers
  pgdr.barman.server_info:
  become: true
  register: barman_reported_servers

- name: Read the ledgers
  pgdr.barman.drill_info:
  become: true
  register: barman_reported_drills

- name: Write the report
  pgdr.barman.report:
    file: report.html
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
file:
  description: The path of the page.
  returned: success
  type: str
  sample: /home/dba/report.html
result:
  description:
    - The same as data, for C(set_stats). C(ok) is false if a backup server was not read or not checked. C(failures) has the reasons.
    - C(state) is the worst state on the page, V(failing), V(unread), V(warning) or V(healthy). C(counts) is the number of servers in each state.
  returned: success, without O(validate_only)
  type: dict
  sample:
    ok: true
    check_mode: false
    failed_hosts: []
    failures: {}
    file: /home/dba/report.html
    state: warning
    counts: {failing: 0, unread: 0, warning: 1, healthy: 3}
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._publish.run import publish

ARGUMENTS: dict[str, Any] = {
    "file": {"type": "path", "required": True},
    "mode": {"type": "str", "default": "0640"},
    "title": {"type": "str", "default": "Backups of PostgreSQL"},
    "validate_only": {"type": "bool", "default": False},
    "registered": {"type": "str", "default": "barman_topology"},
    "servers": {"type": "str", "default": "barman_reported_servers"},
    "checks": {"type": "str", "default": "barman_checked"},
    "drills": {"type": "str", "default": "barman_reported_drills"},
    "findings": {"type": "str", "default": "barman_preflight"},
    "content": {"type": "str"},
}


def main() -> None:
    run_module(ARGUMENTS, publish)


if __name__ == "__main__":
    main()
