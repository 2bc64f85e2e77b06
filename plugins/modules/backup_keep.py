#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_keep
short_description: Manage the keep annotation of a Barman backup
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Sets or removes Barman's keep annotation of a backup. While a backup has the annotation, neither the retention policy nor a delete command removes
    it.
options:
  server:
    description:
      - Barman's name of the server.
    type: str
    required: true
  backup_id:
    description:
      - The id or name of the backup, or one of Barman's words such as V(latest-full) or V(oldest). After the next backup, a word can name another
        backup.
      - Block-level increments can't have an annotation of their own. Use the full backup that they build upon.
    type: str
    required: true
  target:
    description:
      - What remains recoverable from the backup.
      - V(full) keeps all WAL from the backup on and its increments, so that every later recovery target remains available.
      - V(standalone) keeps only the WAL that the backup itself needs, so that its end remains recoverable (C(target_immediate)). The retention policy
        can remove its increments.
    type: str
    choices: [full, standalone]
    default: full
  state:
    description:
      - V(present) sets the annotation. V(absent) removes it, and the retention policy applies again.
      - With V(absent), a backup that does not exist is no failure.
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
  - V(full) keeps the WAL archive from that backup on, and the archive grows without limit. To keep a backup for years, use V(standalone).
  - The annotation applies to this host only. A passive node has annotations of its own for its passive copies.
seealso:
  - module: pgdr.barman.backup
  - module: pgdr.barman.backup_info
"""

EXAMPLES = r"""
- name: Keep the backup from before the upgrade with only the WAL that it needs
  pgdr.barman.backup_keep:
    server: pg-eu
    backup_id: before-upgrade-18
    target: standalone
  become: true

- name: Remove the annotation so that the retention policy applies again
  pgdr.barman.backup_keep:
    server: pg-eu
    backup_id: before-upgrade-18
    state: absent
  become: true
"""

RETURN = r"""
backup_id:
  description:
    - The id of the backup. V(null) if it does not exist.
  returned: success
  type: str
  sample: 20261120T070156
keep:
  description:
    - The annotation after the run, or after the change in check mode. V(full), V(standalone), or V(null) if there is none.
  returned: success
  type: str
  sample: standalone
"""

from typing import Any

from ..module_utils._backup.removal import TARGETS, keep, plan_keeping
from ..module_utils._barman.arguments import barman_argument_spec, barman_from
from ..module_utils._barman.configuration import read
from ..module_utils._barman.server import Server
from ..module_utils._host.result import Result
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "server": {"type": "str", "required": True},
    "backup_id": {"type": "str", "required": True},
    "target": {"type": "str", "choices": list(TARGETS), "default": "full"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def set_keep(params: dict[str, Any], *, check_mode: bool) -> Result:
    target = params["target"] if params["state"] == "present" else None
    server = Server(barman_from(params), read(params["config_file"], params["barman_user"]).server(params["server"]))
    keeping = plan_keeping(server.entry, server.backups, params["backup_id"], target)
    if keeping.changes and not check_mode:
        keep(server, keeping)
    backup = keeping.backup
    return Result(
        changed=keeping.changes,
        values={"backup_id": backup.backup_id if backup else None, "keep": target},
        diff={"before": {"keep": backup.keep if backup else None}, "after": {"keep": target}},
    )


def main() -> None:
    run_module(ARGUMENTS, set_keep)


if __name__ == "__main__":
    main()
