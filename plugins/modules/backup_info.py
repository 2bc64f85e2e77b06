#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: Report Barman's backups, WAL archive and running operations
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns the backups of servers, their WAL archive with its gaps, and the running operations of this collection with their progress.
  - Times are in ISO 8601 format, sizes in bytes, durations and ages in seconds.
  - The module reads Barman's files and connects to no PostgreSQL server. It runs Barman once, for the retention status of the backups.
options:
  servers:
    description:
      - Barman's names of the servers to report.
      - If it is not set, the module reports all servers of the host.
    type: list
    elements: str
  backup_id:
    description:
      - The id or name of the only backup to report, or V(latest), V(oldest), V(latest-full) or V(last-failed) for one backup of each server.
      - If a server does not have the backup, its list is empty. If no server has the id, the module fails.
      - If it is not set, the module reports all backups.
    type: str
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
seealso:
  - module: pgdr.barman.backup
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Gather all backups and WAL of this backup server
  pgdr.barman.backup_info:
  become: true
  register: catalog

- name: Gather the latest valid backup of one server
  pgdr.barman.backup_info:
    servers: [pg-eu]
    backup_id: latest
  become: true
  register: latest

- name: Show its size and end time
  ansible.builtin.debug:
    msg: "{{ item.size | human_readable }}, {{ item.end_time }}"
  loop: "{{ latest.servers['pg-eu'].backups }}"
  loop_control:
    label: "{{ item.backup_id }}"
"""

RETURN = r"""
barman_version:
  description: The installed version of Barman. V(null) if Barman can't run.
  returned: success
  type: str
  sample: 3.19.1
servers:
  description: The state of each server, by Barman's name of the server.
  returned: success
  type: dict
  contains:
    description:
      description: The server's description in Barman's configuration.
      type: str
      sample: Orders, Europe
    active:
      description: Whether the server is active in Barman's configuration. Barman does nothing for an inactive server.
      type: bool
      sample: true
    passive:
      description: Whether Barman replicates the server's backups from another Barman node.
      type: bool
      sample: false
    backup_directory:
      description: The directory of the server's backups.
      type: str
      sample: /var/lib/barman/pg-eu
    latest_backup_id:
      description: The id of the latest valid backup. V(null) if there is none.
      type: str
      sample: 20261120T070402
    latest_backup_age:
      description: The number of seconds since the end of the latest valid backup. V(null) if there is none.
      type: int
      sample: 3600
    backups:
      description: The backups of every status, oldest first.
      type: list
      elements: dict
      contains:
        backup_id:
          description: Barman's id of the backup.
          type: str
          sample: 20261120T070402
        name:
          description: The name of the backup. V(null) if it has none.
          type: str
          sample: before-upgrade
        status:
          description:
            - V(DONE) is a valid backup. V(WAITING_FOR_WALS), V(STARTED), V(SYNCING), V(EMPTY) and V(FAILED) are not valid, or not yet.
          type: str
          sample: DONE
        interrupted:
          description:
            - Whether the backup is V(FAILED) although Barman reports V(STARTED) or V(EMPTY). This is the case if no process takes the backup any
              more.
          type: bool
          sample: false
        backup_type:
          description: One of V(full), V(incremental), V(rsync), V(snapshot).
          type: str
          sample: full
        mode:
          description: Barman's name of the method that took the backup.
          type: str
          sample: postgres
        retention_status:
          description: Barman's retention status, such as V(VALID), V(OBSOLETE), V(OBSOLETE*) or V(KEEP:FULL). V(null) without a retention policy.
          type: str
          sample: VALID
        keep:
          description: V(full) or V(standalone) if a keep annotation protects the backup from the retention policy. V(null) otherwise.
          type: str
          sample: null
        begin_time:
          description: The time when the backup started.
          type: str
          sample: "2026-11-20T07:04:02.602687+00:00"
        end_time:
          description: The time when the backup ended.
          type: str
          sample: "2026-11-20T07:04:02.744120+00:00"
        age:
          description: The number of seconds since the backup ended.
          type: int
          sample: 3600
        duration:
          description: The number of seconds from the start of the backup to its end.
          type: float
          sample: 0.141433
        copy_seconds:
          description: The number of seconds that the copy took.
          type: float
          sample: 0.136167
        begin_wal:
          description: The first WAL segment that the backup needs.
          type: str
          sample: 00000001000000000000000B
        end_wal:
          description: The last WAL segment that the backup needs to become consistent.
          type: str
          sample: 00000001000000000000000B
        begin_lsn:
          description: The LSN at which a recovery of the backup starts.
          type: str
          sample: 0/B000028
        end_lsn:
          description: The LSN at which a recovery of the backup becomes consistent.
          type: str
          sample: 0/C000000
        timeline:
          description: The timeline of the backup.
          type: int
          sample: 1
        size:
          description: The size of the backup in bytes.
          type: int
          sample: 23244358
        deduplicated_size:
          description: The size on disk in bytes, without files that the backup shares with the backup that it links to.
          type: int
          sample: 23244358
        cluster_size:
          description: The size of the databases in bytes when the backup was taken.
          type: int
          sample: 23415341
        compression:
          description: The compression of the backup. V(null) if there is none.
          type: str
          sample: gzip
        encryption:
          description: The encryption of the backup. V(null) if there is none.
          type: str
          sample: gpg
        version:
          description: The PostgreSQL version as a number.
          type: int
          sample: 170011
        systemid:
          description: The system identifier of the PostgreSQL server.
          type: str
          sample: "7710144897309046052"
        segment_size:
          description: The size of a WAL segment in bytes.
          type: int
          sample: 16777216
        pgdata:
          description: The data directory on the PostgreSQL host.
          type: str
          sample: /var/lib/postgresql/17/main
        tablespaces:
          description: The tablespaces, each with C(name), C(oid) and C(location).
          type: list
          elements: dict
          sample: []
        config_file:
          description: The path of C(postgresql.conf) on the PostgreSQL host.
          type: str
          sample: /etc/postgresql/17/main/postgresql.conf
        hba_file:
          description: The path of C(pg_hba.conf) on the PostgreSQL host.
          type: str
          sample: /etc/postgresql/17/main/pg_hba.conf
        ident_file:
          description: The path of C(pg_ident.conf) on the PostgreSQL host.
          type: str
          sample: /etc/postgresql/17/main/pg_ident.conf
        included_files:
          description: The files that C(postgresql.conf) includes.
          type: list
          elements: str
          sample: []
        parent_backup_id:
          description: The id of the backup that an increment builds upon. V(null) for other backups.
          type: str
          sample: null
        children_backup_ids:
          description: The ids of the increments that build upon the backup.
          type: list
          elements: str
          sample: []
        server_name:
          description: Barman's name of the server.
          type: str
          sample: pg-eu
        snapshots:
          description:
            - The disk snapshots of a backup with C(backup_method = snapshot). V(null) for other backups.
            - C(provider) is V(aws), V(azure) or V(gcp). C(place) is the provider's location of the snapshots.
            - C(disks) contains the C(id) and C(name) of each snapshot. It also has the C(device), C(mount_point) and C(mount_options) of the disk at
              the time of the backup.
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
        error:
          description: The reason of the failure. V(null) if the backup did not fail.
          type: str
          sample: null
        path:
          description: The path of the backup's C(backup.info) file.
          type: str
          sample: /var/lib/barman/pg-eu/meta/20261120T070402-backup.info
    operations:
      description:
        - The running operations of this collection's modules for the server, oldest first. Some kinds of operation have more keys, with numbers.
        - If an operation works on several servers, C(servers) contains their names.
      type: list
      elements: dict
      contains:
        operation:
          description: The kind of the operation.
          type: str
          sample: backup
        phase:
          description: The current phase of the operation.
          type: str
          sample: copying
        pid:
          description: The process id of the operation.
          type: int
          sample: 4711
        started:
          description: The time when the operation started.
          type: str
          sample: "2026-11-20T07:04:02+00:00"
        updated:
          description: The time of the last progress report.
          type: str
          sample: "2026-11-20T07:05:02+00:00"
        duration:
          description: The number of seconds since the operation started.
          type: int
          sample: 60
        phase_started:
          description: The time when the current phase started.
          type: str
          sample: "2026-11-20T07:04:32+00:00"
        phase_duration:
          description: The number of seconds since the current phase started.
          type: int
          sample: 30
    wal:
      description: The WAL archive on this host. V(null) if the archive is in cloud storage.
      type: dict
      contains:
        first:
          description: The oldest archived segment.
          type: str
          sample: 00000001000000000000000B
        last:
          description: The newest archived segment.
          type: str
          sample: 00000001000000000000001C
        count:
          description: The number of archived segments.
          type: int
          sample: 18
        size:
          description: The size of the archived segments on disk in bytes.
          type: int
          sample: 301989888
        last_time:
          description: The modification time of the newest archived segment.
          type: str
          sample: "2026-11-20T07:20:02+00:00"
        last_age:
          description: The number of seconds since that time.
          type: int
          sample: 42
        waiting:
          description: The number of complete segments that Barman has received and not archived yet.
          type: int
          sample: 0
        timelines:
          description: The timelines of the archived WAL.
          type: list
          elements: int
          sample: [1]
        gaps:
          description: The missing segments after the oldest valid backup, each gap with C(first), C(last), C(count) and C(after_latest_backup).
          type: list
          elements: dict
          sample: []
        gaps_unknown:
          description: The reason why the module could not search all WAL for gaps. V(null) if it could.
          type: str
          sample: null
        windows:
          description:
            - The recovery windows, oldest first. C(backups) contains the backups from which the window can be recovered. C(begin_time) and
              C(begin_lsn) are the end of the first of these backups.
            - C(last_wal) is the last WAL segment of the window. C(missing) is the missing WAL that ends the window, V(null) if the window ends with
              the archive.
            - The module M(pgdr.barman.recover) reads the WAL and reports the last commit of each window.
          type: list
          elements: dict
          sample:
            - {backups: [20261120T070150], begin_time: "2026-11-20T07:01:56+00:00", begin_lsn: 0/4000158, last_wal: "00000001000000000000001C", missing: null}
        partial:
          description: The segment that the WAL receiver is writing. V(null) if there is none.
          type: dict
          contains:
            name:
              description: The file name of the partial segment.
              type: str
              sample: 00000001000000000000001D
            size:
              description: The file size in bytes. The receiver fills a segment with zeros first.
              type: int
              sample: 16777216
            time:
              description: The time of the last write to the file.
              type: str
              sample: "2026-11-20T07:20:44+00:00"
            age:
              description: The number of seconds since that time.
              type: int
              sample: 1
  sample: {}
"""

from typing import Any

from ..module_utils._backup_info.information import gather, installed_version
from ..module_utils._barman.arguments import barman_argument_spec, barman_from
from ..module_utils._host.result import Result
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str"},
    "backup_id": {"type": "str"},
}


def show(params: dict[str, Any], *, check_mode: bool) -> Result:
    barman = barman_from(params)
    information = gather(barman, params["servers"], params["backup_id"])
    version, problems = installed_version(barman)
    values = {"servers": information.servers, "barman_version": version}
    return Result(values=values, warnings=[*information.warnings, *problems])


def main() -> None:
    run_module(ARGUMENTS, show)


if __name__ == "__main__":
    main()
