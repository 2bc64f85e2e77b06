#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_record
short_description: Manage the record of a recovery beside a data directory
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host as root. The record is the file C(<data directory>.pgdr-recovery.json) beside the data directory. It contains the run,
    the server, the backup, the progress of the run, and the locations of the old directories.
  - Every later run reads the record. So every later report names the directory with the data from before a failed recovery, until somebody removes
    the record.
  - From O(state=begun) to O(state=proven), a drop-in C(pgdr-barman-recovery.conf) of the systemd unit asserts that the record does not exist. Neither
    a person nor a reboot can start the unit then. If a run was killed, remove the record to permit a start of the unit.
  - C(pg_ctl), and C(pg_ctlcluster) as a user other than root, start PostgreSQL without systemd. The module does not prevent that.
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
      - The data directory that the record is about.
    type: path
    required: true
  state:
    description:
      - V(read) - The module changes nothing, and returns the record.
      - V(begun) - The run is about to stop PostgreSQL.
      - V(restoring) - The run is about to move the old directories and to restore the backup.
      - V(proven) - The restored data is verified. The unit can start.
      - V(finished) - PostgreSQL runs on the restored data.
      - V(abandoned) - The run stops. If it moved nothing, the module restores the record from before the run. Otherwise the record stays.
      - V(absent) - The record is not required any more. The module removes it, and does not change the data.
    type: str
    choices: [read, begun, restoring, proven, finished, abandoned, absent]
    default: read
  run:
    description:
      - The id of the run. Required with every state but V(read) and V(absent). Only V(begun) replaces a record of another run.
    type: str
  service:
    description:
      - The systemd unit that starts PostgreSQL on the data directory. Required with O(state=begun).
    type: str
  server:
    description:
      - The inventory name of the server, for messages.
    type: str
    default: ""
  backup_id:
    description:
      - Barman's id of the backup, for messages.
    type: str
    default: ""
  target:
    description:
      - The recovery target, for messages.
    type: str
    default: ""
  moves:
    description:
      - With O(state=begun), the directories that the run is about to move. M(pgdr.barman.recover) returns them in check mode as
        RV(pgdr.barman.recover#module:moved_aside), if O(pgdr.barman.recover#module:aside_suffix) is set.
    type: list
    elements: dict
    default: []
    suboptions:
      from:
        description: The present path of the directory.
        type: path
        required: true
      to:
        description: The path of the directory after the move. No run uses a path twice.
        type: path
        required: true
seealso:
  - module: pgdr.barman.recover
  - module: pgdr.barman.lock
"""

EXAMPLES = r"""
- name: Read the record of earlier recoveries
  pgdr.barman.recovery_record:
    data_directory: /var/lib/postgresql/17/main
  become: true
  register: recorded

- name: Record the start of a recovery
  pgdr.barman.recovery_record:
    data_directory: /var/lib/postgresql/17/main
    state: begun
    run: 20261120T083000Z-f3a9c1
    service: postgresql@17-main
    server: pg-eu
    backup_id: 20261120T070150
    moves:
      - {from: /var/lib/postgresql/17/main, to: /var/lib/postgresql/17/main.20261120T083000Z}
  become: true

- name: Remove the record after the removal of the old directory
  pgdr.barman.recovery_record:
    data_directory: /var/lib/postgresql/17/main
    state: absent
  become: true
"""

RETURN = r"""
record_file:
  description: The path of the record.
  returned: success
  type: str
  sample: /var/lib/postgresql/17/main.pgdr-recovery.json
record:
  description: The content of the record, or its content after the change in check mode. V(null) if there is no record.
  returned: success
  type: dict
content:
  description:
    - The origin of the data directory's content. V(original) if no recorded recovery restored it. V(unproven) if a recovery restored it, completely
      or not, and nothing has verified it. V(proven) if a recovery has restored and verified it.
  returned: success
  type: str
  sample: unproven
untouched:
  description: Whether the run of the record has moved nothing and restored nothing.
  returned: success
  type: bool
  sample: false
startable:
  description: Whether PostgreSQL may start on the data directory. V(false) if its content is V(unproven).
  returned: success
  type: bool
  sample: true
guarded:
  description: Whether the record prevents a start of the unit.
  returned: success
  type: bool
  sample: false
data:
  description: The directory with the newest data that is not an unproven restore. V(null) if the record contains none.
  returned: success
  type: str
  sample: /var/lib/postgresql/17/main.20261120T083000Z
moved_aside:
  description:
    - All recorded directories that recoveries have moved and that still exist, oldest first. Each has C(from), C(to), C(run), and C(unproven), which
      is true if the directory contains an unproven restore.
  returned: success
  type: list
  elements: dict
  sample: [{from: /var/lib/postgresql/17/main, to: /var/lib/postgresql/17/main.20261120T083000Z, run: 20261120T083000Z-f3a9c1, unproven: false}]
messages:
  description: The content of the record in sentences. Empty if there is no record.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._recover.record_operation import keep_record
from ..module_utils._recover.recovery_record import RecordEvent

ARGUMENTS: dict[str, Any] = {
    "data_directory": {"type": "path", "required": True},
    "state": {"type": "str", "choices": [one.value for one in RecordEvent], "default": "read"},
    "run": {"type": "str"},
    "service": {"type": "str"},
    "server": {"type": "str", "default": ""},
    "backup_id": {"type": "str", "default": ""},
    "target": {"type": "str", "default": ""},
    "moves": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"from": {"type": "path", "required": True}, "to": {"type": "path", "required": True}},
    },
}


def main() -> None:
    run_module(
        ARGUMENTS,
        keep_record,
        required_if=[
            ("state", "begun", ("run", "service")),
            *[("state", one, ("run",)) for one in ("restoring", "proven", "finished", "abandoned")],
        ],
    )


if __name__ == "__main__":
    main()
