# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_data
short_description: Export and remove the backups and the WAL of a decommissioned server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the backup server as root. It removes the directories of servers whose entry in Barman's configuration is inactive (C(active = false)), with
    their ledger, records and lock files.
  - With O(export_directory), it first copies all of it there, as Barman's user, and compares every byte of the copy. If a copy differs, nothing is
    removed.
  - The export leaves 5 % of the file system free. If the copy does not fit, or fails, nothing of it stays there.
  - It refuses links that lead out of the server's directories. A mount point stays, empty, and a warning names it.
  - It refuses a directory that another server shares, that contains Barman's home, or that Barman works in.
  - The entry stays. Remove it afterwards with M(pgdr.barman.server). A server without an entry is skipped, because only the entry has the paths.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  servers:
    description:
      - Barman's names of the servers.
    type: list
    elements: str
    required: true
  export_directory:
    description:
      - A directory of the backup server. The copy of a server is in a directory with the server's name in it. C(backup_directory) there has the
        backups and the WAL.
      - If it is not set, nothing is exported.
    type: path
seealso:
  - module: pgdr.barman.server
"""

EXAMPLES = r"""
- name: Export the backups of a decommissioned server, and remove them
  pgdr.barman.server_data:
    servers: [pg-old]
    export_directory: /mnt/archive
  become: true
"""

RETURN = r"""
servers:
  description: By Barman's name of the server.
  returned: always
  type: dict
  contains:
    directories:
      description: The directories that the module removed, or would remove.
      type: list
      elements: str
      sample: [/var/lib/barman/pg-old]
    export:
      description: The directory with the copy. V(null) if nothing is exported.
      type: str
      sample: /mnt/archive/pg-old
    changed:
      description: Whether something was removed.
      type: bool
      sample: true
    error:
      description: Why the data stay. V(null) if they don't.
      type: str
      sample: null
    error_kind:
      description: The error in one word.
      type: str
      sample: null
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._decommission.stored_run import remove_stored
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str", "required": True},
    "export_directory": {"type": "path"},
}


def main() -> None:
    run_module(ARGUMENTS, remove_stored)


if __name__ == "__main__":
    main()
