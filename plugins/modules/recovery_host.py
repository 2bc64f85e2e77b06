#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_host
short_description: Check that a PostgreSQL host can complete a recovery
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the host to recover to, before its server is stopped, and reads the settings that the recovered server would start with. It changes nothing.
  - It fails if a recovery could be restored and not completed - C(allow_alter_system = off), since PostgreSQL 17, is such a setting.
  - It fails if one of the directories could not be moved aside, as M(pgdr.barman.recover) would with O(pgdr.barman.recover#module:existing=move_aside). Here
    no SSH connection is needed for that.
  - It warns if commits wait for standbys other than Barman's receivers, because they may not follow the recovered server.
  - It warns if C(postgresql.auto.conf) is immutable or belongs to another user, because the restored file does not.
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  data_directory:
    description:
      - The data directory to recover to. It need not exist.
    type: path
    required: true
  postgres_version:
    description:
      - PostgreSQL's major version.
    type: int
    required: true
  user:
    description:
      - The operating system user that PostgreSQL runs as.
    type: str
    default: postgres
  tablespaces:
    description:
      - The directories that tablespaces go to, by the tablespaces' names.
    type: dict
    default: {}
  wal_directory:
    description:
      - The directory that C(pg_wal) is to be a symbolic link to, if not the one that it leads to now.
    type: path
  check_layout:
    description:
      - Whether to check the directories. A recovery on disks made from snapshots moves nothing aside.
    type: bool
    default: true
  bin_directory:
    description:
      - The directory of PostgreSQL's programs, if they are not where Debian's and the PostgreSQL project's packages put them.
    type: path
seealso:
  - module: pgdr.barman.recover
"""

EXAMPLES = r"""
- name: Check the host
  pgdr.barman.recovery_host:
    data_directory: /var/lib/postgresql/17/main
    postgres_version: 17
  become: true
"""

RETURN = r"""
config_file:
  description: The configuration file that the server starts with; empty if none was found.
  returned: success
  type: str
  sample: /etc/postgresql/17/main/postgresql.conf
settings:
  description: The settings that were read.
  returned: success
  type: dict
  sample: {allow_alter_system: "on"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._barman.destination import Destination, Site
from ansible_collections.pgdr.barman.plugins.module_utils._barman.places import layout_problems
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, run
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.start_settings import (
    look_at_automatic_file,
    read_start_settings,
    recovery_problems,
    recovery_warnings,
    synchronous_warnings,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "data_directory": {"type": "path", "required": True},
            "postgres_version": {"type": "int", "required": True},
            "user": {"type": "str", "default": "postgres"},
            "tablespaces": {"type": "dict", "default": {}},
            "wal_directory": {"type": "path"},
            "check_layout": {"type": "bool", "default": True},
            "bin_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        settings = read_start_settings(
            params["data_directory"], params["postgres_version"], params["user"], params["bin_directory"]
        )
        automatic = look_at_automatic_file(params["data_directory"])
        destination = Destination(params["data_directory"], tablespaces=params["tablespaces"])
        problems: list[str] = []
        if params["check_layout"]:
            problems = destination.problems() or layout_problems(
                Site(destination, run, params["user"]), params["postgres_version"], params["wal_directory"]
            )
    except HostError as exc:
        module.fail_json(msg=str(exc))
    problems = [*recovery_problems(settings), *problems]
    if problems:
        module.fail_json(msg="\n".join(problems))
    for warning in [*recovery_warnings(automatic, params["user"]), *synchronous_warnings(settings)]:
        module.warn(warning)
    module.exit_json(changed=False, config_file=settings.file, settings=dict(settings.values))


if __name__ == "__main__":
    main()
