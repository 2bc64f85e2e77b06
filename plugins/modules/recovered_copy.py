#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovered_copy
short_description: Disable a recovered copy's subscriptions, scheduled jobs and archiving
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - A recovered copy has the subscriptions and the scheduled jobs of its production server, and often its archiving.
  - When the copy starts on another host, it uses the replication slots of production and runs its jobs a second time. It also archives its WAL among
    that of production.
  - This module writes settings to C(postgresql.auto.conf) of a restored data directory that has not started yet.
  - C(max_logical_replication_workers = 0) disables subscriptions, and C(cron.launch_active_jobs = off) disables pg_cron. C(archive_mode = off)
    disables an C(archive_command) or C(archive_library) that archives.
  - To enable them later, run C(ALTER SYSTEM RESET) for these settings, and restart PostgreSQL.
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
      - The restored data directory.
    type: path
    required: true
  postgres_version:
    description:
      - The major version of PostgreSQL.
    type: int
    required: true
  user:
    description:
      - The operating system user that owns the data directory.
    type: str
    default: postgres
  outbound:
    description:
      - The connections and jobs that the copy would start, from RV(pgdr.barman.verify_recovery#module:test.outbound) of
        M(pgdr.barman.verify_recovery).
    type: dict
    required: true
  bin_directory:
    description:
      - The directory of PostgreSQL's programs. If it is not set, the directories of Debian's and the PostgreSQL project's packages are used.
    type: path
seealso:
  - module: pgdr.barman.verify_recovery
"""

EXAMPLES = r"""
- name: Verify the copy
  pgdr.barman.verify_recovery:
    data_directory: /var/lib/postgresql/17/main
  become: true
  register: tested

- name: Disable connections of the copy to other servers
  pgdr.barman.recovered_copy:
    data_directory: /var/lib/postgresql/17/main
    postgres_version: 17
    outbound: "{{ tested.test.outbound }}"
  become: true
"""

RETURN = r"""
settings:
  description: The settings that disable the copy's activity on other servers. Empty if the copy would have none.
  returned: success
  type: dict
  sample: {max_logical_replication_workers: "0"}
reasons:
  description: The activities on other servers that the settings disable.
  returned: success
  type: list
  elements: str
  sample: ["subscriptions: shop/orders"]
"""

from typing import Any

from ..module_utils._host.result import Result
from ..module_utils._module import run_module
from ..module_utils._postgres.start_settings import ARCHIVE_SETTINGS, read_start_settings
from ..module_utils._verify.outbound import isolation_settings, write_settings

ARGUMENTS: dict[str, Any] = {
    "data_directory": {"type": "path", "required": True},
    "postgres_version": {"type": "int", "required": True},
    "user": {"type": "str", "default": "postgres"},
    "outbound": {"type": "dict", "required": True},
    "bin_directory": {"type": "path"},
}


def isolate(params: dict[str, Any], *, check_mode: bool) -> Result:
    directory, user = params["data_directory"], params["user"]
    version, programs = params["postgres_version"], params["bin_directory"]
    start = read_start_settings(directory, version, user, programs, names=ARCHIVE_SETTINGS)
    needed = isolation_settings(params["outbound"], start.values)
    changed = bool(needed.settings) and (check_mode or write_settings(directory, user, needed.settings))
    return Result(changed, {"settings": dict(needed.settings), "reasons": list(needed.reasons)})


def main() -> None:
    run_module(ARGUMENTS, isolate)


if __name__ == "__main__":
    main()
