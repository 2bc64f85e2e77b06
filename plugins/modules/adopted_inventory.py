# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: adopted_inventory
short_description: Write the inventory that describes existing Barmans
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Makes an inventory from the results of M(pgdr.barman.existing_barman) on each backup server, and writes it to a file on the controller.
  - The inventory contains what differs from the collection's defaults. Passwords are references to variables of a vault.
  - The module returns what a deployment of the inventory would change or refuse, and what the inventory can't express.
  - It replaces a file only if it wrote that file itself, and nobody changed it since then.
  - Runs on the controller and connects to no host. Use C(run_once).
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
options:
  file:
    description: The path of the file. Its directory must exist. The file's mode is 0600.
    type: path
    required: true
  existing:
    description: The name of the variable that has the result of M(pgdr.barman.existing_barman) on each host of O(backup_group).
    type: str
    required: true
  pg_group:
    description: The group of the PostgreSQL servers.
    type: str
    default: pg
  backup_group:
    description: The group of the backup servers. Each of its hosts must have O(existing).
    type: str
    default: backup
seealso:
  - module: pgdr.barman.existing_barman
"""

EXAMPLES = r"""
- name: Read the existing Barman
  pgdr.barman.existing_barman:
  become: true
  register: existing

- name: Write the inventory
  pgdr.barman.adopted_inventory:
    file: adopted.yml
    existing: existing
  run_once: true
"""

RETURN = r"""
msg:
  description: The report for a person, as lines.
  returned: success
  type: list
  elements: str
  sample: ["/home/dba/adopted.yml was written. It declares 1 PostgreSQL server on backup-eu."]
file:
  description: The path of the file.
  returned: success
  type: str
  sample: /home/dba/adopted.yml
servers:
  description: Barman's names of the servers, by inventory name.
  returned: success
  type: dict
  sample: {pg1.example.net: orders}
left_out:
  description: Barman's names of the servers that the inventory does not declare, by backup server. RV(remarks) contains the reasons.
  returned: success
  type: dict
  sample: {}
vault:
  description: The variables to fill, each with C(name), C(meaning) and C(source), the place of the value.
  returned: success
  type: list
  elements: dict
  sample:
    - name: vault_barman_postgres_password
      meaning: the password of the role barman
      source: line 1 of the file .pgpass of barman on backup-eu
remarks:
  description: What a person has to know or to decide, each with C(host), C(subject), C(message) and C(instead).
  returned: success
  type: list
  elements: dict
  sample: []
refusals:
  description: Why a deployment of the inventory would fail before it changes anything.
  returned: success
  type: list
  elements: str
  sample: []
changes:
  description:
    - The options of Barman that a deployment would change, each with C(backup_server), C(server), C(option), C(before), C(after) and C(reason).
    - C(server) is empty for the C([barman]) section.
  returned: success
  type: list
  elements: dict
  sample:
    - backup_server: backup-eu
      server: orders
      option: create_slot
      before: ""
      after: auto
      reason: Barman creates the slot if it is missing
"""
