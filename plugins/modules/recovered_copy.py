#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovered_copy
short_description: Keep a recovered copy of a PostgreSQL server from acting on other servers
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - A copy has the subscriptions and the scheduled jobs of its production server, and often its archiving. Started on another host, it would use the
    replication slots of production, run its jobs a second time, and archive its WAL among that of production.
  - This module writes settings to C(postgresql.auto.conf) of a data directory that was recovered and not started yet, C(max_logical_replication_workers = 0)
    for subscriptions, C(cron.launch_active_jobs = off) for pg_cron, and C(archive_mode = off) for an C(archive_command) or C(archive_library) that archives.
  - ALTER SYSTEM RESET of these settings, and a restart, undo it.
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
      - The data directory that was recovered.
    type: path
    required: true
  postgres_version:
    description:
      - PostgreSQL's major version.
    type: int
    required: true
  user:
    description:
      - The operating system user that it belongs to.
    type: str
    default: postgres
  outbound:
    description:
      - What M(pgdr.barman.verify_recovery) found, its RV(pgdr.barman.verify_recovery#module:test.outbound).
    type: dict
    required: true
  bin_directory:
    description:
      - The directory of PostgreSQL's programs, if they are not where Debian's and the PostgreSQL project's packages put them.
    type: path
seealso:
  - module: pgdr.barman.verify_recovery
"""

EXAMPLES = r"""
- name: Prove the copy
  pgdr.barman.verify_recovery:
    data_directory: /var/lib/postgresql/17/main
  become: true
  register: tested

- name: Keep it from acting on other servers
  pgdr.barman.recovered_copy:
    data_directory: /var/lib/postgresql/17/main
    postgres_version: 17
    outbound: "{{ tested.test.outbound }}"
  become: true
"""

RETURN = r"""
settings:
  description: The settings that keep the copy from acting; none if it would not act.
  returned: success
  type: dict
  sample: {max_logical_replication_workers: "0"}
reasons:
  description: What the copy would have done.
  returned: success
  type: list
  elements: str
  sample: ["subscriptions: shop/orders"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.start_settings import (
    ARCHIVE_SETTINGS,
    read_start_settings,
)
from ansible_collections.pgdr.barman.plugins.module_utils._verify.outbound import quiet, write_settings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "data_directory": {"type": "path", "required": True},
            "postgres_version": {"type": "int", "required": True},
            "user": {"type": "str", "default": "postgres"},
            "outbound": {"type": "dict", "required": True},
            "bin_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        start = read_start_settings(
            params["data_directory"],
            params["postgres_version"],
            params["user"],
            params["bin_directory"],
            names=ARCHIVE_SETTINGS,
        )
        needed = quiet(params["outbound"], start.values)
        changed = bool(needed.settings) and (
            module.check_mode or write_settings(params["data_directory"], params["user"], needed.settings)
        )
    except HostError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=changed, settings=dict(needed.settings), reasons=list(needed.reasons))


if __name__ == "__main__":
    main()
