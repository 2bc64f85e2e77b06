# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_record
short_description: Record what a host was before a deployment
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Records in C(/var/lib/pgdr.barman/record.json) what the collection is about to change on this host. The playbook C(pgdr.barman.decommission)
    restores the host by it.
  - What is recorded once is never replaced. So the record has the state before the first deployment.
  - The file belongs to root, and contains no secret.
options:
  state:
    description:
      - V(present) adds to the record.
      - V(absent) removes the SSH files of the record, and then the record. It keeps a file that has lines of other owners, and a directory that
        is not empty. It also keeps a key that is not the recorded one. As long as settings or roles are not restored
        (M(pgdr.barman.postgres_release)), the record stays.
    type: str
    choices: [present, absent]
    default: present
  packages:
    description:
      - The packages that are about to be installed.
    type: list
    elements: str
    default: []
  ssh_users:
    description:
      - The operating system users whose C(~/.ssh) is about to change. The module records which of its lists of keys do not exist.
    type: list
    elements: str
    default: []
  ssh_keys:
    description:
      - By operating system user, the public key of the C(~/.ssh/id_ed25519) that the deployment has just created. Only a recorded key is removed later.
    type: dict
    default: {}
  port:
    description:
      - The port of the PostgreSQL server that O(settings) and O(roles) belong to.
    type: int
    default: 5432
  settings:
    description:
      - The settings that are about to be written with C(ALTER SYSTEM). Each item has C(name), C(desired), and C(altered), which is the value that
        C(ALTER SYSTEM) wrote earlier, or V(null).
    type: list
    elements: dict
    default: []
  roles:
    description:
      - The database roles that are about to be created.
    type: list
    elements: str
    default: []
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
  - module: pgdr.barman.postgres_release
  - module: pgdr.barman.host_state
"""

EXAMPLES = r"""
- name: Record which packages were not installed
  pgdr.barman.host_record:
    packages: "{{ barman_pg_host_state.missing_packages }}"
  become: true

- name: Remove the SSH files that a deployment created
  pgdr.barman.host_record:
    state: absent
  become: true
"""

RETURN = r"""
record:
  description: The record after the task. C(packages) are those that a deployment installed, and stay on the host.
  returned: success
  type: dict
  sample: {packages: [barman-cli], ssh: {postgres: [known_hosts]}, settings: {}, roles: {"5432": [barman]}, keys: {postgres: ssh-ed25519 AAAA}}
removed:
  description: With O(state=absent), the files and directories that the module removed.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/postgresql/.ssh/id_ed25519]
left:
  description: With O(state=absent), the files that a deployment created and that stay, because they have lines of other owners, or another key.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ..module_utils._host.record_changes import change_record
from ..module_utils._module import run_module

_NAMES: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "packages": _NAMES,
    "ssh_users": _NAMES,
    # Public keys.
    "ssh_keys": {"type": "dict", "default": {}, "no_log": False},
    "port": {"type": "int", "default": 5432},
    "settings": {"type": "list", "elements": "dict", "default": []},
    "roles": _NAMES,
}


def main() -> None:
    run_module(ARGUMENTS, change_record)


if __name__ == "__main__":
    main()
