#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_config
short_description: Configure what Barman needs in a cluster that Patroni manages
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on a member of the cluster, as the user that runs Patroni. Changes the dynamic configuration in Patroni's DCS with C(patronictl edit-config), and
    only what differs.
  - Adds permanent physical replication slots, settings of PostgreSQL, and rules at the top of C(pg_hba). It removes and reorders nothing of others.
  - If the DCS has no C(pg_hba), Patroni leaves the file to PostgreSQL. Then the module changes no rules, and RV(writes_hba) is false.
  - The module fails if the member's own configuration file has C(pg_hba) or one of the settings, because the file overrides the DCS.
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  config_file:
    description:
      - Patroni's configuration file.
      - If it is not set, the file of the Patroni process that runs on this host.
    type: path
  slots:
    description:
      - The names of physical slots. Patroni creates each of them on every member, from version 3.2 on.
    type: list
    elements: str
    default: []
  parameters:
    description:
      - Settings of PostgreSQL, each with its value.
    type: dict
    default: {}
  hba_rules:
    description:
      - The rules between the comments C(# BEGIN pgdr.barman) and C(# END pgdr.barman), one line each. An empty list removes them.
    type: list
    elements: str
    required: true
  hba_file:
    description:
      - The path of C(pg_hba.conf) on this member. If it is set, the module waits until Patroni has written the rules.
    type: path
  restart_settings:
    description:
      - The names of the settings whose running values are too low on this member, and that take effect at a restart only.
      - If there are any, the module waits until Patroni reports that this member waits for a restart. Then it restarts, or fails. See O(restart_allowed).
    type: list
    elements: str
    default: []
  restart_allowed:
    description:
      - Whether the module restarts PostgreSQL with C(patronictl restart) if O(restart_settings) need it. If false, the module fails then.
      - All members of the cluster that wait for a restart restart one after the other, the replicas first, and the leader last. The module can run on all
        members at the same time. It waits until this member has restarted.
    type: bool
    default: false
  data_directory:
    description:
      - The data directory of PostgreSQL on this member.
    type: path
  postmaster:
    description:
      - The process of PostgreSQL when its settings were read. If another one runs now, this member has restarted since, and the module does not wait for
        Patroni to report that it waits for a restart. Needs O(data_directory).
    type: int
  timeout:
    description:
      - The number of seconds to wait for Patroni.
    type: int
    default: 60
  user:
    description:
      - The operating system user that runs Patroni.
    type: str
    default: postgres
seealso:
  - module: pgdr.barman.hba_rules
"""

EXAMPLES = r"""
- name: Configure the slot and the rules of the backup server
  pgdr.barman.patroni_config:
    slots: [barman]
    hba_rules:
      - host "postgres" "barman" 198.51.100.20/32 scram-sha-256
      - host replication "streaming_barman" 198.51.100.20/32 scram-sha-256
    hba_file: /etc/postgresql/17/main/pg_hba.conf
  become: true
  become_user: postgres
"""

RETURN = r"""
writes_hba:
  description: Whether Patroni writes C(pg_hba.conf) from the DCS.
  returned: success
  type: bool
  sample: true
restarted:
  description: Whether PostgreSQL of this member was restarted.
  returned: success
  type: bool
  sample: false
replaced_parameters:
  description:
    - The settings that the module changed in the DCS, each with C(name), C(altered) (the former value) and C(desired), both as JSON. C(altered) is V(null)
      if the DCS did not have the setting. In check mode, M(pgdr.barman.host_record) can record them before the change.
  returned: success
  type: list
  elements: dict
  sample: [{name: max_wal_senders, altered: "3", desired: '"4"'}]
config_file:
  description: Patroni's configuration file.
  returned: success
  type: str
  sample: /etc/patroni/17-main.yml
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._patroni.run import configure

ARGUMENTS: dict[str, Any] = {
    "config_file": {"type": "path"},
    "slots": {"type": "list", "elements": "str", "default": []},
    "parameters": {"type": "dict", "default": {}},
    "hba_rules": {"type": "list", "elements": "str", "required": True},
    "hba_file": {"type": "path"},
    "restart_settings": {"type": "list", "elements": "str", "default": []},
    "restart_allowed": {"type": "bool", "default": False},
    "data_directory": {"type": "path"},
    "postmaster": {"type": "int"},
    "timeout": {"type": "int", "default": 60},
    "user": {"type": "str", "default": "postgres"},
}


def main() -> None:
    run_module(ARGUMENTS, configure)


if __name__ == "__main__":
    main()
