#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drill
short_description: Prove backups with a restore drill
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Restores a backup of each server to a scratch directory of the backup server, and replays the archived WAL to the target.
  - Starts the restored cluster in isolation, as M(pgdr.barman.verify_recovery) does, and runs the queries. Then it promotes this copy, and runs
    C(pg_amcheck) in every database, and C(pg_checksums).
  - Removes the scratch directory in every case, and appends a record to the ledger of the server. M(pgdr.barman.drill_info) reads the ledger.
  - The servers are drilled one after another. A drill that fails does not prevent the drills of the other servers.
  - A backup server runs one drill at a time. If another one does not end within O(wait), the module fails and changes nothing.
  - Before the first byte is written, the module compares the size of the restore with the free disk space. It fails if less than 5 % of the file
    system would be free during the drill.
  - If a drill was killed, the next one on this backup server removes its scratch directory and records it as failed. It removes only directories that
    a drill created.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - The module chooses the backup, searches the target in the archived WAL, and compares the sizes. It restores and records nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Every drill appends a record to the ledger.
requirements:
  - the PostgreSQL server's programs of each server's major version on the backup server, including C(psql)
  - C(pg_amcheck) and the extension C(amcheck) for O(amcheck), from PostgreSQL 14 on
  - C(rsync) on the backup server
options:
  servers:
    description:
      - Barman's names of the servers to drill. By default, all servers in Barman's configuration.
    type: list
    elements: str
  backup:
    description:
      - The backup to restore. V(newest) is the newest one that can reach the target. V(oldest) and V(random) choose among the valid backups.
      - Everything else is the id of a backup.
    type: str
    default: newest
  target_time:
    description:
      - The time to replay to, with its time zone. By default, the drill replays to the end of the archived WAL.
    type: str
  target_xid:
    description:
      - The transaction to replay to. Only for a single server.
    type: str
  target_lsn:
    description:
      - The LSN to replay to. Only for a single server.
    type: str
  target_name:
    description:
      - The restore point to replay to. Only for a single server.
    type: str
  target_immediate:
    description:
      - Whether to stop as soon as the cluster is consistent.
    type: bool
    default: false
  target_timeline:
    description:
      - The timeline to recover to, V(latest), or V(current) for the timeline of the backup.
    type: str
    default: latest
  directory:
    description:
      - The directory in which the scratch directory is created. The module creates this directory if it is missing.
      - By default, the directory C(drills) in Barman's home.
    type: path
  queries:
    description:
      - The queries and their expected results, as for M(pgdr.barman.verify_recovery). The drill fails if a result differs.
      - A query that waits for a lock at the recovery target runs after the promotion of the copy.
    type: list
    elements: dict
    default: []
    suboptions:
      query:
        description: The SQL text of the query.
        type: str
        required: true
      database:
        description: The database in which the query runs.
        type: str
        default: postgres
      server:
        description: Barman's name of the server whose drill runs the query. By default, the drill of every server.
        type: str
      expect:
        description:
          - The expected result. A scalar is one row of one column, a list is one column or one row, a list of lists is rows.
          - If it is not set, every result is accepted, and the ledger has only the number of rows.
        type: raw
  database_user:
    description:
      - The database user that runs the queries and C(pg_amcheck). It must be a superuser.
    type: str
    default: postgres
  bin_directory:
    description:
      - The directory of PostgreSQL's programs. If it is not set, the module searches the usual directories of the major version, then E(PATH).
    type: path
  jobs:
    description:
      - The number of processes that copy. By default, Barman's C(parallel_jobs).
      - If that is not set, and neither O(bandwidth_limit) nor Barman limits the copy, it is one for each processor of the backup server, up to four.
        On a drill host, it is one.
    type: int
  bandwidth_limit:
    description:
      - The limit of the copy in kilobytes per second. By default, Barman's C(bandwidth_limit).
    type: int
  priority:
    description:
      - V(idle) - The drill's processes have the lowest priority for the processor, and the I/O class idle. The measured times are upper bounds then.
      - V(normal) - The drill competes with other processes, as a recovery would.
      - The I/O class has an effect with the I/O scheduler BFQ only. O(bandwidth_limit) limits the copy with every scheduler.
    type: str
    choices: [idle, normal]
    default: idle
  verify_backup:
    description:
      - Whether to compare the backup with its manifest before the restore. A difference names the file.
    type: bool
    default: true
  amcheck:
    description:
      - Whether to run C(pg_amcheck) in every database. If it is not installed, RV(drills.checks) reports that, and the drill passes without it.
    type: bool
    default: true
  checksums:
    description:
      - Whether to verify the data checksums of all files, if the cluster has checksums.
    type: bool
    default: true
  timeout:
    description:
      - The number of seconds to wait until the server reaches the target, and the time limit of each query and of C(pg_amcheck).
    type: int
    default: 3600
  wait:
    description:
      - The number of seconds to wait for the end of another drill on this backup server.
    type: int
    default: 0
  remote_host:
    description:
      - The name or address of a drill host, to which the backup is restored, for SSH from the backup server. By default, the backup is restored to the backup
        server.
      - Barman's user must be able to log in there as O(remote_user). The playbook C(pgdr.barman.drill) authorizes that for the time of its run.
      - The drill host needs Python 3.9 or later, C(rsync) and the programs of the same PostgreSQL version. O(directory) is required, and is a directory of
        the drill host.
      - In check mode, the module does not connect to the drill host. So its free disk space and its programs are not checked then.
    type: str
  remote_user:
    description:
      - The user that runs PostgreSQL on O(remote_host).
    type: str
    default: postgres
  remote_port:
    description:
      - The port of sshd on O(remote_host). If it is not set, the SSH configuration of Barman's user applies.
    type: int
  requested_by:
    description:
      - The name of the person or the job, for the ledger. By default, the user that runs the module, or that called C(sudo).
    type: str
seealso:
  - module: pgdr.barman.drill_info
  - module: pgdr.barman.recover
  - module: pgdr.barman.verify_recovery
"""

EXAMPLES = r"""
- name: Drill every server of this backup server
  pgdr.barman.drill:
  become: true

- name: Drill a random backup, and count the orders
  pgdr.barman.drill:
    servers: [pg-eu]
    backup: random
    directory: /srv/drills
    bandwidth_limit: 50000
    queries:
      - server: pg-eu
        database: shop
        query: SELECT count(*) > 100000 FROM orders
        expect: true
  become: true
  register: drilled
"""

RETURN = r"""
drills:
  description: The result of each server, by Barman's name for it.
  returned: always
  type: dict
  sample:
    pg-eu:
      server: pg-eu
      id: 20261120T083000Z-5f2c81aa
      time: "2026-11-20T08:30:00+00:00"
      result: passed
      requested_by: dba
      host: backup
      drill_host: null
      backup_id: 20261120T070150
      backup_end_time: "2026-11-20T07:05:11.000000+00:00"
      postgres_version: 17
      system_identifier: "7713914126996715875"
      target: {kind: end, value: null, inclusive: true, timeline: latest}
      timeline: 1
      segments: 12
      bytes: 11811160064
      backup_bytes: 11609833472
      wal_bytes: 201326592
      directory: /var/lib/barman/drills
      free_bytes: 55879860224
      checks:
        backup: {status: verified, files: 1203, bytes: 11609833472, seconds: 9.8}
        wal: {status: verified, segments: 12, bytes: 201326592, seconds: 0.4}
        queries: [{database: shop, query: "SELECT count(*) FROM orders", expect: 11424, answer: '"11424"', matched: true}]
        amcheck: {status: verified, seconds: 12.1, relations: []}
        checksums: {status: verified, enabled: true, seconds: 8.2, files: 1190, blocks: 1417216, bad: 0}
      reached: {lsn: 0/6B37D0A8, time: "2026-11-20 08:29:58.871200+00", xid: null, name: null}
      rpo: {commit_time: "2026-11-20T08:29:58.871200+00:00", lsn: 0/6B37D0A8, age_seconds: 1, server_lsn: 0/6B37D0A8, bytes_behind: 0}
      phases: {choose: 0.5, verify: 10.2, restore: 21.4, replay: 2.1, queries: 0.4, promotion: 0.6, amcheck: 12.2, checksums: 8.2, remove: 0.9}
      rto_seconds: 34.2
      seconds: 56.5
  contains:
    server:
      description: Barman's name of the server.
      type: str
    id:
      description: The id of the record in the ledger. Not in check mode.
      type: str
    time:
      description: The time when the drill started, in UTC. Not in check mode.
      type: str
    result:
      description: V(passed), V(failed), or V(planned) in check mode.
      type: str
    failed_phase:
      description: The phase in which the drill failed.
      type: str
    reason:
      description: Why the drill failed.
      type: str
    requested_by:
      description: Who ran the drill.
      type: str
    host:
      description: The backup server.
      type: str
    drill_host:
      description: The address of the drill host. V(null) if the backup server restored to itself.
      type: str
    backup_id:
      description: The id of the restored backup.
      type: str
    backup_end_time:
      description: The time when the backup ended.
      type: str
    postgres_version:
      description: PostgreSQL's major version.
      type: int
    system_identifier:
      description: The system identifier of the cluster.
      type: str
    target:
      description: The recovery target.
      type: dict
    timeline:
      description: The timeline to which the drill recovers.
      type: int
    segments:
      description: The number of WAL segments that the drill replays.
      type: int
    bytes:
      description: The bytes to restore, the backup and the WAL.
      type: int
    backup_bytes:
      description: The bytes of the backup.
      type: int
    wal_bytes:
      description: The bytes of the WAL that is restored.
      type: int
    directory:
      description: The directory in which the scratch directory was, or would be.
      type: str
    free_bytes:
      description: The free space of its file system before the drill. V(null) in check mode with O(remote_host).
      type: int
    checks:
      description:
        - The checks that ran. C(backup) and C(wal) are of the stored files, C(queries), C(amcheck) and C(checksums) of the restored cluster.
        - A check has the C(status) C(verified), C(wrong), C(not verified), C(unavailable), C(off) or C(skipped).
      type: dict
    reached:
      description: The position, the time and the transaction at which the replay stopped.
      type: dict
    rpo:
      description:
        - The last point that the drill proves. C(commit_time) is the last replayed commit, and C(age_seconds) its age when the drill started.
        - C(server_lsn) is the position of the running server at the start, and C(bytes_behind) how much of it was not restored. Both are V(null) if the
          server does not answer, or on a passive node.
      type: dict
    phases:
      description: The seconds of each phase.
      type: dict
    rto_seconds:
      description: The measured recovery time, the sum of C(choose), C(verify), C(restore) and C(replay). V(null) if the replay did not start.
      type: float
    seconds:
      description: The duration of the drill.
      type: float
problems:
  description: Each failed drill in a sentence.
  returned: always
  type: list
  elements: str
  sample: []
removed:
  description: The scratch directories that killed drills left, and that the module removed.
  returned: always
  type: list
  elements: str
  sample: []
left:
  description:
    - What killed drills left on other drill hosts. The next drill on that host removes it. Until then the module warns, and the check C(restore_drill) of
      M(pgdr.barman.check) fails.
  returned: always
  type: list
  elements: dict
  contains:
    host:
      description: The address of the drill host.
      type: str
    directory:
      description: The directory with the restored cluster.
      type: str
    server:
      description: Barman's name of the server.
      type: str
  sample: [{host: 198.51.100.202, directory: /srv/drills/pgdr-drill-0123456789abcdef, server: pg-eu}]
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._drill.arguments import DRILL_ARGUMENTS
from ..module_utils._drill.run import drill
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {**barman_argument_spec(), **DRILL_ARGUMENTS}


def main() -> None:
    run_module(ARGUMENTS, drill, on_error={"drills": {}, "problems": [], "removed": [], "left": []})


if __name__ == "__main__":
    main()
