#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: existing_barman
short_description: Compare an existing Barman with the inventory
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reads Barman's configuration on a host before any change. The module fails with everything that Barman would lose or that would differ. Each
    problem names the inventory variable that keeps the present state.
  - A difference counts only if the inventory does not set the option itself. So a default of this collection never replaces a configured value.
  - For entries that M(pgdr.barman.server) created, only the directories count, because the inventory owns their other options.
  - The module warns of other cron lines that start backups with Barman, and of replication slots that remain.
  - The module changes nothing and does not run Barman. A host without Barman has nothing to lose.
options:
  servers:
    description:
      - The server entries that the inventory declares.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Barman's name of the server.
        type: str
        required: true
      options:
        description: The options of the entry, by Barman's option names.
        type: dict
        default: {}
      given:
        description: The names of the options that the inventory sets itself. The other options have defaults.
        type: list
        elements: str
        default: []
  global_options:
    description:
      - The declared options of the C([barman]) section, by Barman's option names.
    type: dict
    required: true
  given:
    description:
      - The names of the options in O(global_options) that the inventory sets itself.
    type: list
    elements: str
    default: []
  adopt:
    description:
      - Whether the module may take over entries that M(pgdr.barman.server) did not create.
    type: bool
    default: false
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details:
      - There is nothing to compare.
  idempotent:
    support: full
seealso:
  - module: pgdr.barman.server
"""

EXAMPLES = r"""
- name: Check that the deployment keeps what Barman has on this host
  pgdr.barman.existing_barman:
    global_options: {barman_home: /var/lib/barman, configuration_files_directory: /etc/barman.d}
    servers:
      - name: pg-eu
        options: {conninfo: host=198.51.100.10 user=barman, retention_policy: RECOVERY WINDOW OF 30 DAYS}
        given: [retention_policy]
    adopt: true
  become: true
"""

RETURN = r"""
problems:
  description: What Barman would lose, a sentence each with the variable that keeps it. The module fails if the list is not empty.
  returned: always
  type: list
  elements: str
  sample: []
package_user_exists:
  description: Whether the host has the user C(barman), which Barman's package creates.
  returned: always
  type: bool
  sample: true
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._server.existing import compare_existing

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "options": {"type": "dict", "default": {}},
            "given": {"type": "list", "elements": "str", "default": []},
        },
    },
    "global_options": {"type": "dict", "required": True},
    "given": {"type": "list", "elements": "str", "default": []},
    "adopt": {"type": "bool", "default": False},
}


def main() -> None:
    run_module(ARGUMENTS, compare_existing, masking=lambda params: {})


if __name__ == "__main__":
    main()
