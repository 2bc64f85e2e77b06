#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorized_keys
short_description: Grant and revoke SSH trust
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes and removes lines of the role P(pgdr.barman.ssh_trust#role) in C(authorized_keys) of users of this host. It knows them by their comment,
    C(pgdr.barman:PURPOSE:USER@HOST). Lines of anybody else stay, even if they have the same key, and so do lines of recoveries, which belong to
    their runs.
  - Reports the lines of hosts that the topology does not have. They stay, because a host that is not in the inventory of a run is not known to be removed.
  - Refuses a symbolic link in the place of the file. The user could otherwise let root write to any file of the host.
options:
  users:
    description:
      - The operating system users of this host whose files are looked at. A user without the file lets nobody in.
    type: list
    elements: str
    required: true
  lines:
    description:
      - The lines that each of O(users) has to have. A line with the same key and comment is replaced.
    type: list
    elements: str
    default: []
  wanted:
    description:
      - Who stays, of O(revocable_hosts). Each is C(USER KEY PURPOSE:USER@HOST), with the user of this host, the public key in base64 without its type,
        and the rest of the comment. With C(-) as the key, any key stays.
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
      - All hosts of the topology. A line of another host is reported, and never removed. If it is not given, none is removed or reported.
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
- name: Let in Barman of the backup server
  pgdr.barman.authorized_keys:
    users:
      - postgres
    lines:
      - restrict,from="198.51.100.11/32" {{ key }} pgdr.barman:backup:barman@backup-eu
  become: true

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

from ansible_collections.pgdr.barman.plugins.module_utils._host.authorized_keys import (
    apply,
    observe,
    plan,
    wanted_of,
    with_lines,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def argument_spec() -> dict[str, Any]:
    return {
        "users": {"type": "list", "elements": "str", "required": True},
        "lines": {"type": "list", "elements": "str", "default": []},
        "wanted": {"type": "list", "elements": "str", "default": []},
        "revocable_hosts": {"type": "list", "elements": "str", "default": []},
        "declared_hosts": {"type": "list", "elements": "str"},
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
        plans = []
        for user, file in files:
            text = with_lines(file.text, params["lines"])
            if params["declared_hosts"] is not None:
                planned = plan(text, wanted.get(user, []), params["revocable_hosts"], params["declared_hosts"])
                removed.extend("%s: %s" % (user, one.comment) for one in planned.removed)
                unknown.extend("%s: %s" % (user, one.comment) for one in planned.unknown)
                text = planned.after
            plans.append((file, text))
        for file, text in plans:
            if text != file.text:
                diff.append({"before_header": file.path, "after_header": file.path, "before": file.text, "after": text})
                if not module.check_mode:
                    apply(file, text)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=bool(diff), removed=removed, unknown=unknown, diff=diff)


if __name__ == "__main__":
    main()
