#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_keep
short_description: Keep a backup whatever the retention policy says
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes Barman's keep annotation of a backup, which then is deleted neither by the retention policy nor by anybody, or takes it away.
options:
  server:
    description:
      - Barman's name for the server.
    type: str
    required: true
  backup_id:
    description:
      - The backup, its id, its name, or one of Barman's words such as V(latest-full) or V(oldest). The words mean another backup after the next one
        was taken.
      - Block-level increments can't be kept for themselves. The full backup that they build upon can.
    type: str
    required: true
  target:
    description:
      - What can be recovered from the backup for ever.
      - V(full) keeps all WAL from the backup on, so that every later point can be recovered, and the increments on it.
      - V(standalone) keeps only the WAL that the backup needs itself, so that its own end can be recovered (C(target_immediate)). Increments on it
        go when the policy does not need them any more.
    type: str
    choices: [full, standalone]
    default: full
  state:
    description:
      - V(present) keeps the backup. V(absent) leaves it to the retention policy again; a backup that is not there is as good as released.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - V(full) holds the WAL archive from that backup on for ever, and it grows. For a backup that is kept for years V(standalone) is meant.
  - The annotation is the host's own. A passive server keeps what it copied by its own annotations.
seealso:
  - module: pgdr.barman.backup
  - module: pgdr.barman.backup_info
"""

EXAMPLES = r"""
- name: Keep the backup from before the upgrade, alone
  pgdr.barman.backup_keep:
    server: pg-eu
    backup_id: before-upgrade-18
    target: standalone
  become: true

- name: Leave it to the retention policy again
  pgdr.barman.backup_keep:
    server: pg-eu
    backup_id: before-upgrade-18
    state: absent
  become: true
"""

RETURN = r"""
backup_id:
  description:
    - The backup's id, or V(null) where there is none.
  returned: success
  type: str
  sample: 20261120T070156
keep:
  description:
    - Its annotation now, or as it would be in check mode, V(full), V(standalone) or V(null).
  returned: success
  type: str
  sample: standalone
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._backup.removal import TARGETS, keep, plan_keeping
from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import read_backups
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def argument_spec() -> dict[str, Any]:
    return {
        **barman_argument_spec(),
        "server": {"type": "str", "required": True},
        "backup_id": {"type": "str", "required": True},
        "target": {"type": "str", "choices": list(TARGETS), "default": "full"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    target = module.params["target"] if module.params["state"] == "present" else None
    try:
        barman = barman_from(module.params)
        server = read(module.params["config_file"], module.params["barman_user"]).server(module.params["server"])
        keeping = plan_keeping(server, read_backups(server), module.params["backup_id"], target)
        if keeping.changes and not module.check_mode:
            keep(barman, server, keeping)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    backup = keeping.backup
    module.exit_json(
        changed=keeping.changes,
        backup_id=None if backup is None else backup.backup_id,
        keep=target,
        diff={"before": {"keep": None if backup is None else backup.keep}, "after": {"keep": target}},
    )


if __name__ == "__main__":
    main()
