#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_schedule
short_description: Manage the cron schedule of base backups
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes a block of lines into a file of C(/etc/cron.d). Other lines in the file do not change.
  - The block begins with a E(PATH) that contains C(/usr/local/bin), because cron's own does not.
  - A line of a server in O(undeclared) stays, so that cron still backs up a server that the inventory of this run does not contain.
options:
  lines:
    description:
      - All lines of the block. Without lines, the module removes the block, and the file if nothing else is in it.
      - Each has the five time fields of cron, the user, and the command C(barman -q backup) with the server's name.
    type: list
    elements: str
    required: true
  undeclared:
    description:
      - Barman's names of servers whose lines stay although O(lines) does not contain them.
    type: list
    elements: str
    default: []
  path:
    description:
      - The path of the cron file.
    type: path
    default: /etc/cron.d/barman-backups
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
  - module: pgdr.barman.server
"""

EXAMPLES = r"""
- name: Schedule a backup every night
  pgdr.barman.backup_schedule:
    lines:
      - "30 2 * * * barman barman -q backup pg-eu"
    undeclared: [pg-old]
  become: true
"""

RETURN = r"""
kept:
  description: The lines of servers in O(undeclared) that stay.
  returned: success
  type: list
  elements: str
  sample: ["10 3 * * * barman barman -q backup pg-old"]
"""

from typing import Any

from ..module_utils._host.result import Result, file_diff
from ..module_utils._module import run_module
from ..module_utils._server.schedule_file import PATH, ensure

ARGUMENTS: dict[str, Any] = {
    "lines": {"type": "list", "elements": "str", "required": True},
    "undeclared": {"type": "list", "elements": "str", "default": []},
    "path": {"type": "path", "default": PATH},
}


def schedule(params: dict[str, Any], *, check_mode: bool) -> Result:
    path = params["path"]
    planned = ensure(path, params["lines"], params["undeclared"], check_mode=check_mode)
    diff = file_diff(path, planned.before or "", planned.after or "")
    return Result(planned.changed, {"kept": list(planned.kept)}, diff=diff)


def main() -> None:
    run_module(ARGUMENTS, schedule)


if __name__ == "__main__":
    main()
