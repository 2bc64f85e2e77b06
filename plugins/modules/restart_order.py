# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restart_order
short_description: Plan the order in which the members of a cluster restart
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Plans when this host restarts, and which members restart before it. Standbys are first, because a standby needs at least what its primary has, for
    example as C(max_wal_senders). If such a setting falls, the primary is first.
  - Fails if no order is possible.
  - Runs on the controller and connects to no host. It reads C(barman_replication) of the members that wait for a restart, which is what
    M(pgdr.barman.replication_info) returned.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  members:
    description:
      - The other members, as C(members) in C(postgres) of the host in RV(pgdr.barman.topology#module:requirements).
    type: list
    elements: str
    required: true
seealso:
  - module: pgdr.barman.replication_info
"""

EXAMPLES = r"""
- name: Plan the order of the restarts
  pgdr.barman.restart_order:
    members: "{{ architecture.requirements[inventory_hostname].postgres.members }}"
  register: restart
"""

RETURN = r"""
turn:
  description: When this host restarts, from 0. Hosts that are no members of one cluster can have the same number.
  returned: success
  type: int
  sample: 1
turns:
  description: The turns up to RV(turn).
  returned: success
  type: list
  elements: int
  sample: [0, 1]
earlier:
  description: The members that have to be up before this host restarts, and those that this run has lost.
  returned: success
  type: list
  elements: str
  sample: [pg-2]
later:
  description: This host, and the members that restart after it.
  returned: success
  type: list
  elements: str
  sample: [pg-1]
replays:
  description: The primary up to whose position this standby replays before it restarts. V(null) if the order does not need that.
  returned: success
  type: str
  sample: null
"""
