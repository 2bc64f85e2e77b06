#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hook_scripts
short_description: Manage Barman's hook scripts
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes all scripts that Barman runs as hooks into one directory. Root owns the scripts. Barman's group can read and run them, and Barman can't
    change them.
  - The module writes credentials of the scripts to files that only Barman's user can read. They appear in no output and no diff.
  - If a script is running while the module replaces it, the running script does not change.
options:
  directory:
    description:
      - The directory of the scripts. If it is missing, the module creates it. Only root can write to it.
    type: path
    default: /usr/local/lib/pgdr.barman
  user:
    description:
      - The operating system user that Barman runs as.
    type: str
    default: barman
  scripts:
    description:
      - The text of each script, by file name.
    type: dict
    default: {}
  credentials_directory:
    description:
      - The directory for O(credentials), below Barman's home. It must contain nothing else.
    type: path
  credentials:
    description:
      - The text of each credentials file, by file name.
    type: dict
    default: {}
  config_file:
    description:
      - The path of Barman's main configuration file. The module reads it only with O(prune=true).
      - If it is not set, the module reads the file that Barman finds itself, C(/etc/barman.conf) first.
    type: path
  prune:
    description:
      - Whether to remove earlier scripts of this module that O(scripts) does not contain, and credentials that O(credentials) does not contain.
      - Other files stay. A script that a hook in Barman's configuration still names stays too.
      - The script C(run-hook) always stays. A Barman process can still run with a configuration that names it. That process would retry a missing
        retry hook without end.
    type: bool
    default: false
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff shows only that credentials change, and not their content.
  idempotent:
    support: full
seealso:
  - module: pgdr.barman.server
"""

EXAMPLES = r"""
- name: Deploy the scripts
  pgdr.barman.hook_scripts:
    scripts:
      pg-eu.pre_backup_script: |
        #!/bin/sh
        logger "backup of $BARMAN_SERVER begins"
  become: true

- name: Remove all scripts that are not required
  pgdr.barman.hook_scripts:
    prune: true
  become: true
"""

RETURN = r"""
written:
  description: The file names of the scripts that the module wrote, or would write in check mode.
  returned: success
  type: list
  elements: str
  sample: [pg-eu.pre_backup_script]
removed:
  description: The file names of the scripts that the module removed, or would remove in check mode.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._server.hook_files import install_hooks

ARGUMENTS: dict[str, Any] = {
    "directory": {"type": "path", "default": "/usr/local/lib/pgdr.barman"},
    "user": {"type": "str", "default": "barman"},
    "scripts": {"type": "dict", "default": {}},
    "credentials_directory": {"type": "path", "no_log": False},
    "credentials": {"type": "dict", "default": {}, "no_log": True},
    "config_file": {"type": "path"},
    "prune": {"type": "bool", "default": False},
}


def main() -> None:
    run_module(ARGUMENTS, install_hooks)


if __name__ == "__main__":
    main()
