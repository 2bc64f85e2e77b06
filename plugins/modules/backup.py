#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Take a base backup with Barman and verify that it is complete, or delete a backup
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Takes one base backup of a PostgreSQL server with Barman. The module succeeds only if Barman reports the backup as C(DONE) and Barman's archive
    contains every WAL segment from the backup's begin to its end.
  - It also completes a backup of an idle server, for which C(barman backup --wait) waits for a WAL segment that never fills. The module writes a few
    bytes to the server's WAL and closes the segment if it is still open.
  - With C(backup_method = snapshot), the cloud provider takes snapshots of the server's disks. Barman reports C(DONE) when the provider reports each
    snapshot as complete. Neither verifies later that the snapshots still exist.
  - With O(max_age), the module takes no backup if a recent valid backup exists.
  - With O(state=absent), the module deletes a backup. It refuses to delete a backup that is kept (M(pgdr.barman.backup_keep)), that
    C(minimum_redundancy) requires, or that increments build upon. The error names the reason.
  - The module counts only full backups for C(minimum_redundancy), as Barman 3.15 and later do. Older versions also count increments, and would delete
    the last full backup.
options:
  server:
    description:
      - Barman's name of the server.
    type: str
    required: true
  state:
    description:
      - V(present) takes a backup. V(absent) deletes one.
    type: str
    choices: [present, absent]
    default: present
  backup_id:
    description:
      - The id or name of the backup to delete. If it does not exist, the module changes nothing.
      - The module refuses words such as V(latest), because they name another backup after the next backup.
      - Required with O(state=absent), and allowed only then.
    type: str
  dependents:
    description:
      - Whether to delete the block-level increments that need the backup as well.
      - With V(false), the module fails and names the increments if there are any.
      - Allowed only with O(state=absent).
    type: bool
    default: false
  backup_name:
    description:
      - A name for the backup. Barman's commands accept it in place of the id.
      - If a valid backup has this name already, the module takes no backup. With O(max_age), that backup must also be recent.
    type: str
  max_age:
    description:
      - The maximum age of a valid backup that is recent enough, counted from its end. The value is a number with C(s), C(m), C(h), C(d) or C(w), such
        as V(24h) or V(7d). Without a letter, the unit is seconds.
      - If neither it nor O(backup_name) is set, every run takes a backup.
      - If a recent backup still waits for WAL, the module completes that backup and takes no other.
    type: str
  incremental:
    description:
      - The id or name of the backup to take a block-level increment of, V(latest) or V(latest-full).
      - Requires Barman 3.11 or later, PostgreSQL 17 or later with C(summarize_wal), and C(backup_method = postgres).
      - If it is not set, the backup is full.
    type: str
  reuse_backup:
    description:
      - How to transfer files that have not changed since the last backup, for C(backup_method = rsync).
      - V(link) creates hard links on the backup server, V(copy) copies the files there, and V(off) transfers all files.
      - If it is not set, the value in Barman's configuration applies.
    type: str
    choices: ["off", copy, link]
  jobs:
    description:
      - The number of parallel copy processes, for C(backup_method = rsync).
      - If it is not set, the value in Barman's configuration applies.
    type: int
  bandwidth_limit:
    description:
      - The maximum transfer rate in kilobytes per second. V(0) means no limit.
      - If it is not set, the value in Barman's configuration applies.
    type: int
  immediate_checkpoint:
    description:
      - Whether PostgreSQL performs the backup's initial checkpoint immediately. An immediate checkpoint loads the server. A spread checkpoint can
        take minutes before the copy starts.
      - If it is not set, the value in Barman's configuration applies, which by default is a spread checkpoint. The playbook C(pgdr.barman.backup)
        sets V(true).
    type: bool
  retries:
    description:
      - The number of times that Barman retries the copy after a failure.
      - If it is not set, the value in Barman's configuration applies.
    type: int
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
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - Idempotent with O(state=absent), and with O(max_age) or O(backup_name).
notes:
  - A backup can run for hours. The module supports C(async), and M(pgdr.barman.backup_info) reports the progress meanwhile.
  - A failed backup stays in the catalog as Barman left it, until somebody deletes it.
  - The module fails for passive and inactive servers, for which Barman does nothing and reports success.
seealso:
  - module: pgdr.barman.backup_info
  - module: pgdr.barman.backup_keep
  - module: pgdr.barman.check
  - module: pgdr.barman.wal_receiver
"""

EXAMPLES = r"""
- name: Take a backup now
  pgdr.barman.backup:
    server: pg-eu
    immediate_checkpoint: true
  become: true
  register: taken

- name: Take a backup unless a valid one is less than a day old
  pgdr.barman.backup:
    server: pg-eu
    max_age: 24h
  become: true

- name: Take a backup with a name before an upgrade
  pgdr.barman.backup:
    server: pg-eu
    backup_name: before-upgrade-18
  become: true

- name: Take a block-level incremental backup on top of the last backup
  pgdr.barman.backup:
    server: pg-eu
    incremental: latest
  become: true

- name: Take a backup of a large server without an open connection for hours
  pgdr.barman.backup:
    server: pg-big
    bandwidth_limit: 200000
    wait_timeout: 1800
  become: true
  async: 86400
  poll: 60

- name: Delete a backup unless increments need it
  pgdr.barman.backup:
    server: pg-eu
    state: absent
    backup_id: before-upgrade-18
  become: true

- name: Check which backups would be deleted with a full backup
  pgdr.barman.backup:
    server: pg-eu
    state: absent
    backup_id: 20261120T070156
    dependents: true
  become: true
  check_mode: true
  register: would_go
"""

RETURN = r"""
hooks:
  description:
    - The results of the hook scripts that ran for this backup, by Barman's names of the hooks. It contains only hooks that pgdr.barman deployed.
    - Barman reports a backup as C(DONE) even if its hook scripts failed. The module fails then, and reports that the backup exists.
  returned: if O(state=present) and a backup was taken
  type: dict
  contains:
    ok:
      description: Whether the script succeeded.
      type: bool
      sample: true
    message:
      description: The last line of the script's output.
      type: str
      sample: "/srv/archive/pg-eu-20261120T070156.tar.gz: 31457280 bytes"
  sample: {}
backup:
  description:
    - The backup that was taken, or the existing backup that is recent enough.
    - In check mode and on failure, the known part of the backup, or V(null).
    - With O(state=absent), the backup before its deletion, or V(null) if it did not exist.
  returned: always
  type: dict
  contains:
    id:
      description: Barman's id of the backup.
      type: str
      sample: 20261120T070156
    name:
      description: The name of the backup. V(null) if it has none.
      type: str
      sample: before-upgrade-18
    type:
      description: V(full), V(incremental), V(rsync) or V(snapshot).
      type: str
      sample: full
    status:
      description: Barman's status of the backup. V(DONE) on success.
      type: str
      sample: DONE
    parent:
      description: The id of the backup that an increment builds upon. V(null) for other backups.
      type: str
      sample: null
    size:
      description: The size of the backup in bytes.
      type: int
      sample: 1610612736
    deduplicated_size:
      description: The size on disk in bytes, without files that the backup shares with earlier backups.
      type: int
      sample: 1610612736
    cluster_size:
      description: The size of the PostgreSQL cluster in bytes, if Barman knows it.
      type: int
      sample: 1610612736
    begin_time:
      description: The time when the backup started, in UTC.
      type: str
      sample: "2026-11-20T07:01:56.214000+00:00"
    end_time:
      description: The time when the backup ended, in UTC.
      type: str
      sample: "2026-11-20T07:02:13.870000+00:00"
    begin_wal:
      description: The first WAL segment that the backup needs.
      type: str
      sample: 000000010000000000000003
    end_wal:
      description: The last WAL segment that the backup needs to become consistent.
      type: str
      sample: 000000010000000000000004
    begin_lsn:
      description: The LSN at which a recovery of the backup starts.
      type: str
      sample: 0/3000028
    end_lsn:
      description: The LSN at which a recovery of the backup becomes consistent.
      type: str
      sample: 0/4000000
    timeline:
      description: The timeline of the backup.
      type: int
      sample: 1
    duration:
      description: The number of seconds from the start of the backup to its end.
      type: float
      sample: 17.656
    copy_duration:
      description: The number of seconds that the copy took.
      type: float
      sample: 16.9
    throughput:
      description: The number of bytes that were copied per second. V(null) for snapshots.
      type: int
      sample: 95302528
    snapshots:
      description:
        - The disk snapshots of a backup with C(backup_method = snapshot). V(null) for other backups.
        - C(provider) is V(aws), V(azure) or V(gcp). C(place) is the provider's location of the snapshots.
        - C(disks) contains the C(id) and C(name) of each snapshot. It also has the C(device), C(mount_point) and C(mount_options) of the disk at the
          time of the backup.
      type: dict
      sample:
        provider: aws
        place: {account_id: "123456789012", region: eu-central-1}
        disks:
          - id: snap-0123456789abcdef0
            name: pg-data-20261120t070150
            device: /dev/sdf
            mount_point: /var/lib/postgresql
            mount_options: rw,noatime
deleted:
  description:
    - The ids of the backups that the module deleted, or would delete in check mode. The requested backup comes first. Empty if it did not exist.
  returned: if O(state=absent)
  type: list
  elements: str
  sample: [20261120T070156, 20261121T070157]
"""

from typing import Any

from ..module_utils._backup.run import back_up_or_delete
from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "server": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "backup_id": {"type": "str"},
    "dependents": {"type": "bool", "default": False},
    "backup_name": {"type": "str"},
    "max_age": {"type": "str"},
    "incremental": {"type": "str"},
    "reuse_backup": {"type": "str", "choices": ["off", "copy", "link"]},
    "jobs": {"type": "int"},
    "bandwidth_limit": {"type": "int"},
    "immediate_checkpoint": {"type": "bool"},
    "retries": {"type": "int"},
    "wait_timeout": {"type": "int", "default": 600},
}


def main() -> None:
    run_module(
        ARGUMENTS,
        back_up_or_delete,
        on_error={"backup": None},
        required_if=[("state", "absent", ("backup_id",))],
        # They would look like a choice of the backup that is deleted.
        mutually_exclusive=[("backup_id", option) for option in ("backup_name", "max_age", "incremental")],
    )


if __name__ == "__main__":
    main()
