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

from typing import Any

from ..module_utils._host.owned_directory import ensure
from ..module_utils._host.result import Result
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    "paths": {"type": "list", "elements": "path", "required": True},
    "user": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0750"},
    "existing": {"type": "str", "choices": ["change", "refuse"], "default": "change"},
}


def ensure_directories(params: dict[str, Any], *, check_mode: bool) -> Result:
    changed = ensure(
        params["paths"],
        params["user"],
        params["mode"],
        refuse_foreign=params["existing"] == "refuse",
        check_mode=check_mode,
    )
    return Result(bool(changed), {"changed_paths": changed})


def main() -> None:
    run_module(ARGUMENTS, ensure_directories)


if __name__ == "__main__":
    main()
