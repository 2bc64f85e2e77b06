#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incoming_wal
short_description: Remove WAL from Barman's incoming directory that Barman also received by streaming
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Barman ignores the incoming directory of a server without C(archiver), and C(barman check) fails while the directory contains files. If the server
    used C(archive_command) before, its last segments remain there.
  - The module removes a segment or a timeline history only if Barman received a file of the same name and content by streaming.
  - It removes a partial segment if Barman received the complete segment of that number, on the same or a later timeline.
  - It removes backup labels, because the backup contains their content. All other files stay, and the module fails and names them.
  - The module waits for a segment that has not arrived by streaming yet. If streaming has delivered later WAL without that segment, the module fails
    immediately, because the segment can't arrive any more.
options:
  servers:
    description:
      - Barman's names of the servers.
    type: list
    elements: str
    required: true
  timeout:
    description:
      - The number of seconds to wait for the segments of each server to arrive by streaming.
    type: int
    default: 180
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - In check mode the module does not wait.
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - Run it after C(archive_command) has stopped delivering to the directory.
seealso:
  - module: pgdr.barman.archive_command
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Remove WAL that Barman received both ways
  pgdr.barman.incoming_wal:
    servers: [pg-eu]
  become: true
"""

RETURN = r"""
servers:
  description: The result of each server, by Barman's name of the server.
  returned: always
  type: dict
  sample:
    pg-eu:
      changed: true
      removed: ["000000010000000000000009"]
      error: null
      error_kind: null
  contains:
    changed:
      description: Whether files were removed, or would be in check mode.
      type: bool
    removed:
      description: The names of the files that the module removed, or would remove in check mode.
      type: list
      elements: str
    error:
      description: The files that remain, and what to do. V(null) if there are none.
      type: str
    error_kind:
      description: The failure in one word; V(not_pruned) if WAL or other files are left, V(other) for anything else; null if there is none.
      type: str
"""

from typing import Any

from ..module_utils._archive_command.incoming import prune_servers
from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str", "required": True},
    "timeout": {"type": "int", "default": 180},
}


def main() -> None:
    run_module(ARGUMENTS, prune_servers, on_error={"servers": {}})


if __name__ == "__main__":
    main()
