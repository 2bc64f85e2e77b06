#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_directory
short_description: Create directories of a service user without following that user's links
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Creates directories and their missing parent directories, and sets their owner and mode.
  - As root, M(ansible.builtin.file) follows a symbolic link in a path. A user who can write to a directory in the path can thereby become the owner
    of any directory of the host.
  - This module follows a link only if nobody but root can create it, and fails for any other link.
options:
  paths:
    description:
      - The paths of the directories.
    type: list
    elements: path
    required: true
  user:
    description:
      - The operating system user that owns the directories. A directory that the module creates, or whose owner it changes, also gets this user's
        group.
    type: str
    required: true
  mode:
    description:
      - The mode of the directories, in octal digits.
    type: str
    default: "0750"
  existing:
    description:
      - The action if a directory exists and belongs to another user. V(change) makes O(user) the owner. V(refuse) fails.
    type: str
    choices: [change, refuse]
    default: change
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: ansible.builtin.file
"""

EXAMPLES = r"""
- name: Create another home directory for Barman
  pgdr.barman.user_directory:
    paths:
      - /srv/barman
    user: barman
  become: true
"""

RETURN = r"""
changed_paths:
  description: The directories that the module created or changed, or would in check mode.
  returned: success
  type: list
  elements: str
  sample: [/srv/barman]
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.owned_directory import apply, observe
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def argument_spec() -> dict[str, Any]:
    return {
        "paths": {"type": "list", "elements": "path", "required": True},
        "user": {"type": "str", "required": True},
        "mode": {"type": "str", "default": "0750"},
        "existing": {"type": "str", "choices": ["change", "refuse"], "default": "change"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    paths, user, mode = module.params["paths"], module.params["user"], module.params["mode"]
    if not re.fullmatch(r"0?[0-7]{3}", mode):
        module.fail_json(msg="mode: '%s' is not three octal digits, such as 0750" % mode)
    relative = [path for path in paths if not path.startswith("/")]
    if relative:
        module.fail_json(msg="paths: %s is not an absolute path" % ", ".join(map(repr, relative)))
    changed: list[str] = []
    try:
        for path in dict.fromkeys(paths):
            plan = observe(path, user, int(mode, 8))
            if plan.foreign and module.params["existing"] == "refuse":
                module.fail_json(
                    msg="%s exists and does not belong to '%s'. Give it to that user (chown), or write another directory"
                    % (path, user)
                )
            if plan.changed:
                changed.append(path)
                if not module.check_mode:
                    apply(plan)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=bool(changed), changed_paths=changed)


if __name__ == "__main__":
    main()
