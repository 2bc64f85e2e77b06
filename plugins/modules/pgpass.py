#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgpass
short_description: Manage a block of lines in a user's .pgpass file
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes a block of lines at the top of C(~/.pgpass), which libpq reads first. Other lines in the file do not change.
  - After the change, only that user can read the file.
  - In place of the file, refuses a symbolic link, a hard link, and anything that is not a regular file of that user or of root. With a link, the user
    could direct root's write to any file of the host.
options:
  lines:
    description:
      - All lines of the block, each C(host:port:database:user:password). Format a line with the filter P(pgdr.barman.pgpass_line#filter).
      - An empty list removes the block, and the file if nothing else is in it.
    type: list
    elements: str
    required: true
  declared:
    description:
      - Barman's names of the servers that O(lines) belongs to. If another active entry of Barman's configuration needs lines of the present block,
        they stay unchanged. The inventory does not declare the state of that server.
      - If it is not set, the module does not read Barman's configuration.
    type: list
    elements: str
  config_file:
    description:
      - The path of Barman's main configuration file, for O(declared). If it is not set, the module reads the file that Barman finds itself.
    type: path
  user:
    description:
      - The operating system user that owns the password file.
      - Run the module as this user or as root.
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
- name: Write Barman's passwords
  pgdr.barman.pgpass:
    lines:
      - "{{ {'address': '198.51.100.21', 'port': 5432, 'database': '*', 'user': 'barman'} | pgdr.barman.pgpass_line(vault_barman_password) }}"
  become: true
"""

RETURN = r"""
path:
  description: The path of the password file.
  returned: success
  type: str
  sample: /var/lib/barman/.pgpass
kept:
  description: The lines without their passwords that stay for entries that are not in O(declared).
  returned: success
  type: list
  elements: str
  sample: ["198.51.100.22:5432:postgres:barman"]
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._server.pgpass import set_lines

ARGUMENTS: dict[str, Any] = {
    "lines": {"type": "list", "elements": "str", "required": True, "no_log": True},
    "declared": {"type": "list", "elements": "str"},
    "config_file": {"type": "path"},
    "user": {"type": "str", "default": "barman"},
}


def main() -> None:
    run_module(ARGUMENTS, set_lines)


if __name__ == "__main__":
    main()
