# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_trust_lines
short_description: Work out the lines of authorized_keys and known_hosts of a host
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Works out which lines a host needs for its SSH trust, from the keys that this run knows.
  - Runs on the controller and connects to nothing. It reads C(barman_ssh_keys) of the hosts, which role P(pgdr.barman.ssh_trust#role) registers, and their
    SSH facts. A key that this run does not know has no line.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  connections:
    description: The SSH connections from and to this host, as O(pgdr.barman.ssh_trust#role:main:ssh_trust_connections).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Gather this host's SSH lines
  pgdr.barman.ssh_trust_lines:
    connections: "{{ architecture.requirements[inventory_hostname].ssh_connections }}"
  register: trust
"""

RETURN = r"""
lines:
  description: By user of this host, the lists of lines C(known_hosts) and C(authorized_keys).
  returned: success
  type: dict
  sample: {barman: {known_hosts: [], authorized_keys: []}}
desired:
  description: Who stays authorized, as O(pgdr.barman.authorized_keys#module:desired).
  returned: success
  type: list
  elements: str
  sample: ["postgres - backup:barman@backup-eu"]
runs:
  description: The SSH connections of one run, each with its C(line), C(comment) and C(known_hosts), and whether it leads to this host (C(incoming)).
  returned: success
  type: list
  elements: dict
  sample: []
comments:
  description: By user of this host, the comments of the lines in C(authorized_keys).
  returned: success
  type: dict
  sample: {postgres: ["pgdr.barman:backup:barman@backup-eu"]}
recoveries:
  description: The hosts and users that know this host for a recovery, and the name by which they know it.
  returned: success
  type: list
  elements: dict
  sample: [{host: backup-eu, user: barman, name: 198.51.100.21}]
"""
