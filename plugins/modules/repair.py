#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repair
short_description: Repair a server that has lost WAL
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - WAL that PostgreSQL has removed, or that is damaged in the archive, does not come back. A recovery from the backups before it ends there. This module
    starts the WAL receiver where PostgreSQL can still stream, and takes a full backup that begins a new recovery window.
  - Both are one repair. A receiver that only runs again looks healthy, and what is written from then on can't be recovered.
  - The module recognizes what was lost by the state of the slot, by SQLSTATE and by the files, not by the words of messages.
  - If a backup is needed, the module first appends a record of the loss to the ledger of the server on the backup server. After the repair it appends
    another one. The ledger keeps both.
  - A repair ends with a proof. No segment is missing from the new backup on, and all archived files that it needs have the right sizes.
  - The module changes nothing, and fails, if WAL may still arrive by C(archive_command), if the receiver can't be started, and if the server is passive
    or inactive.
options:
  servers:
    description:
      - Barman's names of the servers. They are repaired one after the other, and the failure of one does not stop the others.
    type: list
    elements: str
    required: true
  immediate_checkpoint:
    description:
      - Whether PostgreSQL performs the initial checkpoint of the backup immediately.
      - If it is not set, the value in Barman's configuration applies.
    type: bool
  timeout:
    description:
      - The number of seconds to wait for each slow step of the receiver.
    type: int
    default: 60
  wait_timeout:
    description:
      - The number of seconds to wait, after the copy, until Barman has archived the WAL that the backup needs. The copy itself has no time limit.
    type: int
    default: 600
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
  - pgdr.barman._postgres
attributes:
  check_mode:
    support: full
    details:
      - The module shows what was lost and what it would do. It connects to PostgreSQL, and changes nothing.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A server that lacks nothing is not changed.
seealso:
  - module: pgdr.barman.wal_receiver
  - module: pgdr.barman.backup
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Show what a repair would do
  pgdr.barman.repair:
    servers: [pg-eu]
  check_mode: true
  become: true

- name: Repair the server
  pgdr.barman.repair:
    servers: [pg-eu]
    immediate_checkpoint: true
  become: true
"""

RETURN = r"""
servers:
  description: What was lost and done for each server, by Barman's name of the server.
  returned: always
  type: dict
  contains:
    changed:
      description: Whether the server was repaired, or would be.
      type: bool
      sample: true
    error:
      description: Why the server is not repaired. V(null) if it is, or if it lacks nothing.
      type: str
    error_kind:
      description: The kind of the error in one word, for programs. V(null) if there is none.
      type: str
    reasons:
      description: What is wrong.
      type: list
      elements: dict
      contains:
        code:
          description:
            - V(slot_lost) - PostgreSQL keeps no WAL for the slot any more.
            - V(wal_removed) - PostgreSQL has removed WAL that the receiver needs.
            - V(other_timeline) and V(ahead) - The files of the receiver belong to a branch that the server has left.
            - V(receiver_stopped) - The receiver only has to be started.
            - V(wal_missing) - The archive has a gap after the latest backup.
            - V(wal_damaged) - An archived file that the latest backup needs has a wrong size.
            - V(backup_missing) - There is no valid backup.
          type: str
          sample: wal_removed
        message:
          description: The same in a sentence.
          type: str
          sample: the WAL receiver can't continue from its position, and would start at segment 000000010000000000000010
    steps:
      description: What is done, in this order.
      type: list
      elements: str
      sample: [reset the WAL receiver, take a full backup]
    gaps:
      description: The WAL segments that are missing after the latest valid backup, before the repair.
      type: list
      elements: dict
      contains:
        first:
          description: The first missing segment.
          type: str
          sample: 00000001000000000000000C
        last:
          description: The last missing segment.
          type: str
          sample: "000000010000000000000010"
        count:
          description: The number of missing segments.
          type: int
          sample: 5
        after_latest_backup:
          description: V(true).
          type: bool
          sample: true
    windows:
      description:
        - What can be recovered without the repair, and stays possible after it, the oldest window first. The new backup begins another window.
      type: list
      elements: dict
      contains:
        backups:
          description: The ids of the backups from which the window can be recovered, oldest first.
          type: list
          elements: str
          sample: ["20260901T020000"]
        begin:
          description: The end of the first backup, with C(time) and C(lsn).
          type: dict
          sample: {"time": "2026-09-01T02:00:09.000000+00:00", "lsn": "0/5000130"}
        end:
          description: The last point, with C(time) and C(xid) of the last commit before it, C(lsn) and C(segment).
          type: dict
          sample: {"lsn": "0/B000000", "time": "2026-09-01T09:13:21.004512+00:00", "xid": 4711, "segment": "00000001000000000000000B"}
        missing:
          description: The WAL that ends the window. V(null) if the window ends with the archived WAL.
          type: str
          sample: 00000001000000000000000C to 000000010000000000000010 (5 segments)
    backup:
      description: The new backup, as M(pgdr.barman.backup) returns it. V(null) if none was taken.
      type: dict
  sample: {}
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._repair.run import repair

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str", "required": True},
    "immediate_checkpoint": {"type": "bool"},
    "timeout": {"type": "int", "default": 60},
    "wait_timeout": {"type": "int", "default": 600},
}


def main() -> None:
    run_module(ARGUMENTS, repair, on_error={"servers": {}})


if __name__ == "__main__":
    main()
