#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: protection_info
short_description: Check that Barman protects a given PostgreSQL server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the backup server, and compares Barman's entry, receiver, archive and backup with the PostgreSQL server that must be protected. The
    server's system identifier and timeline identify it, not its name.
  - If O(system_identifier) is not set, the module compares only the addresses in Barman's entry with O(declared). It does not connect to PostgreSQL
    then, and an entry that does not exist is no failure.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
  - pgdr.barman._postgres
options:
  server:
    description:
      - Barman's name of the PostgreSQL server.
    type: str
    required: true
  declared:
    description:
      - The options of the entry that the inventory declares. The module compares only the hosts and ports in C(conninfo), C(streaming_conninfo),
        C(wal_conninfo), C(wal_streaming_conninfo) and C(primary_conninfo). It fails with every difference.
    type: dict
    default: {}
  system_identifier:
    description:
      - The system identifier of the server that must be protected. If it is not set, the module compares only O(declared).
    type: str
  timeline:
    description:
      - The timeline of the server that must be protected. Required together with O(system_identifier).
    type: int
  backup_id:
    description:
      - The id of the backup that must begin on this timeline of this server. If it is not set, RV(protected) is V(false), and the module does not
        fail for that.
    type: str
  timeout:
    description:
      - The number of seconds to wait until the receiver and the archive have the first WAL of the timeline.
    type: int
    default: 60
seealso:
  - module: pgdr.barman.wal_receiver
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Check that Barman's entry connects to the server of the inventory
  pgdr.barman.protection_info:
    server: pg
    declared:
      conninfo: host=198.51.100.10 port=5432 user=barman dbname=postgres
  become: true

- name: Check that the recovered server is protected
  pgdr.barman.protection_info:
    server: pg
    system_identifier: "7710177296737963100"
    timeline: 2
    backup_id: 20261120T090402
  become: true
  register: protection
"""

RETURN = r"""
protected:
  description:
    - Whether Barman protects the server. The receiver streams this timeline of this system from the server, a segment of it is archived, and the
      backup begins on it.
    - If only C(archive_command) delivers WAL, a segment of the timeline has arrived, and the backup begins on it.
  returned: if O(system_identifier) is set
  type: bool
  sample: true
missing:
  description: What is missing for the protection. Empty if RV(protected) is V(true).
  returned: if O(system_identifier) is set
  type: list
  elements: str
  sample: []
protection:
  description:
    - The state that the module observed. C(server) and C(receives_from) are the servers that answer Barman and its receiver.
    - C(sender_state) is PostgreSQL's state of the receiver's connection. C(received), C(delivered) and C(archived) are the newest WAL files of the
      timeline, and C(backup) is the backup.
  returned: if O(system_identifier) is set
  type: dict
  sample:
    system_identifier: "7710177296737963100"
    timeline: 2
    server: {system_identifier: "7710177296737963100", timeline: 2}
    receives_from: {system_identifier: "7710177296737963100", timeline: 2}
    streaming: true
    receiver_pid: 4711
    sender_state: streaming
    received: "00000002000000000000001E.partial"
    delivered: "00000002000000000000001D"
    archived: "00000002000000000000001D"
    backup:
      backup_id: 20261120T090402
      system_identifier: "7710177296737963100"
      timeline: 2
      begin_wal: "00000002000000000000001C"
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._check.protection_info import show_protection
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "server": {"type": "str", "required": True},
    "declared": {"type": "dict", "default": {}},
    "system_identifier": {"type": "str"},
    "timeline": {"type": "int"},
    "backup_id": {"type": "str"},
    "timeout": {"type": "int", "default": 60},
}


def main() -> None:
    run_module(ARGUMENTS, show_protection, required_together=[("system_identifier", "timeline")])


if __name__ == "__main__":
    main()
