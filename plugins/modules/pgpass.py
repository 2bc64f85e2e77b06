#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgpass
short_description: Write lines into a user's password file of libpq
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes a block of lines at the top of C(~/.pgpass), where libpq finds them first. Other lines in the file do not change.
  - Only that user can read the file afterwards.
  - Refuses a symbolic link, a hard link, and anything else that is not a regular file of that user or of root in the place of the file. The user could
    otherwise let root write to any file of the host.
options:
  lines:
    description:
      - All lines of the block, each C(host:port:database:user:password). The filter P(pgdr.barman.pgpass_line#filter) makes one.
      - An empty list removes the block.
    type: list
    elements: str
    required: true
  declared:
    description:
      - Barman's names of the servers that O(lines) is for. Lines of the present block stay, byte for byte, if another active entry of Barman's configuration
        needs them, because nobody said what became of that server.
      - Where it is not given, Barman's configuration is not read.
    type: list
    elements: str
  config_file:
    description:
      - Barman's main configuration file, for O(declared). The one that Barman itself would take if it is not given.
    type: path
  user:
    description:
      - The operating system user whose password file it is.
      - The module may run as this user, or as root.
    type: str
    default: barman
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - A difference would show passwords.
  idempotent:
    support: full
seealso:
  - plugin: pgdr.barman.pgpass_line
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Give Barman its passwords
  pgdr.barman.pgpass:
    lines:
      - "{{ {'address': '198.51.100.21', 'port': 5432, 'database': '*', 'user': 'barman'} | pgdr.barman.pgpass_line(vault_barman_password) }}"
  become: true
"""

RETURN = r"""
path:
  description: The password file.
  returned: success
  type: str
  sample: /var/lib/barman/.pgpass
kept:
  description: The lines that stay for entries that are not in O(declared), without their passwords.
  returned: success
  type: list
  elements: str
  sample: ["198.51.100.22:5432:postgres:barman"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.password_file import (
    Connection,
    apply,
    observe,
    parse,
    plan,
)
from ansible_collections.pgdr.barman.plugins.module_utils._server.entry_connections import undeclared_connections


def argument_spec() -> dict[str, Any]:
    return {
        "lines": {"type": "list", "elements": "str", "required": True, "no_log": True},
        "declared": {"type": "list", "elements": "str"},
        "config_file": {"type": "path"},
        "user": {"type": "str", "default": "barman"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    lines, user = module.params["lines"], module.params["user"]
    wrong = [str(number) for number, line in enumerate(lines, 1) if "\n" in line or parse(line) is None]
    if wrong:
        module.fail_json(
            msg="lines: number %s is not host:port:database:user:password in one line; make it with the filter pgpass_line"
            % ", ".join(wrong)
        )
    try:
        stays: list[Connection] = []
        if module.params["declared"] is not None:
            configuration = read(module.params["config_file"], user)
            stays = undeclared_connections(configuration, module.params["declared"], user)
        file = observe(user)
        planned = plan(file.text, lines, stays)
        if not module.check_mode:
            apply(file, planned)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(
        changed=planned.changed or not file.access, path=file.path, kept=[str(line) for line in planned.kept]
    )


if __name__ == "__main__":
    main()
