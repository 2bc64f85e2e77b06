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
  lines:
    description:
      - The lines. Each consists of a name in the form of OpenSSH, such as V(198.51.100.11) or V([198.51.100.11]:2222), a key type, and the key in
        base64.
      - They replace all lines of the block for the same names.
    type: list
    elements: str
    required: true
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
"""

RETURN = r"""
path:
  description: The path of C(known_hosts).
  returned: success
  type: str
  sample: /var/lib/postgresql/.ssh/known_hosts
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.known_hosts import apply, observe, plan
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def argument_spec() -> dict[str, Any]:
    return {
        "lines": {"type": "list", "elements": "str", "required": True},
        "user": {"type": "str", "required": True},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    lines = module.params["lines"]
    wrong = [line for line in lines if len(line.split()) < 3 or "\n" in line or line.startswith("#")]
    if wrong:
        module.fail_json(msg="lines: '%s' is not a name, a key's type and a key in one line" % "', '".join(wrong))
    try:
        file = observe(module.params["user"])
        text = plan(file.text, lines)
        if not module.check_mode:
            apply(file, text)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    diff = {"before_header": file.path, "after_header": file.path, "before": file.text, "after": text}
    module.exit_json(changed=text != file.text, path=file.path, diff=diff)


if __name__ == "__main__":
    main()
