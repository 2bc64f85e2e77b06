#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_info
short_description: Report Barman's servers, their RPO and their recovery windows
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns the RPO now of each server of a backup host with the reason that limits it, the recovery windows, and the last proven restore.
  - The result also has each server's configuration in the words of the inventory, its backups, its WAL, and the state of PostgreSQL and of the WAL
    receiver.
  - The module never runs Barman. It reads Barman's files, and queries each PostgreSQL server over one connection, all at the same time.
  - Times are in ISO 8601 format, sizes in bytes, durations and ages in seconds. The result contains no password.
  - The page on monitoring has JMESPath expressions for common questions.
options:
  servers:
    description:
      - Barman's names of the servers to report.
      - If it is not set, the module reports all servers of the host.
    type: list
    elements: str
  query_postgresql:
    description:
      - Whether the module queries PostgreSQL. If it does not, the RPO in bytes is unknown.
      - The module never queries the servers of passive nodes and inactive servers.
    type: bool
    default: true
  timeout:
    description: The number of seconds that all PostgreSQL servers together have to answer. A server that does not answer is reported as unreachable.
    type: float
    default: 10
  backup_maximum_age:
    description:
      - How old the newest valid backup of a server may be, in seconds, by Barman's name of the server. Barman's C(last_backup_maximum_age) comes first.
    type: dict
    default: {}
  drill_maximum_age:
    description: How old the last proven restore of a server may be, in seconds, by Barman's name of the server.
    type: dict
    default: {}
  verification_maximum_age:
    description: How long a backup or a WAL segment of a server may not be read, in seconds, by Barman's name of the server.
    type: dict
    default: {}
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
  - pgdr.barman._postgres
seealso:
  - module: pgdr.barman.backup_info
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Gather all servers of this backup server
  pgdr.barman.server_info:
  become: true
  register: found

- name: Show the recovery window of each server
  ansible.builtin.debug:
    msg: "{{ item.recovery_window.begin_time }} to {{ item.recovery_window.end_time }}"
  loop: "{{ found.servers.values() }}"
  loop_control:
    label: "{{ item.name }}"
  when: item.recovery_window is not none

- name: Fail if a server could lose more than five minutes
  ansible.builtin.assert:
    that: found.servers.values() | map(attribute='rpo.seconds') | map('default', 0, true) | max <= 300

- name: Read files only
  pgdr.barman.server_info:
    servers: [pg-eu]
    query_postgresql: false
  become: true
"""

RETURN = r"""
time:
  description: The time when the observation began.
  returned: success
  type: str
  sample: "2026-11-20T07:20:44+00:00"
disks:
  description:
    - The file systems with Barman's directories, each with C(mountpoint), C(free) and C(size).
    - C(days_left) is the number of days until the space is used up at the growth of the last week. It is V(null) if the free space does not shrink, or
      if less than six hours are known. The program C(pgdr-barman metrics) takes the samples.
  returned: success
  type: list
  elements: dict
  sample:
    - {mountpoint: /var/lib/barman, free: 52613349376, size: 105089261568, days_left: 31.5}
disk_faults:
  description: The file systems with Barman's directories whose space is nearly used up, each with the keys of RV(servers.faults).
  returned: success
  type: list
  elements: dict
  sample: []
servers:
  description: The servers by Barman's names.
  returned: success
  type: dict
  contains:
    name:
      description: Barman's name of the server.
      type: str
      sample: pg-eu
    description:
      description: The description in Barman's configuration.
      type: str
      sample: PostgreSQL 17 on pg-eu
    active:
      description: Whether Barman works for the server.
      type: bool
      sample: true
    passive:
      description: Whether the server is a passive copy of another backup server's.
      type: bool
      sample: false
    problems:
      description: What is wrong, a sentence each. These are the checks that this collection makes beside Barman's own.
      type: list
      elements: str
      sample: []
    faults:
      description:
        - What is wrong, without the consequences of other faults. These are the alerts of the role C(monitoring).
        - O(backup_maximum_age), O(drill_maximum_age) and O(verification_maximum_age) are the limits.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the alert.
          type: str
          sample: BarmanReceiverStopped
        severity:
          description: V(critical) or V(warning).
          type: str
          sample: critical
        subject:
          description: Barman's name of the server, or the mount point of the file system.
          type: str
          sample: pg-eu
        message:
          description: What was observed.
          type: str
          sample: the WAL receiver does not run
        remedy:
          description: What to do.
          type: str
          sample: Run 'barman cron' as Barman's user, which starts it. 'barman receive-wal pg-eu' shows why it ends.
    configuration:
      description:
        - The variables of the inventory that describe the server. A passive copy has the retention variables only.
        - Of a cluster, C(barman_cluster) is the name of the server, and the members are in RV(servers.cluster). For other servers it is V(null).
        - C(barman_options) contains the options of the entry that have no variable.
      type: dict
      sample:
        barman_server_name: pg-eu
        barman_cluster: null
        barman_backup_method: postgres
        barman_wal: [streaming]
        barman_incremental: none
        barman_synchronous: false
        barman_slot_name: barman
        barman_postgres_host: 192.0.2.20
        barman_postgres_port: 5432
        barman_postgres_database: postgres
        barman_postgres_user: barman
        barman_streaming_user: streaming_barman
        barman_sslmode: prefer
        barman_retention_policy: RECOVERY WINDOW OF 14 DAYS
        barman_minimum_redundancy: 1
        barman_options: {compression: gzip}
    backups:
      description: All backups, oldest first, whatever their status. Each has the keys of RV(servers.last_backup).
      type: list
      elements: dict
      sample: []
    last_backup:
      description: The newest valid backup. V(null) if there is none.
      type: dict
      contains:
        id:
          description: The id of the backup.
          type: str
          sample: 20261120T070150
        name:
          description: The name of the backup. V(null) if it has none.
          type: str
          sample: null
        type:
          description: The type of the backup, V(full), V(incremental), V(rsync) or V(snapshot).
          type: str
          sample: full
        status:
          description: Barman's status of the backup.
          type: str
          sample: DONE
        begin_time:
          description: The time when the backup began.
          type: str
          sample: "2026-11-20T07:01:50+00:00"
        end_time:
          description: The time when the backup ended.
          type: str
          sample: "2026-11-20T07:01:56+00:00"
        age:
          description: The number of seconds since the backup ended.
          type: int
          sample: 1128
        duration:
          description: The number of seconds that the backup took.
          type: float
          sample: 6.0
        size:
          description: The size of the backup.
          type: int
          sample: 23244358
        timeline:
          description: The timeline of the backup.
          type: int
          sample: 1
        parent:
          description: The id of the backup that an increment builds upon. V(null) for other backups.
          type: str
          sample: null
        keep:
          description: The target of C(barman keep). V(null) if the backup is not kept.
          type: str
          sample: null
        error:
          description: The reason of the failure. V(null) if the backup did not fail.
          type: str
          sample: null
    backup_maximum_age:
      description: The number of seconds after which the newest backup is too old (C(last_backup_maximum_age)). V(null) without a limit.
      type: int
      sample: 172800
    backup_running:
      description: Whether a backup is being taken, or has waited for its WAL for less than an hour.
      type: bool
      sample: false
    wal:
      description: The WAL on this host. V(null) if it is in cloud storage.
      type: dict
      contains:
        count:
          description: The number of archived segments.
          type: int
          sample: 18
        last_archived:
          description: The newest archived segment.
          type: str
          sample: 00000001000000000000001C
        last_archived_time:
          description: The time when the newest archived segment was written.
          type: str
          sample: "2026-11-20T07:20:02+00:00"
        last_archived_age:
          description: The number of seconds since that time.
          type: int
          sample: 42
        last_received_time:
          description: The time when WAL was last written on this host, archived or not.
          type: str
          sample: "2026-11-20T07:20:43+00:00"
        last_received_age:
          description: The number of seconds since that time.
          type: int
          sample: 1
        waiting:
          description: The number of complete segments that Barman has not archived yet.
          type: int
          sample: 0
        partial:
          description: The segment that the WAL receiver is writing. V(null) if there is none.
          type: str
          sample: 00000001000000000000001D
        timelines:
          description: The timelines of the WAL.
          type: list
          elements: int
          sample: [1]
        gaps:
          description: The missing segments, each gap with C(first), C(last), C(count) and C(after_latest_backup).
          type: list
          elements: dict
          sample: []
    postgresql:
      description: PostgreSQL's answer. If there is none, its values are V(null).
      type: dict
      contains:
        reach:
          description: V(answered), V(unreachable) or V(not_asked).
          type: str
          sample: answered
        error:
          description: Why PostgreSQL did not answer. V(null) if it did.
          type: str
          sample: null
        version:
          description: The PostgreSQL version as a number.
          type: int
          sample: 170011
        system_identifier:
          description: The system identifier.
          type: str
          sample: "7710144897309046052"
        in_recovery:
          description: Whether the server is a standby.
          type: bool
          sample: false
        timeline:
          description: The server's timeline. V(null) for a standby.
          type: int
          sample: 1
        lsn:
          description: The position up to which the server wrote WAL.
          type: str
          sample: 0/1D000148
        synchronous_standbys:
          description: The number of connected standbys that commits wait for.
          type: int
          sample: 0
        synchronous_standbys_required:
          description: The number of standbys that commits have to wait for.
          type: int
          sample: 0
    cluster:
      description: The cluster that the server is. V(null) for a server with one host.
      type: dict
      contains:
        primary:
          description: The C(host) and C(port) of the primary. V(null) if no member is a primary, if several are, or if PostgreSQL was not asked.
          type: dict
          sample: {host: 192.0.2.20, port: 5432}
        members:
          description:
            - The members in the order in which Barman connects to them, each with C(host) and C(port).
            - C(answered) is whether the member answered, V(null) if it was not asked. Without an answer, the other values are V(null).
            - C(primary) is whether it is a primary, C(timeline) is its timeline, and C(patroni) is whether Patroni runs it.
            - C(slot) is the replication slot of Barman with C(name), C(active) and C(wal_status). V(null) if the slot does not exist.
          type: list
          elements: dict
          sample:
            - host: 192.0.2.20
              port: 5432
              answered: true
              primary: true
              timeline: 3
              patroni: true
              slot: {name: barman, active: true, wal_status: reserved}
    receiver:
      description: The WAL receiver. V(null) if Barman does not receive WAL by streaming.
      type: dict
      contains:
        running:
          description: Whether its process runs on this host.
          type: bool
          sample: true
        streaming:
          description: Whether PostgreSQL streams to it. V(null) if PostgreSQL did not answer.
          type: bool
          sample: true
        state:
          description: The state of its connection as PostgreSQL reports it.
          type: str
          sample: streaming
        sync_state:
          description: Its synchronous state as PostgreSQL reports it.
          type: str
          sample: async
        written_lsn:
          description: The position up to which it confirmed WAL as written.
          type: str
          sample: 0/1D000148
        flushed_lsn:
          description: The position up to which it confirmed WAL as flushed.
          type: str
          sample: 0/1D000000
        lag:
          description: PostgreSQL's C(write_lag). V(null) if the receiver has all WAL.
          type: float
          sample: 0.012
        slot:
          description:
            - The replication slot with C(name), C(active) and C(wal_status). V(null) if it does not exist.
            - C(retained_bytes) is the WAL that it keeps on the PostgreSQL host. C(safe_bytes) is the WAL that PostgreSQL can write before it
              invalidates the slot, V(null) without a limit.
          type: dict
          sample: {name: barman, active: true, wal_status: reserved, retained_bytes: 328, safe_bytes: null}
    archiver:
      description:
        - PostgreSQL's archiver with C(mode) and its numbers since the statistics were reset. V(null) if Barman does not receive WAL by C(archive_command),
          or if PostgreSQL did not answer.
        - C(failing) is whether C(archive_command) failed since it last succeeded.
      type: dict
      sample:
        mode: "on"
        failing: false
        archived: 29
        last_archived: 00000001000000000000001C
        last_archived_time: "2026-11-20T07:20:02+00:00"
        failed: 0
        last_failed: null
        last_failed_time: null
    passive_copy:
      description:
        - The state of a passive copy by the last answer of its source. V(null) for other servers.
        - C(lag) is in the form of M(pgdr.barman.sync).
      type: dict
      sample:
        source: barman@192.0.2.10
        contact_time: "2026-11-20T07:20:02+00:00"
        problem: null
        lag: {backups: [], segments: 0, bytes: 0, seconds: 0, overdue: 0}
    first_copy:
      description:
        - The first copy of the backups to this passive node, as M(pgdr.barman.sync) measured it. C(time) is its start. V(null) for other servers, and if
          nothing has measured it.
      type: dict
      sample:
        time: "2026-11-19T07:20:02+00:00"
        backups: [20261118T033001]
        bytes: 107374182400
        seconds: 912.4
    recovery_windows:
      description:
        - The recovery windows, oldest first. Any time in a window can be recovered. Missing WAL ends a window.
        - Each has the keys of RV(servers.recovery_window).
      type: list
      elements: dict
      sample: []
    recovery_window:
      description: The newest recovery window. V(null) if nothing can be recovered.
      type: dict
      contains:
        backups:
          description: The ids of the backups from which it can be recovered, oldest first.
          type: list
          elements: str
          sample: [20261120T070150]
        begin_time:
          description: The begin of the window, which is the end of the first backup.
          type: str
          sample: "2026-11-20T07:01:56+00:00"
        begin_lsn:
          description: The same as a position.
          type: str
          sample: 0/4000158
        end_time:
          description: The time when the last WAL of the window was written on this host. The last commit is that old or older.
          type: str
          sample: "2026-11-20T07:20:43+00:00"
        last_wal:
          description: The last complete WAL segment.
          type: str
          sample: 00000001000000000000001C
        partial:
          description: Whether the segment after that is being received, and is part of the window.
          type: bool
          sample: true
        missing:
          description: The missing WAL that ends the window. V(null) if it ends with the WAL that there is.
          type: str
          sample: null
    recovery_windows_unknown:
      description: Why the recovery windows are unknown. V(null) if they are known.
      type: str
      sample: null
    last_proven_restore:
      description: The newest restore drill that passed, as its record in the ledger. V(null) if there is none.
      type: dict
      sample:
        version: 1
        id: 20261119T030000Z-5f3a9c1e
        kind: drill
        server: pg-eu
        time: "2026-11-19T03:00:00+00:00"
        result: passed
    last_drill:
      description: The newest restore drill, whatever its result. V(null) if there is none.
      type: dict
      sample: null
    last_verification:
      description: The newest verification of the stored files, as its record in the ledger. V(null) if there is none.
      type: dict
      sample: null
    damaged_files:
      description: The number of stored files that are damaged, by the newest verification.
      type: int
      sample: 0
    unread_since:
      description:
        - Since when the backup or the WAL segment has not been read that was not read for the longest. Without a verification, the end of the oldest
          valid backup. V(null) if nothing is stored.
      type: str
      sample: "2026-11-02T04:30:00+00:00"
    rpo:
      description: What is lost at most if the PostgreSQL host is destroyed now.
      type: dict
      contains:
        seconds:
          description: The most seconds of commits. V(null) if it is unknown, or if everything is lost.
          type: float
          sample: 0.0
        bytes:
          description: The most bytes of WAL. V(null) if it is unknown.
          type: int
          sample: 0
        unlimited:
          description: Whether everything is lost, because there is no valid backup.
          type: bool
          sample: false
        limit:
          description:
            - What limits the RPO. V(none) if the backup server has everything.
            - V(receiver_lag) if the WAL receiver is behind, V(receiver_stopped), V(slot_missing) or V(slot_lost) if it does not stream.
            - V(unarchived_segment) if PostgreSQL has not archived its current segment yet, V(archive_command_failing) if it can't.
            - V(wal_missing) if WAL is missing after the newest backup, V(no_backup) if there is no valid backup.
            - V(postgresql_unreachable), V(postgresql_not_asked) or V(inactive) if only the age of the last WAL is known.
            - V(replication) for a passive copy, by the age of its newest WAL.
          type: str
          sample: none
  sample: {}
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._monitoring.run import show_servers

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str"},
    "query_postgresql": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 10},
    "backup_maximum_age": {"type": "dict", "default": {}},
    "drill_maximum_age": {"type": "dict", "default": {}},
    "verification_maximum_age": {"type": "dict", "default": {}},
}


def main() -> None:
    run_module(ARGUMENTS, show_servers)


if __name__ == "__main__":
    main()
