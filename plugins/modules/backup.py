#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Take a base backup with Barman and prove that it is complete, or delete one
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Has Barman take one base backup of a PostgreSQL server. It succeeds only when Barman says that the backup is C(DONE) and every WAL segment
    from its begin to its end is in Barman's archive.
  - It ends on an idle server too, where C(barman backup --wait) waits for a WAL segment that is never filled. A few bytes are written to the
    server's WAL for that, and the segment is closed if it is still open.
  - With C(backup_method = snapshot) the cloud provider takes snapshots of the server's disks, and Barman says C(DONE) when the provider
    says that each is complete. Later on neither asks whether they still exist.
  - With O(max_age) a recent good backup is enough, and nothing is done.
  - With O(state=absent) a backup is deleted. What is kept (M(pgdr.barman.backup_keep)), what C(minimum_redundancy) needs, and what
    increments build upon is not, and the error says which it is. C(minimum_redundancy) counts full backups here, as Barman does from 3.15 on;
    older versions count increments, too, and would delete the last full backup.
options:
  server:
    description:
      - Barman's name for the server.
    type: str
    required: true
  state:
    description:
      - V(present) takes a backup, V(absent) deletes one.
    type: str
    choices: [present, absent]
    default: present
  backup_id:
    description:
      - The backup to delete, its id or its name. Where there is none, nothing is done.
      - Words such as V(latest) are not taken, because they mean another backup the next time.
      - Required with O(state=absent), and only then given.
    type: str
  dependents:
    description:
      - Whether block-level increments that need the backup may be deleted with it.
      - Where they may not, and there are any, the backup is not deleted, and the error names them.
      - Only with O(state=absent).
    type: bool
    default: false
  backup_name:
    description:
      - A name for the backup, by which Barman's commands know it beside its id.
      - Where a good backup with this name is there already, and is not older than O(max_age) if that is given, nothing is done.
    type: str
  max_age:
    description:
      - A good backup that ended no longer ago than this is enough. A number with C(s), C(m), C(h), C(d) or C(w), such as V(24h) or V(7d);
        without a letter it means seconds.
      - Where it is not given, and O(backup_name) neither, every run takes a backup.
      - A recent backup that still waits for WAL is completed, and no other one is taken.
    type: str
  incremental:
    description:
      - Take a block-level incremental backup on top of this one. The id or name of a backup, V(latest) or V(latest-full).
      - It needs Barman 3.11 and PostgreSQL 17 with C(summarize_wal), and C(backup_method = postgres).
    type: str
  reuse_backup:
    description:
      - What is done with files that have not changed since the last backup, for C(backup_method = rsync).
      - V(link) makes hard links, V(copy) copies them on the Barman host, V(off) transfers everything.
      - Where it is not given, Barman's configuration says.
    type: str
    choices: ["off", copy, link]
  jobs:
    description:
      - How many processes copy, for C(backup_method = rsync).
      - Where it is not given, Barman's configuration says.
    type: int
  bandwidth_limit:
    description:
      - The most kilobytes to transfer in a second; V(0) for no limit.
      - Where it is not given, Barman's configuration says.
    type: int
  immediate_checkpoint:
    description:
      - Whether the checkpoint with which the backup begins is done at once, at the cost of the server's work, or spread, which can take minutes
        before the copy begins.
      - Where it is not given, Barman's configuration says, which by default spreads it. The playbook C(pgdr.barman.backup) gives V(true).
    type: bool
  retries:
    description:
      - How often Barman begins the copy anew when it fails.
      - Where it is not given, Barman's configuration says.
    type: int
  wait_timeout:
    description:
      - How many seconds to wait, after the copy, until the WAL that the backup needs is archived. The copy itself has no time limit.
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
      - With O(state=absent), and with O(max_age) or O(backup_name).
notes:
  - It can run for hours. It works under C(async), and M(pgdr.barman.backup_info) shows meanwhile how far it is.
  - A failed backup stays in the catalog as Barman left it, until it is deleted.
  - Passive and inactive servers are errors, where Barman does nothing and says success.
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

- name: Take a backup unless there is a good one of today
  pgdr.barman.backup:
    server: pg-eu
    max_age: 24h
  become: true

- name: Keep a backup by name before an upgrade
  pgdr.barman.backup:
    server: pg-eu
    backup_name: before-upgrade-18
  become: true

- name: A block-level incremental backup on top of the last one
  pgdr.barman.backup:
    server: pg-eu
    incremental: latest
  become: true

- name: A large server, without holding the connection for hours
  pgdr.barman.backup:
    server: pg-big
    bandwidth_limit: 200000
    wait_timeout: 1800
  become: true
  async: 86400
  poll: 60

- name: Delete a backup that is not needed any more, unless increments need it
  pgdr.barman.backup:
    server: pg-eu
    state: absent
    backup_id: before-upgrade-18
  become: true

- name: See what would go with a full backup (in check mode nothing is done)
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
    - How the hook scripts went that belong to the taking of this backup, by Barman's name of each. Those that pgdr.barman put there are known.
    - Barman calls a backup good whose hook scripts failed. The module fails then, and says that the backup is there all the same.
  returned: with O(state=present), when a backup was taken
  type: dict
  contains:
    ok:
      description: Whether it succeeded.
      type: bool
      sample: true
    message:
      description: The last line that it said.
      type: str
      sample: "/srv/archive/pg-eu-20261120T070156.tar.gz: 31457280 bytes"
  sample: {}
backup:
  description:
    - The backup that was taken, or the one that is good enough.
    - In check mode, and on a failure, what there is of it, which may be V(null).
    - With O(state=absent) the backup as it was before it was deleted, or V(null) where there was none.
  returned: always
  type: dict
  contains:
    id:
      description: Its id.
      type: str
      sample: 20261120T070156
    name:
      description: Its name, if it has one.
      type: str
      sample: before-upgrade-18
    type:
      description: V(full), V(incremental), V(rsync) or V(snapshot).
      type: str
      sample: full
    status:
      description: Barman's word for its state; V(DONE) on success.
      type: str
      sample: DONE
    parent:
      description: The id of the backup that an incremental one builds upon.
      type: str
      sample: null
    size:
      description: Bytes that it has.
      type: int
      sample: 1610612736
    deduplicated_size:
      description: Bytes that it takes on disk beside those that it shares with earlier ones.
      type: int
      sample: 1610612736
    cluster_size:
      description: Bytes that the PostgreSQL cluster had, as far as Barman knows.
      type: int
      sample: 1610612736
    begin_time:
      description: When it began, in UTC.
      type: str
      sample: "2026-11-20T07:01:56.214000+00:00"
    end_time:
      description: When it ended, in UTC.
      type: str
      sample: "2026-11-20T07:02:13.870000+00:00"
    begin_wal:
      description: The first WAL segment that it needs.
      type: str
      sample: 000000010000000000000003
    end_wal:
      description: The last WAL segment that it needs.
      type: str
      sample: 000000010000000000000004
    begin_lsn:
      description: The WAL position where its recovery begins.
      type: str
      sample: 0/3000028
    end_lsn:
      description: The WAL position where it becomes consistent.
      type: str
      sample: 0/4000000
    timeline:
      description: The timeline that it is on.
      type: int
      sample: 1
    duration:
      description: Seconds from begin to end.
      type: float
      sample: 17.656
    copy_duration:
      description: Seconds that the copy took.
      type: float
      sample: 16.9
    throughput:
      description: Bytes copied in a second; V(null) for snapshots.
      type: int
      sample: 95302528
    snapshots:
      description:
        - Of a backup with C(backup_method = snapshot), the snapshots of its disks; V(null) for others.
        - C(provider) is V(aws), V(azure) or V(gcp), C(place) where the provider keeps them, and C(disks) has the C(id) and C(name) of each
          snapshot, and of its disk when the backup was taken C(device), C(mount_point) and C(mount_options).
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
    - The ids of the backups that were deleted, or would be in check mode, that which was asked for first. Empty where it was gone already.
  returned: with O(state=absent)
  type: list
  elements: str
  sample: [20261120T070156, 20261121T070157]
"""

import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._backup.backup import (
    BackupError,
    Request,
    Taker,
    answer,
    make_plan,
    parse_age,
)
from ansible_collections.pgdr.barman.plugins.module_utils._backup.removal import plan_removal, remove
from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import read_backups
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._barman.hook_runs import failure, of_backup
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.progress import Progress
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import connect, require_psycopg


def argument_spec() -> dict[str, Any]:
    return {
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


def request_from(params: dict[str, Any]) -> Request:
    return Request(
        name=params["backup_name"],
        max_age=None if params["max_age"] is None else parse_age(params["max_age"]),
        incremental=params["incremental"],
        reuse_backup=params["reuse_backup"],
        jobs=params["jobs"],
        bandwidth_limit=params["bandwidth_limit"],
        immediate_checkpoint=params["immediate_checkpoint"],
        retries=params["retries"],
        wait_timeout=params["wait_timeout"],
    )


#: What could be taken for a choice of what is deleted. The other options are often defaults for all tasks, and don't matter.
CHOOSING = ("backup_name", "max_age", "incremental")


def delete(module: AnsibleModule) -> None:
    given = [option for option in CHOOSING if module.params[option] is not None]
    if given:
        module.fail_json(
            msg="with 'state: absent' backup_id says which one: leave out %s" % ", ".join(given), backup=None
        )
    try:
        barman = barman_from(module.params)
        server = read(module.params["config_file"], module.params["barman_user"]).server(module.params["server"])
        removal = plan_removal(server, read_backups(server), module.params["backup_id"], module.params["dependents"])
        if removal.changes and not module.check_mode:
            remove(barman, server, removal)
    except HostError as exc:
        module.fail_json(msg=str(exc), backup=None)
    module.exit_json(
        changed=removal.changes,
        backup=answer(removal.backups[0]) if removal.backups else None,
        deleted=[backup.backup_id for backup in removal.backups],
    )


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True, required_if=[("state", "absent", ("backup_id",))])
    if module.params["state"] == "absent":
        delete(module)
        return
    if module.params["backup_id"] is not None or module.params["dependents"]:
        module.fail_json(msg="backup_id and dependents are for 'state: absent'", backup=None)
    require_psycopg(module)
    progress: Progress | None = None
    try:
        request = request_from(module.params)
        barman = barman_from(module.params)
        configuration = read(module.params["config_file"], module.params["barman_user"])
        server = configuration.server(module.params["server"])
        plan = make_plan(server, request, read_backups(server), lambda: barman.version, datetime.now(timezone.utc))
        backup = plan.existing
        if plan.changes and not module.check_mode:
            owner = barman.user if os.geteuid() == 0 else None
            progress = Progress(configuration.home, "backup", server.name, owner)
            backup = Taker(barman, server, connect, progress).take(plan, request)
        taken = backup if plan.existing is None and not module.check_mode else None
        hooks = of_backup(server, taken.backup_id) if taken is not None else {}
        failed_hooks = failure(server, taken.backup_id, hooks) if taken is not None else None
    except HostError as exc:
        failed = exc.backup if isinstance(exc, BackupError) else None
        module.fail_json(msg=str(exc), backup=None if failed is None else answer(failed))
    finally:
        if progress is not None:
            progress.close()
    result = {"changed": plan.changes, "backup": None if backup is None else answer(backup), "hooks": hooks}
    if failed_hooks:
        module.fail_json(msg=failed_hooks, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
