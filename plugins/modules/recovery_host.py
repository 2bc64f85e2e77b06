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
  - Runs on the host to recover to, before its server stops, and reads the settings that the recovered server would start with. The module changes
    nothing.
  - The module fails if a restore would succeed and the recovery could not complete. With PostgreSQL 17 and later, C(allow_alter_system = off) is such
    a setting.
  - The module fails if one of the directories can't be moved aside, as M(pgdr.barman.recover) does with
    O(pgdr.barman.recover#module:existing=move_aside). The check needs no SSH connection.
  - With O(requirements), the module fails if this host lacks what the server needs. These are the locales of its databases, the libraries that it
    preloads, and the libraries that replay records of custom WAL resource managers.
  - Without this check, only M(pgdr.barman.verify_recovery) would find such a problem, after the old server was stopped.
  - The module warns if commits wait for standbys other than Barman's receivers, because these standbys may not follow the recovered server.
  - The module warns if C(postgresql.auto.conf) is immutable or belongs to another user, because the restored file is not and does not.
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
      - The data directory to recover to. It does not have to exist.
    type: path
    required: true
  postgres_version:
    description:
      - The major version of PostgreSQL.
    type: int
    required: true
  user:
    description:
      - The operating system user that PostgreSQL runs as.
    type: str
    default: postgres
  tablespaces:
    description:
      - The directories to restore tablespaces to, by tablespace name.
    type: dict
    default: {}
  wal_directory:
    description:
      - The directory that C(pg_wal) will link to after the recovery. If it is not set, the present link's directory is used.
    type: path
  check_layout:
    description:
      - Whether to check the directories. A recovery on disks created from snapshots moves nothing aside.
    type: bool
    default: true
  requirements:
    description:
      - The requirements of the server, from C(recovery.requirements) of M(pgdr.barman.recover). If it is not set, the module does not compare them.
    type: dict
  bin_directory:
    description:
      - The directory of PostgreSQL's programs. If it is not set, the directories of Debian's and the PostgreSQL project's packages are used.
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
  description: The path of the configuration file that the server starts with. Empty if there is none.
  returned: success
  type: str
  sample: /etc/postgresql/17/main/postgresql.conf
settings:
  description: The settings that the module read.
  returned: success
  type: dict
  sample: {allow_alter_system: "on"}
not_compared:
  description: The items of O(requirements) that the module could not compare with this host, and why. Only M(pgdr.barman.verify_recovery) can verify them.
  returned: success
  type: list
  elements: str
  sample: []
starts:
  description:
    - Sentences about what a copy of the server would start while its production server still runs, such as subscriptions and jobs of C(pg_cron). A
      sentence also reports if this is not known.
    - M(pgdr.barman.recovered_copy) disables these activities of a copy.
  returned: success
  type: list
  elements: str
  sample: ["subscriptions shop/orders (as PostgreSQL reported)"]
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._recover.host_check import check_host

ARGUMENTS: dict[str, Any] = {
    "data_directory": {"type": "path", "required": True},
    "postgres_version": {"type": "int", "required": True},
    "user": {"type": "str", "default": "postgres"},
    "tablespaces": {"type": "dict", "default": {}},
    "wal_directory": {"type": "path"},
    "check_layout": {"type": "bool", "default": True},
    "requirements": {"type": "dict"},
    "bin_directory": {"type": "path"},
}


def main() -> None:
    run_module(ARGUMENTS, check_host)


if __name__ == "__main__":
    main()
