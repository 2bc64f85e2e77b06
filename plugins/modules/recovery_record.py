#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_record
short_description: Record beside a data directory what a recovery did to it, and keep its unit from starting before the proof
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host, as root. The record is the file C(<data directory>.pgdr-recovery.json) beside the data directory. It names the run, the server,
    the backup, how far the run came, and where the old directories are.
  - Every later run reads it. So the directory with the data from before a failed recovery has a name in every later report, until somebody removes the record.
  - From O(state=begun) to O(state=proven), a drop-in C(pgdr-barman-recovery.conf) of the systemd unit asserts that the record does not exist, so the unit
    can't be
    started, neither by hand nor by a reboot. If a run dies, remove the record, and the unit can be started.
  - C(pg_ctl), and C(pg_ctlcluster) as another user than root, start PostgreSQL without systemd. The module does not keep anybody from that.
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
      - The data directory.
    type: path
    required: true
  state:
    description:
      - V(read) - change nothing, return what is recorded.
      - V(begun) - a run is about to stop PostgreSQL.
      - V(restoring) - the run is about to move the old directories and to restore the backup.
      - V(proven) - what was restored is proven. The unit can be started.
      - V(finished) - PostgreSQL runs on it.
      - V(abandoned) - the run stops. If it moved nothing, the record is again what it was before the run. Otherwise the record stays.
      - V(absent) - nobody needs the record any more. The data is not touched.
    type: str
    choices: [read, begun, restoring, proven, finished, abandoned, absent]
    default: read
  run:
    description:
      - The id of the run. Needed with every state but V(read) and V(absent). A record of another run is only replaced by V(begun).
    type: str
  service:
    description:
      - The systemd unit that starts PostgreSQL on the data directory. Needed with O(state=begun).
    type: str
  server:
    description:
      - The inventory name of the server, for messages.
    type: str
    default: ""
  backup_id:
    description:
      - The backup, for messages.
    type: str
    default: ""
  target:
    description:
      - The recovery target, for messages.
    type: str
    default: ""
  moves:
    description:
      - With O(state=begun), the directories that the run is about to move, each with C(from) and C(to). M(pgdr.barman.recover) returns them in check mode as
        RV(pgdr.barman.recover#module:moved_aside), if O(pgdr.barman.recover#module:aside_suffix) is given.
    type: list
    elements: dict
    default: []
    suboptions:
      from:
        description: What the directory is called now.
        type: path
        required: true
      to:
        description: What it will be called. No run uses a name twice.
        type: path
        required: true
seealso:
  - module: pgdr.barman.recover
  - module: pgdr.barman.lock
"""

EXAMPLES = r"""
- name: Read what earlier recoveries left
  pgdr.barman.recovery_record:
    data_directory: /var/lib/postgresql/17/main
  become: true
  register: recorded

- name: Record that a recovery begins
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

- name: Remove the record, when the old directory was removed
  pgdr.barman.recovery_record:
    data_directory: /var/lib/postgresql/17/main
    state: absent
  become: true
"""

RETURN = r"""
record_file:
  description: The file.
  returned: success
  type: str
  sample: /var/lib/postgresql/17/main.pgdr-recovery.json
record:
  description: What is recorded, or would be; null if nothing is.
  returned: success
  type: dict
content:
  description:
    - What is in the data directory - V(original) if no recorded recovery has put it there, V(unproven) if a recovery has restored it, whole or not, and nothing
      has proven it, V(proven) if a recovery has restored and proven it.
  returned: success
  type: str
  sample: unproven
untouched:
  description: Whether the run of the record has moved nothing and restored nothing.
  returned: success
  type: bool
  sample: false
startable:
  description: Whether PostgreSQL may be started on the data directory, V(false) if its content is unproven.
  returned: success
  type: bool
  sample: true
guarded:
  description: Whether the unit can't be started because of the record.
  returned: success
  type: bool
  sample: false
data:
  description: The directory with the newest data that is not an unproven restore; null if none is recorded.
  returned: success
  type: str
  sample: /var/lib/postgresql/17/main.20261120T083000Z
moved_aside:
  description:
    - All recorded directories that recoveries have moved and that still exist, the oldest first, each with C(from), C(to), C(run), and C(unproven), which is
      true if it holds an unproven restore.
  returned: success
  type: list
  elements: dict
  sample: [{from: /var/lib/postgresql/17/main, to: /var/lib/postgresql/17/main.20261120T083000Z, run: 20261120T083000Z-f3a9c1, unproven: false}]
messages:
  description: The same in sentences; empty if nothing is recorded.
  returned: success
  type: list
  elements: str
"""

import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.process import HostError, run
from ..module_utils._recover import recovery_record
from ..module_utils._recover.recovery_record_files import RecordFiles


def argument_spec() -> dict[str, Any]:
    return {
        "data_directory": {"type": "path", "required": True},
        "state": {"type": "str", "choices": [one.value for one in recovery_record.Event], "default": "read"},
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
    module = AnsibleModule(
        argument_spec(),
        required_if=[
            ("state", "begun", ("run", "service")),
            *[("state", one, ("run",)) for one in ("restoring", "proven", "finished", "abandoned")],
        ],
        supports_check_mode=True,
    )
    params = module.params
    # PostgreSQL may be given a link; the record is beside the directory.
    directory = params["data_directory"]
    directory = os.path.realpath(directory) if os.path.isabs(directory) else directory
    request = recovery_record.Request(
        event=recovery_record.Event(params["state"]),
        data_directory=directory,
        run=params["run"] or "",
        service=params["service"] or "",
        server=params["server"],
        backup_id=params["backup_id"],
        target=params["target"],
        now=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        moves=tuple((one["from"], one["to"]) for one in params["moves"]),
    )
    try:
        applied = RecordFiles(directory, run).apply(request, check_mode=module.check_mode)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=applied.changed, **recovery_record.as_result(applied.record, applied.exists, applied.path))


if __name__ == "__main__":
    main()
