#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_program
short_description: Install the program pgdr-barman on a backup server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Installs the program C(pgdr-barman). It runs on the backup server without Ansible, at a prompt or from cron. C(pgdr-barman --help) shows its commands.
  - The program has the same code as the modules of this collection, so a check from the prompt and M(pgdr.barman.check) report the same.
  - The code is in C(/usr/local/lib/pgdr.barman/program), the command in C(/usr/local/bin/pgdr-barman), and the settings in C(/etc/pgdr-barman.json).
    Lines of cron are in C(/etc/cron.d/pgdr-barman). All of it belongs to root. The group of O(user) can read the settings.
  - A running command keeps the code that it was started with. A file that this collection did not create is never replaced.
options:
  state:
    description:
      - V(absent) removes the program with its settings and its lines of cron. It keeps other lines of that file.
    type: str
    choices: [present, absent]
    default: present
  identity:
    description:
      - The digest of the code, 16 to 64 hexadecimal digits. M(pgdr.barman.topology) returns it for each backup server.
      - The module installs the code again if the host has another digest. Required with O(state=present).
    type: str
    default: ""
  settings:
    description:
      - The settings of the commands. They contain no secret.
    type: dict
    default: {}
  schedule_lines:
    description:
      - All lines of the program in cron. Each has the five time fields of cron, the user, and the command.
    type: list
    elements: str
    default: []
  user:
    description:
      - The operating system user that runs Barman.
    type: str
    default: barman
  metrics_file:
    description:
      - With O(state=absent), the file of metrics that the program wrote for Prometheus. When nothing starts the program any more, the module ends the
        processes that write this file, and removes it.
    type: path
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
  - module: pgdr.barman.check
  - module: pgdr.barman.backup_schedule
"""

EXAMPLES = r"""
- name: Install the program
  pgdr.barman.host_program:
    identity: "{{ barman_topology.requirements[inventory_hostname].barman.program.identity }}"
    settings: "{{ barman_topology.requirements[inventory_hostname].barman.program.settings }}"
  become: true

- name: Remove the program
  pgdr.barman.host_program:
    state: absent
  become: true
"""

RETURN = r"""
identity:
  description: The digest of the code that the host has after the task, or would have. V(null) without the program.
  returned: success
  type: str
  sample: 3f1d0c6a5b9e2478
"""

from functools import partial
from typing import Any

from ..module_utils._host.sources import own_sources
from ..module_utils._module import run_module

# What is imported here is what Ansible packs, and what the module installs.
from ..module_utils._program import main as _program  # noqa: F401
from ..module_utils._server.program_files import install_program, program_argument_spec

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **program_argument_spec(),
    "user": {"type": "str", "default": "barman"},
    "metrics_file": {"type": "path"},
}


def main() -> None:
    run_module(ARGUMENTS, partial(install_program, sources=own_sources))


if __name__ == "__main__":
    main()
