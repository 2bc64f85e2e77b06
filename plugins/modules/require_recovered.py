# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: require_recovered
short_description: Fail if another server answers than the recovered one
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Compares what the server on a port answers with what was recovered. A server that runs with other data answers, too.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  run:
    description: The id of the recovery, which is returned.
    type: str
    required: true
  answer:
    description: What the server answers, C(in_recovery), C(paused), C(data_directory), and C(timeline) in 8 hexadecimal digits.
    type: dict
    required: true
  files:
    description: What M(ansible.builtin.stat) returned of its data directory and of the recovered one (C(stat)).
    type: list
    elements: dict
    required: true
  data_directory:
    description: The data directory that was recovered.
    type: str
    required: true
  timeline:
    description: The timeline that the recovery followed.
    type: int
    required: true
  port:
    description: The port of the server.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Fail if another server answers than the recovered one
  pgdr.barman.require_recovered:
    run: "{{ barman_recovery.run }}"
    answer: "{{ barman_up.query_result[0] }}"
    files: "{{ barman_directories.results | map(attribute='stat') }}"
    data_directory: /var/lib/postgresql/17/main
    timeline: 1
    port: 5432
"""

RETURN = r"""
run:
  description: The id of the recovery.
  returned: success
  type: str
  sample: 20261120T083000Z-f3a9c1
timeline:
  description: The timeline on which the server writes.
  returned: success
  type: int
  sample: 2
time:
  description: When the server was known to run, in seconds since the epoch, by the controller's clock.
  returned: success
  type: float
  sample: 1763627460.5
"""
