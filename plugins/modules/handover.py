# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: handover
short_description: Plan the handover from a former architecture or backup server to the declared one
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Plans what the hosts of the run may do now, from what they handed on in this run. What can't be done yet is returned with what it waits for.
  - Nothing is dropped before its successor is proven in the same run. No step is planned for a host that is not in the run, or that failed in it, and no step
    touches its slots, rules, keys or entries.
  - A plan has only steps that wait for no other step. Run them, and plan again.
  - Runs on the controller and connects to nothing. Run it once, with C(run_once).
  - It reads these facts of the hosts, which roles P(pgdr.barman.backup#role) and P(pgdr.barman.pg#role) register - C(barman_entries),
    C(barman_entries_written), C(barman_operation), C(barman_incoming_pruned), C(barman_postgres) and C(barman_archiving_stopped).
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  topology:
    description:
      - The name of the variable that has what M(pgdr.barman.topology) returned.
      - It is a name because a task copies its arguments, and the topology of a large inventory is large.
    type: str
    default: barman_topology
seealso:
  - module: pgdr.barman.topology
  - module: pgdr.barman.operation
  - module: pgdr.barman.postgres_comparison
"""

EXAMPLES = r"""
- name: Plan the handover
  pgdr.barman.handover:
    topology: architecture
  run_once: true
  register: handover

- name: Show the steps that wait, and why
  ansible.builtin.debug:
    var: handover.hosts[inventory_hostname].waiting
"""

RETURN = r"""
pending:
  description: Whether any host has a step or waits.
  returned: success
  type: bool
  sample: true
hosts:
  description: The plan of each host of the run that is in the topology.
  returned: success
  type: dict
  contains:
    steps:
      description:
        - The steps to run now, in this order, by name.
        - On a PostgreSQL host V(stop_archiving) and V(remove_rules), on a backup server V(drop_slots), V(stop_streaming), V(release_servers), V(write_entries)
          and V(prune_incoming).
        - C(servers) are Barman's names, C(entries) and C(former_slots) are as M(pgdr.barman.server) and M(pgdr.barman.wal_receiver) take them, C(messages)
          are texts to show after the step.
      type: dict
    waiting:
      description: What waits, for what, and what to do, as sentences.
      type: list
      elements: str
    trusted:
      description: Hosts of the run whose SSH trust must stay on this host, even if it is not declared any more.
      type: list
      elements: str
    ssh_trust:
      description: Whether C(authorized_keys) of the host may have lines of this collection. V(false) only if M(pgdr.barman.host_state) found none.
      type: bool
  sample:
    backup-a:
      steps: {release_servers: {servers: [pg], entries: [], former_slots: {}, messages: []}}
      waiting: []
      trusted: []
      ssh_trust: true
"""
