#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sync
short_description: Synchronize passive servers with their source backup server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - A passive server in Barman is a copy of a server's backups and WAL on another backup server, its source. Barman's cron copies once a minute.
  - This module reports the lag of the passive copy and starts a synchronization. It waits until the copy has everything that the source had at the
    first query.
  - If the synchronization fails, the error names the cause. Examples are a failed SSH connection, another host key, and a source without Barman or
    without this server. Other examples are another compression, and a source with a newer Barman.
  - If one server fails, the module continues with the others. It reports all failures together, and RV(servers) contains each result.
  - A source contains only archived WAL. A passive server never receives the segment that PostgreSQL is writing, so the copy always ends with the last
    complete segment. RV(servers.recoverable) is the last point that a recovery from the copy reaches.
options:
  servers:
    description:
      - Barman's names of the servers.
      - If it is not set, the module synchronizes all passive servers of this host.
    type: list
    elements: str
  timeout:
    description:
      - The number of seconds to wait for each server until it has everything that its source has.
    type: int
    default: 3600
  max_lag:
    description:
      - The maximum lag in seconds. If the copy has a backup, and no missing item is older than that, the module leaves the synchronization to
        Barman's cron.
      - V(0) copies everything that is missing.
    type: int
    default: 0
  up_to:
    description:
      - An LSN, such as V(0/6B37D0A8), or the name of a WAL segment that the copy must also contain. The segment must be complete.
      - The source archives WAL once a minute, so this can take a little longer than a minute.
      - If it is not set, the module waits for what the source had at the first query.
    type: str
  recoverable:
    description:
      - Whether to read in the WAL the last point that a recovery from the copy reaches. This takes about a second for each server.
    type: bool
    default: true
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - In check mode the module also queries the source. It reports the lag, and copies nothing.
      - A missing backup that is older than all backups here, except those that are kept, counts as obsolete for the retention policy here.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The module copies as soon as the source has something new.
notes:
  - Barman copies backups only when they are complete with all of their WAL, and WAL only together with a backup. Before the first backup of the
    source, there is nothing to copy. The module then warns, and does not fail.
seealso:
  - module: pgdr.barman.check
  - module: pgdr.barman.recover
"""

EXAMPLES = r"""
- name: Synchronize all passive servers of this host
  pgdr.barman.sync:
  become: true

- name: Report the lag of the passive copies
  pgdr.barman.sync:
  become: true
  check_mode: true
  register: lag

- name: Wait until the copy has the WAL up to a position
  pgdr.barman.sync:
    servers: [pg-eu]
    up_to: 0/6B37D0A8
    timeout: 300
  become: true
"""

RETURN = r"""
servers:
  description: The result of each server, by Barman's name for it.
  returned: always
  type: dict
  sample:
    pg-eu:
      changed: true
      empty: false
      source: barman@198.51.100.11
      source_version: 3.13.3
      source_last_wal: "000000010000000000000009"
      last_wal: "000000010000000000000009"
      last_wal_time: "2026-11-20T08:31:12+00:00"
      before: {backups: [20261120T070150], segments: 3, bytes: 50331648, seconds: 540, overdue: 512}
      after: {backups: [], segments: 0, bytes: 0, seconds: 0, overdue: 0}
      backups: [20261120T070150]
      backups_copied: [20261120T070150]
      backups_skipped: {}
      first_copy: {time: "2026-11-20T08:32:05+00:00", backups: [20261120T070150], bytes: 34603008, seconds: 1.2}
      recoverable: {backup_id: 20261120T070150, lsn: 0/9FFFFA0, time: "2026-11-20T08:31:11.871200+00:00", xid: 811, segment: "000000010000000000000009"}
      error: null
      error_kind: null
  contains:
    changed:
      description: Whether the module copied something, or would copy something in check mode.
      type: bool
    empty:
      description: Whether neither host has a backup yet.
      type: bool
    source:
      description: The user and address of the source backup server.
      type: str
    source_version:
      description: The version of Barman on the source.
      type: str
    source_last_wal:
      description: The newest WAL file that the source has archived.
      type: str
    last_wal:
      description: The newest WAL segment on this host.
      type: str
    last_wal_time:
      description: The time when the source received that segment.
      type: str
    before:
      description: The lag before the synchronization. V(null) if the source did not report it.
      type: dict
      contains:
        backups:
          description: The ids of the backups that are missing here.
          type: list
          elements: str
        segments:
          description: The number of WAL segments that are missing here.
          type: int
        bytes:
          description: The size of the missing WAL in bytes, uncompressed.
          type: int
        seconds:
          description: The number of seconds between the newest segment here and the newest segment on the source. V(null) if there is none here.
          type: int
        overdue:
          description: The number of seconds that the oldest missing item has existed on the source.
          type: int
    after:
      description: The lag after the synchronization, with the keys of RV(servers.before).
      type: dict
    backups:
      description: The ids of the valid backups on this host.
      type: list
      elements: str
    backups_copied:
      description: The ids of the backups that this run copied.
      type: list
      elements: str
    backups_skipped:
      description: The backups that Barman does not copy because its retention policy here would delete them, each with Barman's message.
      type: dict
    first_copy:
      description:
        - If this passive node had no backup before, also none that was not complete, how long the copy took. C(time) is its start, C(bytes) the size of its
          C(backups), and C(seconds) the time until the last backup was there. V(null) otherwise.
        - The ledger of the server gets a record of it, which M(pgdr.barman.preflight_report) compares with its forecast.
      type: dict
    recoverable:
      description:
        - The last point that a recovery from this copy reaches, with C(backup_id), C(lsn), and the last commit's C(time), C(xid) and C(segment).
        - V(null) if there is none, or with O(recoverable=false).
      type: dict
    error:
      description: Why the synchronization failed. V(null) on success.
      type: str
    error_kind:
      description:
        - The cause of the failure in one word. V(unreachable), V(denied), V(host_key), V(no_barman), V(no_server), V(source), V(version),
          V(compression), V(copy), V(timeout), V(configuration), V(answer) or V(other). V(null) on success.
      type: str
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._sync.run import sync

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str"},
    "timeout": {"type": "int", "default": 3600},
    "max_lag": {"type": "int", "default": 0},
    "up_to": {"type": "str"},
    "recoverable": {"type": "bool", "default": True},
}


def main() -> None:
    run_module(ARGUMENTS, sync, on_error={"servers": {}})


if __name__ == "__main__":
    main()
