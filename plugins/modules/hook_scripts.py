#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hook_scripts
short_description: Put Barman's hook scripts in place
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes the scripts that Barman runs as hooks into one directory, all of them in one call. They belong to root, Barman's group may read and run
    them, and Barman can't change them.
  - Credentials that the scripts use are written to a file that only Barman's user can read. They are in no output and no diff.
  - A script that is running while it is replaced goes on as it was.
options:
  directory:
    description:
      - The directory of the scripts. It is made where it is missing, and nobody but root may write to it.
    type: path
    default: /usr/local/lib/pgdr.barman
  user:
    description:
      - The operating system user that Barman runs as.
    type: str
    default: barman
  scripts:
    description:
      - The text of each script by its file name.
    type: dict
    default: {}
  credentials_directory:
    description:
      - The directory for O(credentials), below the home of Barman. Nothing else is to be in it.
    type: path
  credentials:
    description:
      - The text of each file with credentials by its name.
    type: dict
    default: {}
  config_file:
    description:
      - Barman's main configuration file. It is read with O(prune) only.
      - Where it is not given, the one that Barman finds by itself is used, C(/etc/barman.conf) first.
    type: path
  prune:
    description:
      - Remove the scripts that this module put there before and that are not in O(scripts), and the credentials that are not in O(credentials). Other
        files stay, and so does what a hook in Barman's configuration still names.
      - A script of the name C(run-hook) stays. Barman may be running with a configuration that names it, and would go on trying for ever to run a
        retry hook that is gone.
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
      - Of credentials it says only that they change.
  idempotent:
    support: full
seealso:
  - module: pgdr.barman.server
"""

EXAMPLES = r"""
- name: Put the scripts in place
  pgdr.barman.hook_scripts:
    scripts:
      pg-eu.pre_backup_script: |
        #!/bin/sh
        logger "backup of $BARMAN_SERVER begins"
  become: true

- name: Take away those that are not asked for any more
  pgdr.barman.hook_scripts:
    prune: true
  become: true
"""

RETURN = r"""
written:
  description: The names of the scripts that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [pg-eu.pre_backup_script]
removed:
  description: The names of the scripts that were removed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._server.hook_files import Wanted, diff, ensure


def argument_spec() -> dict[str, Any]:
    return {
        "directory": {"type": "path", "default": "/usr/local/lib/pgdr.barman"},
        "user": {"type": "str", "default": "barman"},
        "scripts": {"type": "dict", "default": {}},
        "credentials_directory": {"type": "path", "no_log": False},
        "credentials": {"type": "dict", "default": {}, "no_log": True},
        "config_file": {"type": "path"},
        "prune": {"type": "bool", "default": False},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    params = module.params
    names = [*params["scripts"], *params["credentials"]]
    wrong = sorted(name for name in names if not name or "/" in name or name.startswith("."))
    if wrong:
        module.fail_json(msg="%s can't be the name of a file" % ", ".join(map(repr, wrong)))
    if params["credentials"] and params["credentials_directory"] is None:
        module.fail_json(msg="credentials need credentials_directory")
    wanted = Wanted(
        directory=params["directory"],
        user=params["user"],
        scripts={name: str(text) for name, text in params["scripts"].items()},
        credentials_directory=params["credentials_directory"],
        credentials={name: str(text) for name, text in params["credentials"].items()},
        prune=params["prune"],
    )
    try:
        plan, found = ensure(wanted, params["config_file"], module.check_mode)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    answer: dict[str, Any] = {"changed": plan.changed, "written": list(plan.write), "removed": list(plan.remove)}
    if module._diff:
        answer["diff"] = diff(plan, wanted, found)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
