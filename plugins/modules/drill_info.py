#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_info
short_description: Read restore drills and a forecast of the recovery time
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reads the ledgers that M(pgdr.barman.drill) writes on a backup server, and returns the last proven restore of each server.
  - Forecasts the recovery time of the newest backup with the WAL after it, from the drills that passed.
  - Writes the drills as a document for auditors.
  - Reads files only, and starts neither Barman nor PostgreSQL.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
options:
  servers:
    description:
      - Barman's names of the servers. By default, all servers in Barman's configuration.
    type: list
    elements: str
  most:
    description:
      - The number of the newest drills of each server to return in RV(servers.drills).
    type: int
    default: 10
  evidence:
    description:
      - The format of RV(evidence). V(html) is one file, which loads nothing.
    type: str
    choices: [none, markdown, html]
    default: none
seealso:
  - module: pgdr.barman.drill
"""

EXAMPLES = r"""
- name: Read the restore drills
  pgdr.barman.drill_info:
    evidence: html
  become: true
  register: drills

- name: Write the evidence
  ansible.builtin.copy:
    content: "{{ drills.evidence }}"
    dest: ./evidence.html
    mode: "0644"
  delegate_to: localhost

- name: Fail if no restore is proven
  ansible.builtin.assert:
    that: drills.servers['pg-eu'].proven is not none
"""

RETURN = r"""
servers:
  description: What the ledger of each server has, by Barman's name for it.
  returned: success
  type: dict
  sample:
    pg-eu:
      proven: {version: 1, id: 20261120T083000Z-5f2c81aa, kind: drill, server: pg-eu, time: "2026-11-20T08:30:00+00:00", result: passed, age_seconds: 7200}
      last: {version: 1, id: 20261120T083000Z-5f2c81aa, kind: drill, server: pg-eu, time: "2026-11-20T08:30:00+00:00", result: passed, age_seconds: 7200}
      drills: []
      unreadable: []
      forecast:
        seconds: 36.1
        error_seconds: 2.4
        phases: {choose: 0.5, verify: 10.4, restore: 22.9, replay: 2.3}
        drills: 7
        backup_bytes: 11811160064
        wal_bytes: 218103808
      forecast_reason: ""
  contains:
    proven:
      description: The record of the newest drill that passed, and its age as C(age_seconds). V(null) if there is none.
      type: dict
    last:
      description: The record of the newest drill, with its age. V(null) if there is none.
      type: dict
    drills:
      description: The records of the newest drills, the newest first, with the keys of RV(pgdr.barman.drill#module:drills).
      type: list
      elements: dict
    unreadable:
      description: The lines of the ledger that are no records, each with C(line) and C(reason).
      type: list
      elements: dict
    forecast:
      description:
        - The recovery time of the newest valid backup to the end of the archived WAL. V(null) without a drill that passed, or without a backup.
        - Each phase is a line over the bytes, by least squares over the last 20 drills that passed. A recovery to a similar host is assumed.
      type: dict
      contains:
        seconds:
          description: The recovery time.
          type: float
        error_seconds:
          description: The largest difference between a drill and its forecast from the other drills. V(null) for a single drill.
          type: float
        phases:
          description: The seconds of each phase.
          type: dict
        drills:
          description: The number of drills behind the forecast.
          type: int
        backup_bytes:
          description: The size of the backup.
          type: int
        wal_bytes:
          description: The size of the WAL.
          type: int
    forecast_reason:
      description: Why the current size is not known.
      type: str
evidence:
  description: The document. Empty with O(evidence=none).
  returned: success
  type: str
  sample: ""
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._drill.information import drill_information
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str"},
    "most": {"type": "int", "default": 10},
    "evidence": {"type": "str", "choices": ["none", "markdown", "html"], "default": "none"},
}


def main() -> None:
    run_module(ARGUMENTS, drill_information)


if __name__ == "__main__":
    main()
