#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorized_keys
short_description: Revoke SSH trust that nobody asks for any more
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Removes lines of the role P(pgdr.barman.ssh_trust#role) from C(authorized_keys) of users of this host. It knows them by their comment,
    C(pgdr.barman:PURPOSE:USER@HOST). Lines of anybody else stay, and so do lines of recoveries, which belong to their runs.
  - Reports the lines of hosts that the topology does not have. They stay, because a host that is not in the inventory of a run is not known to be removed.
  - Refuses a symbolic link in the place of the file. The user could otherwise let root write to any file of the host.
options:
  users:
    description:
      - The operating system users of this host whose files are looked at. A user without the file lets nobody in.
    type: list
    elements: str
    required: true
  wanted:
    description:
      - Who stays. Each is C(USER KEY PURPOSE:USER@HOST), with the user of this host, the public key in base64 without its type, and the rest of the
        comment. With C(-) as the key, any key stays.
    type: list
    elements: str
    default: []
  revocable_hosts:
    description:
      - The inventory hosts whose lines are removed if they are not in O(wanted). The filter P(pgdr.barman.revocable_hosts#filter) works them out.
    type: list
    elements: str
    default: []
  declared_hosts:
    description:
      - All hosts of the topology. A line of another host is reported, and never removed.
    type: list
    elements: str
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
  - module: ansible.posix.authorized_key
"""

EXAMPLES = r"""
- name: Let in nobody but the backup server's Barman, as far as the hosts of this inventory are concerned
  pgdr.barman.authorized_keys:
    users:
      - postgres
    wanted:
      - "postgres - backup:barman@backup-eu"
    revocable_hosts: "{{ groups['all'] }}"
    declared_hosts: "{{ groups['all'] }}"
  become: true
"""

RETURN = r"""
removed:
  description: The lines that were removed, or would be in check mode, each with the user of this host.
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.authorized_keys import apply, observe, plan, wanted_of
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def argument_spec() -> dict[str, Any]:
    return {
        "users": {"type": "list", "elements": "str", "required": True},
        "wanted": {"type": "list", "elements": "str", "default": []},
        "revocable_hosts": {"type": "list", "elements": "str", "default": []},
        "declared_hosts": {"type": "list", "elements": "str", "required": True},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    params = module.params
    removed: list[str] = []
    unknown: list[str] = []
    diff: list[dict[str, str]] = []
    try:
        wanted = wanted_of(params["wanted"])
        files = [(user, observe(user)) for user in dict.fromkeys(params["users"])]
        for user, file in files:
            if file is None:
                continue
            planned = plan(file.text, wanted.get(user, []), params["revocable_hosts"], params["declared_hosts"])
            removed.extend("%s: %s" % (user, one.comment) for one in planned.removed)
            unknown.extend("%s: %s" % (user, one.comment) for one in planned.unknown)
            if planned.changed:
                diff.append(
                    {
                        "before_header": file.path,
                        "after_header": file.path,
                        "before": planned.before,
                        "after": planned.after,
                    }
                )
                if not module.check_mode:
                    apply(file, planned)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=bool(diff), removed=removed, unknown=unknown, diff=diff)


if __name__ == "__main__":
    main()
