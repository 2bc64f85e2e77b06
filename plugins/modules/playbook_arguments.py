# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: playbook_arguments
short_description: Validate the arguments of a playbook, and select its servers
version_added: 1.0.0
description:
  - Reads the variables that a playbook accepts, in the text forms of surveys and C(--extra-vars), validates them, and returns their values. It
    reports all problems in one run.
  - A Boolean can be the text C(true) or C(false), and a number its digits. A list can be JSON, or items separated by commas or lines. A dictionary
    can be JSON, or pairs such as C(name=value), separated by commas or lines.
  - An empty text is the same as no value. The default applies, or the argument is missing.
  - With O(requirements), the module also selects the servers to work on, by the argument C(barman_servers) or C(barman_select). It fails if none
    remains. A playbook that would do nothing never succeeds.
  - The module runs on the controller and connects to no host. The values are those of the host that the task runs for.
author:
  - pgdr.barman contributors (@pgdr)
requirements:
  - The Python library jmespath on the controller, only if C(barman_select) is given.
options:
  specification:
    description:
      - The arguments, as in a module's argument specification.
      - The supported types are V(bool), V(dict), V(int), V(list), V(path) and V(str).
      - Exactly one of O(specification) and O(playbook) is required.
    type: dict
  playbook:
    description:
      - A playbook of this collection, such as V(check). Its arguments are those that its C(.meta.yml) file declares.
    type: str
  names:
    description: Only these of the arguments. By default all.
    type: list
    elements: str
  requirements:
    description:
      - The requirements of each host, from RV(pgdr.barman.topology#module:requirements).
      - The module skips backup servers that are not in the run.
      - If it is not set, the module selects no servers.
    type: dict
  topology:
    description:
      - The topology, as RV(pgdr.barman.topology#module:topology) has it. Only the argument C(barman_select) needs it.
      - C(barman_select) is a JMESPath expression over a list with one dictionary for each PostgreSQL server that a backup server backs up.
      - The dictionaries have the keys C(name), C(host), C(backup_server), C(passive_servers), C(zone), C(address), C(port), C(version), C(method), C(wal),
        C(incremental), C(synchronous), C(retention_policy), C(primary) and C(manage).
      - The result is a list of Barman's names (C(name)). Entries that the playbook cannot work on do not count.
    type: dict
  entries:
    description:
      - The entries that the playbook can work on.
      - V(backed_up) selects the servers that a backup server backs up itself. V(passive) selects those that it replicates from another backup server.
        V(any) selects both.
    type: str
    choices: [any, backed_up, passive]
    default: any
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
"""

EXAMPLES = r"""
- name: Read the arguments
  pgdr.barman.playbook_arguments:
    specification:
      barman_check_timeout: {type: int, default: 0}
      barman_check_ignore: {type: list, elements: str, default: []}
  register: check_arguments

- name: Read the arguments of the playbook check, and select its servers
  pgdr.barman.playbook_arguments:
    playbook: check
    topology: "{{ barman_topology.topology }}"
    requirements: "{{ barman_topology.requirements }}"
  register: check_arguments
"""

RETURN = r"""
arguments:
  description: The values of the arguments that are set or have a default, by name.
  returned: success
  type: dict
  sample:
    barman_check_ignore: [backup maximum age]
    barman_check_timeout: 60
selected:
  description: Barman's names of the servers to work on, by inventory name of the backup server in the run.
  returned: if O(requirements) is set
  type: dict
  sample:
    backup-eu: [pg-eu]
    backup-us: [pg-us]
links:
  description:
    - The selected passive copies, by inventory name of the backup server. Each list has the copies of one link of a chain, those from the backup server
      first. All backup servers have as many links.
  returned: if O(requirements) is set
  type: dict
  sample:
    backup-eu: [[]]
    backup-us: [[pg-eu]]
concerned:
  description: Barman's names of the entries of each backup server that are selected on any backup server, by inventory name.
  returned: if O(requirements) is set
  type: dict
  sample:
    backup-eu: [pg-eu]
    backup-us: [pg-eu]
"""
