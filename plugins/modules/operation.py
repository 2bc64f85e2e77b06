# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: operation
short_description: Combine what was done for the servers of a backup server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Names the servers that a backup server operates in this run, and combines the results of the modules that started their receivers, copied and checked
    them.
  - Servers that another backup server backs up now are not among them. M(pgdr.barman.handover) plans what becomes of these.
  - Register its result as C(barman_operation). M(pgdr.barman.handover) and M(pgdr.barman.synchronous_receivers) read it there.
  - Runs on the controller and connects to nothing. It reads C(barman_entries) of the host, which is what M(pgdr.barman.server) returned.
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
  servers:
    description: Barman's names of the servers. All of them if it is empty.
    type: list
    elements: str
    default: []
  previous:
    description: What this module returned before. Servers that failed before stay failed.
    type: dict
    default: {}
  results:
    description: Results of M(pgdr.barman.wal_receiver) and M(pgdr.barman.sync) since.
    type: list
    elements: dict
    default: []
  checked:
    description: The result of M(pgdr.barman.check).
    type: dict
    default: {}
  final:
    description: No more results follow. The module names the healthy servers, and fails if a server is not healthy.
    type: bool
    default: false
seealso:
  - module: pgdr.barman.handover
"""

EXAMPLES = r"""
- name: Gather which servers this host operates
  pgdr.barman.operation:
    topology: architecture
  register: barman_operation

- name: Check them
  pgdr.barman.check:
    servers: "{{ barman_operation.servers }}"
    fail_on_error: false
  become: true
  register: checked

- name: Fail if a server is not healthy
  pgdr.barman.operation:
    topology: architecture
    checked: "{{ checked }}"
    final: true
  register: barman_operation
"""

RETURN = r"""
servers:
  description: Barman's names of the servers that are operated.
  returned: always
  type: list
  elements: str
  sample: [pg-eu, pg-us]
streaming:
  description: Those whose WAL is streamed.
  returned: always
  type: list
  elements: str
  sample: [pg-eu]
links:
  description: The passive copies of each link of a chain. Every host has as many links as the longest chain, so that all hosts copy the same link at once.
  returned: always
  type: list
  elements: list
  sample: [[pg-us]]
synchronous:
  description: Those whose receivers commits wait for.
  returned: always
  type: list
  elements: str
  sample: []
manual:
  description: Those of RV(synchronous) whose PostgreSQL server Ansible does not manage.
  returned: always
  type: list
  elements: str
  sample: []
unconfirmed:
  description: Those of RV(manual) that did not fail, and of which O(checked) does not show that commits wait for them.
  returned: always
  type: list
  elements: str
  sample: []
rename_slots:
  description: Entries, as M(pgdr.barman.server) takes them, whose receivers need a slot of another name because their successors need theirs.
  returned: always
  type: list
  elements: dict
  sample: []
checkable:
  description: The servers that did not fail and have something to check.
  returned: always
  type: list
  elements: str
  sample: [pg-eu, pg-us]
empty:
  description: Passive copies of servers that have no backup yet.
  returned: always
  type: list
  elements: str
  sample: []
unhealthy:
  description: The servers that failed, each with the reason.
  returned: always
  type: dict
  sample: {}
healthy:
  description: With O(final), the servers that are healthy.
  returned: always
  type: list
  elements: str
  sample: [pg-eu, pg-us]
confirmed:
  description: The servers whose check shows that commits wait for their receiver.
  returned: always
  type: list
  elements: str
  sample: []
with_backup:
  description: The servers whose check shows a backup.
  returned: always
  type: list
  elements: str
  sample: [pg-eu]
incoming:
  description: The servers whose check shows WAL that came by C(archive_command) and was not archived.
  returned: always
  type: list
  elements: str
  sample: []
"""
