# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_host
short_description: Work out on which host the restore drills of a run restore
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reads the drill host of the playbook C(pgdr.barman.drill) from the inventory, and reports all problems before anything is changed.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  topology:
    description: The topology, as RV(pgdr.barman.topology#module:topology) has it.
    type: dict
    required: true
  requirements:
    description: What each host must have, as RV(pgdr.barman.topology#module:requirements) has it.
    type: dict
    required: true
  arguments:
    description:
      - The arguments of the playbook. C(barman_drill_host) is the inventory name of the drill host, C(barman_drill_host_directory) its directory, and
        C(barman_drill_timeout) the seconds that the drill of a server may take.
    type: dict
    required: true
  selected:
    description: The servers to drill, by backup server.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Choose where the drills restore
  pgdr.barman.drill_host:
    topology: "{{ barman_topology.topology }}"
    requirements: "{{ barman_topology.requirements }}"
    arguments: "{{ barman_selection.arguments }}"
    selected: "{{ barman_selection.selected }}"
  run_once: true
  register: barman_drill_host_plan
"""

RETURN = r"""
run:
  description: The id of the run, in its lines of SSH trust.
  returned: success
  type: str
  sample: 20261120T083000Z-f3a9c1
places:
  description:
    - The place where the drills of each backup server restore, as options of M(pgdr.barman.drill). An empty C(directory) stands for the default, and without
      C(remote_host) the backup server restores to itself.
  returned: success
  type: dict
  sample:
    backup-eu: {directory: /srv/drills, remote_host: 198.51.100.31, remote_user: postgres, remote_port: 22}
groups:
  description: The hosts that take part if there is a drill host, each with C(host), and C(names), the inventory groups to add it to.
  returned: success
  type: list
  elements: dict
  sample: [{host: backup-eu, names: [barman_drill_ssh_20261120T083000Z_f3a9c1]}]
ssh_connections:
  description: The SSH trust of this run, as O(pgdr.barman.ssh_trust#role:main:ssh_trust_connections).
  returned: success
  type: list
  elements: dict
  sample: []
ssh_lifetime:
  description: The seconds after which a line of SSH trust that nobody removed expires.
  returned: success
  type: int
  sample: 90000
"""
