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
  - With O(requirements), it fails if this host does not have what the server needs - the locales of its databases, the libraries that it preloads, and the
    libraries that replay records of custom WAL resource managers. The proof of a recovery finds the same, but after the old server was stopped.
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
  requirements:
    description:
      - What the server requires, as M(pgdr.barman.recover) returns it in C(recovery.requirements). If it is not given, nothing of it is compared.
    type: dict
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
not_compared:
  description: What of O(requirements) could not be compared with this host, and why. Only the proof of the recovery can find it.
  returned: success
  type: list
  elements: str
  sample: []
starts:
  description:
    - What a copy of the server would start by itself while its production server still runs, as sentences - subscriptions and jobs of C(pg_cron) - or that
      this is not known. M(pgdr.barman.recovered_copy) keeps a copy from it.
  returned: success
  type: list
  elements: str
  sample: ["subscriptions shop/orders (as PostgreSQL reported)"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, run
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.host_comparison import (
    Comparison,
    compare_this_host,
    restored_from,
    would_start,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.start_settings import (
    look_at_automatic_file,
    read_start_settings,
    recovery_problems,
    recovery_warnings,
    synchronous_warnings,
)
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination import Destination, Site
from ansible_collections.pgdr.barman.plugins.module_utils._recover.placement import layout_problems


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "data_directory": {"type": "path", "required": True},
            "postgres_version": {"type": "int", "required": True},
            "user": {"type": "str", "default": "postgres"},
            "tablespaces": {"type": "dict", "default": {}},
            "wal_directory": {"type": "path"},
            "check_layout": {"type": "bool", "default": True},
            "requirements": {"type": "dict"},
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
        compared = Comparison()
        starts: list[str] = []
        if params["requirements"] is not None:
            restored = restored_from(params["requirements"])
            starts = would_start(restored)
            compared = compare_this_host(
                restored,
                params["data_directory"],
                params["postgres_version"],
                params["user"],
                params["bin_directory"],
                run,
            )
    except HostError as exc:
        module.fail_json(msg=str(exc))
    problems = [*recovery_problems(settings), *problems, *compared.problems]
    if problems:
        module.fail_json(msg="\n".join(problems))
    for warning in [
        *recovery_warnings(automatic, params["user"]),
        *synchronous_warnings(settings),
        *compared.warnings,
        *("not compared before the recovery begins: %s" % one for one in compared.not_compared),
    ]:
        module.warn(warning)
    module.exit_json(
        changed=False,
        config_file=settings.file,
        settings=dict(settings.values),
        not_compared=compared.not_compared,
        starts=starts,
    )


if __name__ == "__main__":
    main()
