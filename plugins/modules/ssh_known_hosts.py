#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_known_hosts
short_description: Manage the keys of SSH hosts in a user's known_hosts
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes a block of lines into C(~/.ssh/known_hosts). Other lines in the file do not change.
  - Lines of the block stay if O(lines) has none for the same name. The user may still connect to a host that the inventory of this run does not
    contain.
  - The module queries no host for its keys.
  - Refuses a symbolic link in place of the file. With a link, the user could direct root's write to any file of the host.
options:
  state:
    description:
      - V(present) writes O(lines).
      - V(absent) removes the lines of the block for O(names), and the block if it is empty then. Other lines in the file do not change.
    type: str
    choices: [present, absent]
    default: present
  names:
    description:
      - With O(state=absent), the names whose lines are removed, such as V(198.51.100.11) or V([198.51.100.11]:2222). If it is not set, the module
        removes the whole block.
    type: list
    elements: str
  lines:
    description:
      - The lines. Each consists of a name in the form of OpenSSH, such as V(198.51.100.11) or V([198.51.100.11]:2222), a key type, and the key in
        base64.
      - They replace all lines of the block for the same names. Required with O(state=present).
    type: list
    elements: str
  user:
    description:
      - The operating system user that connects. Run the module as this user or as root.
    type: str
    required: true
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
  - module: ansible.builtin.known_hosts
  - module: pgdr.barman.authorized_keys
"""

EXAMPLES = r"""
- name: Add the backup server's key for PostgreSQL's user
  pgdr.barman.ssh_known_hosts:
    user: postgres
    lines:
      - "{{ backup_address }} ssh-ed25519 {{ hostvars['backup-eu'].ansible_facts.ssh_host_key_ed25519_public }}"
  become: true

- name: Remove the key of a former backup server
  pgdr.barman.ssh_known_hosts:
    user: postgres
    state: absent
    names: [198.51.100.12]
  become: true
"""

RETURN = r"""
path:
  description: The path of C(known_hosts).
  returned: success
  type: str
  sample: /var/lib/postgresql/.ssh/known_hosts
"""

from typing import Any

from ..module_utils._host.known_hosts import apply, observe, plan, require_lines, without_names
from ..module_utils._host.result import Result, file_diff
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "names": {"type": "list", "elements": "str"},
    "lines": {"type": "list", "elements": "str"},
    "user": {"type": "str", "required": True},
}


def set_hosts(params: dict[str, Any], *, check_mode: bool) -> Result:
    absent = params["state"] == "absent"
    if not absent:
        require_lines(params["lines"])
    file = observe(params["user"])
    text = without_names(file.text, params["names"]) if absent else plan(file.text, params["lines"])
    if not check_mode:
        apply(file, text)
    return Result(text != file.text, {"path": file.path}, diff=file_diff(file.path, file.text, text))


def main() -> None:
    run_module(ARGUMENTS, set_hosts, required_if=[("state", "present", ("lines",))])


if __name__ == "__main__":
    main()
