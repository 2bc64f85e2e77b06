#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorized_keys
short_description: Manage SSH trust in authorized_keys
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes and removes lines of the role P(pgdr.barman.ssh_trust#role) in C(authorized_keys) of users of this host. The module recognizes these lines
    by their comment, C(pgdr.barman:PURPOSE:USER@HOST).
  - Lines of other owners stay, even if they have the same key. Lines of recoveries stay too, because they belong to their runs.
  - Reports the lines of hosts that the topology does not contain. They stay, because an inventory can lack a host that still exists.
  - Refuses a symbolic link in place of the file. With a link, the user could direct root's write to any file of the host.
options:
  users:
    description:
      - The operating system users of this host whose files the module reads. A user without the file authorizes nobody.
    type: list
    elements: str
    required: true
  lines:
    description:
      - The lines that the file of each of O(users) must contain. A new line replaces a line with the same key and comment.
    type: list
    elements: str
    default: []
  desired:
    description:
      - The lines of O(revocable_hosts) that stay. Each item is C(USER KEY PURPOSE:USER@HOST). The parts are the user of this host, the public key in
        base64 without its type, and the rest of the comment. With C(-) as the key, any key stays.
    type: list
    elements: str
    default: []
  revocable_hosts:
    description:
      - The inventory hosts whose lines the module removes unless O(desired) contains them.
    type: list
    elements: str
    default: []
  declared_hosts:
    description:
      - The inventory names of all hosts in the topology. The module reports a line of any other host, and never removes it.
      - If it is not set, the module removes and reports no line.
    type: list
    elements: str
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: ansible.posix.authorized_key
"""

EXAMPLES = r"""
- name: Authorize Barman of the backup server
  pgdr.barman.authorized_keys:
    users:
      - postgres
    lines:
      - restrict,from="198.51.100.11/32" {{ key }} pgdr.barman:backup:barman@backup-eu
  become: true

- name: Revoke SSH trust of all hosts in the inventory except the backup server
  pgdr.barman.authorized_keys:
    users:
      - postgres
    desired:
      - "postgres - backup:barman@backup-eu"
    revocable_hosts: "{{ groups['all'] }}"
    declared_hosts: "{{ groups['all'] }}"
  become: true
"""

RETURN = r"""
removed:
  description: The lines that the module removed, or would remove in check mode, each with the user of this host.
  returned: success
  type: list
  elements: str
  sample: ["postgres: backup:barman@backup-us"]
unknown:
  description: The lines of hosts that are not in O(declared_hosts), each with the user of this host. They stay.
  returned: success
  type: list
  elements: str
  sample: ["barman: passive:barman@backup-asia"]
"""

from typing import Any

from ..module_utils._host.authorized_keys import authorize
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    "users": {"type": "list", "elements": "str", "required": True},
    "lines": {"type": "list", "elements": "str", "default": []},
    "desired": {"type": "list", "elements": "str", "default": []},
    "revocable_hosts": {"type": "list", "elements": "str", "default": []},
    "declared_hosts": {"type": "list", "elements": "str"},
}


def main() -> None:
    run_module(ARGUMENTS, authorize)


if __name__ == "__main__":
    main()
