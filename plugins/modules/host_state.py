#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Report what a deployment finds on a host
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reports which packages, users, paths and services are missing on a host. A deployment runs Ansible's own modules for these only.
  - With O(barman), the module also reads Barman's configuration. The module fails with everything that Barman would lose or that would differ.
    Each problem names the inventory variable that keeps the present state.
  - A difference counts only if the inventory does not set the option itself. So a default of this collection never replaces a configured value.
  - For entries that M(pgdr.barman.server) created, only the directories count, because the inventory owns their other options.
  - The module warns of other cron lines that start backups with Barman, and of replication slots that remain.
  - The module changes nothing and does not run Barman. A host without Barman has nothing to lose.
options:
  os_family:
    description:
      - The family of the host's operating system, as the fact C(os_family) reports it. It selects the package database.
      - In another family than C(Debian) and C(RedHat), every package counts as missing.
    type: str
    default: ""
  packages:
    description:
      - Names of packages.
    type: list
    elements: str
    default: []
  users:
    description:
      - Names of users.
    type: list
    elements: str
    default: []
  paths:
    description:
      - Absolute paths of files or directories.
    type: list
    elements: path
    default: []
  services:
    description:
      - Names of systemd's units that are to run and to start with the host.
    type: list
    elements: str
    default: []
  ssh_users:
    description:
      - Names of users whose C(authorized_keys) is read.
    type: list
    elements: str
    default: []
  schedule_lines:
    description:
      - The lines that M(pgdr.barman.backup_schedule) is to write to its default file.
    type: list
    elements: str
  program:
    description:
      - The program that M(pgdr.barman.host_program) is to install. Its options have the same names.
    type: dict
    suboptions:
      identity:
        description: The digest of the code.
        type: str
        default: ""
      settings:
        description: The settings of the program.
        type: dict
        default: {}
      schedule_lines:
        description: The program's lines of cron.
        type: list
        elements: str
        default: []
  barman:
    description:
      - The declared configuration of Barman.
    type: dict
    suboptions:
      barman_user:
        description: The operating system user that runs Barman.
        type: str
        default: barman
      config_file:
        description: Barman's main configuration file. By default the file that Barman itself reads.
        type: path
      servers:
        description: The server entries that the inventory declares.
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
        description: The declared options of the C([barman]) section, by Barman's option names.
        type: dict
        required: true
      given:
        description: The names of the options in O(barman.global_options) that the inventory sets itself.
        type: list
        elements: str
        default: []
      adopt:
        description: Whether the deployment may take over entries that M(pgdr.barman.server) did not create.
        type: bool
        default: false
extends_documentation_fragment:
  - pgdr.barman._attributes
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
  pgdr.barman.host_state:
    barman:
      global_options: {barman_home: /var/lib/barman, configuration_files_directory: /etc/barman.d}
      servers:
        - name: pg-eu
          options: {conninfo: host=198.51.100.10 user=barman, retention_policy: RECOVERY WINDOW OF 30 DAYS}
          given: [retention_policy]
      adopt: true
  become: true

- name: Gather what is missing on this host
  pgdr.barman.host_state:
    os_family: Debian
    packages: [barman, rsync]
    services: [cron]
  register: host_state
"""

RETURN = r"""
missing_packages:
  description: The items of O(packages) that the host's package database does not report as installed.
  returned: always
  type: list
  elements: str
  sample: [barman]
missing_users:
  description: The items of O(users) that the host does not have.
  returned: always
  type: list
  elements: str
  sample: []
missing_paths:
  description: The items of O(paths) that do not exist.
  returned: always
  type: list
  elements: str
  sample: []
inactive_services:
  description: The items of O(services) that do not run, or that do not start with the host.
  returned: always
  type: list
  elements: str
  sample: [cron]
ssh_trust_users:
  description: The items of O(ssh_users) whose C(authorized_keys) has a line of the role P(pgdr.barman.ssh_trust#role), or can't be read.
  returned: always
  type: list
  elements: str
  sample: []
ssh_recorded:
  description: Whether the record of the host has every file that C(~/.ssh) of O(ssh_users) lacks (M(pgdr.barman.host_record)).
  returned: always
  type: bool
  sample: true
program_is_current:
  description: Whether nothing is to do for O(program). V(null) without it.
  returned: always
  type: bool
  sample: true
schedule_is_current:
  description: Whether the file has exactly O(schedule_lines) already. V(null) without them.
  returned: always
  type: bool
  sample: true
problems:
  description: What Barman would lose, a sentence each with the variable that keeps it. The module fails if the list is not empty.
  returned: always
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._server.existing import host_state
from ..module_utils._server.program_files import program_argument_spec

_NAMES: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
_SERVER: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "options": {"type": "dict", "default": {}},
    "given": _NAMES,
}
_BARMAN: dict[str, Any] = {
    "barman_user": {"type": "str", "default": "barman"},
    "config_file": {"type": "path"},
    "servers": {"type": "list", "elements": "dict", "default": [], "options": _SERVER},
    "global_options": {"type": "dict", "required": True},
    "given": _NAMES,
    "adopt": {"type": "bool", "default": False},
}
ARGUMENTS: dict[str, Any] = {
    "os_family": {"type": "str", "default": ""},
    "packages": _NAMES,
    "users": _NAMES,
    "paths": {"type": "list", "elements": "path", "default": []},
    "services": _NAMES,
    "ssh_users": _NAMES,
    "schedule_lines": {"type": "list", "elements": "str"},
    "program": {"type": "dict", "options": program_argument_spec()},
    "barman": {"type": "dict", "options": _BARMAN},
}


def main() -> None:
    run_module(ARGUMENTS, host_state, masking=lambda params: {})


if __name__ == "__main__":
    main()
