#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hba_rules
short_description: Manage a block of rules at the top of pg_hba.conf
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host as root and writes O(rules) between the comments C(# BEGIN pgdr.barman) and C(# END pgdr.barman).
  - A new block is the first of the file, because the first rule that matches decides. All other bytes, the owner, the group and the mode do not
    change.
  - The module does not reload PostgreSQL.
  - Root follows a symbolic link only if nobody but root can create one there. The module follows other links as O(user).
  - The module warns if a comment at the top states that another program writes the file. It also warns of C(include) lines before PostgreSQL's own
    rules.
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - The path of the file, PostgreSQL's setting C(hba_file).
    type: path
    required: true
  rules:
    description:
      - The rules, one line each. An empty list removes the block.
    type: list
    elements: str
    required: true
  user:
    description:
      - The operating system user that PostgreSQL runs as.
    type: str
    default: postgres
seealso:
  - module: community.postgresql.postgresql_pg_hba
"""

EXAMPLES = r"""
- name: Add the rules of the backup server
  pgdr.barman.hba_rules:
    path: /etc/postgresql/17/main/pg_hba.conf
    rules:
      - host "postgres" "barman" 198.51.100.20/32 scram-sha-256
  become: true
"""

RETURN = r"""
notes:
  description: The comments which state that another program writes the file, and the include lines of the file.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.hba_file import (
    notes,
    read_hba_file,
    rules_in,
    with_rules,
    write_hba_file,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "rules": {"type": "list", "elements": "str", "required": True},
            "user": {"type": "str", "default": "postgres"},
        },
        supports_check_mode=True,
    )
    path, rules = module.params["path"], module.params["rules"]
    wrong = [rule for rule in rules if "\n" in rule or not rule.strip()]
    if wrong:
        module.fail_json(msg="rules: %r is not one rule" % wrong[0])
    try:
        file = read_hba_file(path, module.params["user"])
        text = with_rules(file.state.text, rules)
        changed = text != file.state.text
        if changed and not module.check_mode:
            write_hba_file(file, text)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    found = notes(file.state.text)
    if found:
        module.warn(
            "%s has lines of something else that writes or extends it: %s. If it is written anew, the rules of Barman are lost: add them "
            "where it comes from. An include that stands before them decides first" % (path, "; ".join(found[:3]))
        )
    result = {"changed": changed, "notes": found}
    if module._diff:
        # The rest of the file may have passwords, of LDAP for example.
        before, after = rules_in(file.state.text), list(rules)
        result["diff"] = {
            "before_header": path,
            "after_header": path,
            "before": "".join("%s\n" % rule for rule in before),
            "after": "".join("%s\n" % rule for rule in after),
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
