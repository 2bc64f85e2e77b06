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

from typing import Any

from ..module_utils._host.result import Result, file_diff
from ..module_utils._module import run_module
from ..module_utils._postgres.hba_file import ensure, generated_warning, notes, rules_in

ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "rules": {"type": "list", "elements": "str", "required": True},
    "user": {"type": "str", "default": "postgres"},
}


def set_rules(params: dict[str, Any], *, check_mode: bool) -> Result:
    path, rules = params["path"], params["rules"]
    before, after = ensure(path, rules, params["user"], check_mode=check_mode)
    others = notes(before)
    # The rest of the file may have passwords, of LDAP for example.
    shown = ["".join(f"{rule}\n" for rule in some) for some in (rules_in(before), rules)]
    return Result(
        changed=after != before,
        values={"notes": others},
        warnings=[generated_warning(path, others)] if others else [],
        diff=file_diff(path, *shown),
    )


def main() -> None:
    run_module(ARGUMENTS, set_rules)


if __name__ == "__main__":
    main()
