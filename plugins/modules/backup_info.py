#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: Tell which backups and WAL Barman has, and what runs now
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns the backups of servers, their WAL archive with its gaps, and the running operations of this collection with their progress.
  - Times are in ISO 8601, sizes in bytes, durations and ages in seconds.
  - Barman's files are read, and no PostgreSQL server has to be reachable. Barman is run once, for what its retention policy says of the backups.
options:
  servers:
    description:
      - Barman's names of the servers.
      - Where it is not given, all servers of the host are looked at.
    type: list
    elements: str
  backup_id:
    description:
      - Only the backup with this id or name, or V(latest), V(oldest), V(latest-full), V(last-failed) of each server.
      - A server that has none gets an empty list. An id that no server has is an error.
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
- name: Everything that this backup host has
  pgdr.barman.backup_info:
  become: true
  register: kept

- name: The latest good backup of one server
  pgdr.barman.backup_info:
    servers: [pg-eu]
    backup_id: latest
  become: true
  register: latest

- name: Tell its size and when it ended
  ansible.builtin.debug:
    msg: "{{ item.size | human_readable }}, {{ item.end_time }}"
  loop: "{{ latest.servers['pg-eu'].backups }}"
  loop_control:
    label: "{{ item.backup_id }}"
"""

RETURN = r"""
barman_version:
  description: The installed version of Barman, V(null) where Barman can't be run.
  returned: success
  type: str
  sample: 3.19.1
servers:
  description: What there is of each server, by Barman's name of the server.
  returned: success
  type: dict
  contains:
    description:
      description: The server's description in Barman's configuration.
      type: str
      sample: Orders, Europe
    active:
      description: Whether Barman does anything for the server.
      type: bool
      sample: true
    passive:
      description: Whether its backups come from another Barman.
      type: bool
      sample: false
    backup_directory:
      description: Where its backups are.
      type: str
      sample: /var/lib/barman/pg-eu
    latest_backup_id:
      description: The id of the latest good backup, V(null) for none.
      type: str
      sample: 20261120T070402
    latest_backup_age:
      description: How many seconds ago it ended.
      type: int
      sample: 3600
    backups:
      description: The backups, oldest first, whatever their status.
      type: list
      elements: dict
      contains:
        backup_id:
          description: Its id.
          type: str
          sample: 20261120T070402
        name:
          description: The name that was given to it.
          type: str
          sample: before-upgrade
        status:
          description: V(DONE) is good; V(WAITING_FOR_WALS), V(STARTED), V(SYNCING), V(EMPTY) and V(FAILED) are not, or not yet.
          type: str
          sample: DONE
        interrupted:
          description: Whether it is V(FAILED) although Barman calls it V(STARTED) or V(EMPTY), because no process is taking it any more.
          type: bool
          sample: false
        backup_type:
          description: One of V(full), V(incremental), V(rsync), V(snapshot).
          type: str
          sample: full
        mode:
          description: How it was taken, in Barman's words.
          type: str
          sample: postgres
        retention_status:
          description: What the retention policy says, as V(VALID), V(OBSOLETE), V(OBSOLETE*), V(KEEP:FULL); V(null) without a policy.
          type: str
          sample: VALID
        keep:
          description: V(full) or V(standalone) where it is kept beyond the retention policy.
          type: str
          sample: null
        begin_time:
          description: When it began.
          type: str
          sample: "2026-11-20T07:04:02.602687+00:00"
        end_time:
          description: When it ended.
          type: str
          sample: "2026-11-20T07:04:02.744120+00:00"
        age:
          description: How many seconds ago it ended.
          type: int
          sample: 3600
        duration:
          description: Seconds from its begin to its end.
          type: float
          sample: 0.141433
        copy_seconds:
          description: How long the copy took.
          type: float
          sample: 0.136167
        begin_wal:
          description: The first WAL segment that it needs.
          type: str
          sample: 00000001000000000000000B
        end_wal:
          description: The last WAL segment that it needs to be consistent.
          type: str
          sample: 00000001000000000000000B
        begin_lsn:
          description: The position in the WAL where it begins.
          type: str
          sample: 0/B000028
        end_lsn:
          description: The position in the WAL from which it is consistent.
          type: str
          sample: 0/C000000
        timeline:
          description: PostgreSQL's timeline.
          type: int
          sample: 1
        size:
          description: Its size.
          type: int
          sample: 23244358
        deduplicated_size:
          description: The size that it takes on disk beside the backup it is linked with.
          type: int
          sample: 23244358
        cluster_size:
          description: The size of the databases when it was taken.
          type: int
          sample: 23415341
        compression:
          description: Its compression.
          type: str
          sample: gzip
        encryption:
          description: Its encryption.
          type: str
          sample: gpg
        version:
          description: PostgreSQL's version as a number.
          type: int
          sample: 170011
        systemid:
          description: PostgreSQL's system identifier.
          type: str
          sample: "7710144897309046052"
        segment_size:
          description: The size of WAL segments.
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
          description: Where postgresql.conf was.
          type: str
          sample: /etc/postgresql/17/main/postgresql.conf
        hba_file:
          description: Where pg_hba.conf was.
          type: str
          sample: /etc/postgresql/17/main/pg_hba.conf
        ident_file:
          description: Where pg_ident.conf was.
          type: str
          sample: /etc/postgresql/17/main/pg_ident.conf
        included_files:
          description: The files that postgresql.conf included.
          type: list
          elements: str
          sample: []
        parent_backup_id:
          description: The backup on which an incremental one builds.
          type: str
          sample: null
        children_backup_ids:
          description: The incremental backups that build on it.
          type: list
          elements: str
          sample: []
        server_name:
          description: Barman's name of the server.
          type: str
          sample: pg-eu
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
        error:
          description: Why it failed.
          type: str
          sample: null
        path:
          description: The file with its description.
          type: str
          sample: /var/lib/barman/pg-eu/meta/20261120T070402-backup.info
    operations:
      description:
        - What this collection's modules do for the server just now, oldest first. There are further numbers, by the kind of operation.
        - One that works on several servers has their names in C(servers).
      type: list
      elements: dict
      contains:
        operation:
          description: Its kind.
          type: str
          sample: backup
        phase:
          description: Where it is.
          type: str
          sample: copying
        pid:
          description: The process.
          type: int
          sample: 4711
        started:
          description: When it began.
          type: str
          sample: "2026-11-20T07:04:02+00:00"
        updated:
          description: When this was written.
          type: str
          sample: "2026-11-20T07:05:02+00:00"
        duration:
          description: Seconds since it began.
          type: int
          sample: 60
        phase_started:
          description: When its phase began.
          type: str
          sample: "2026-11-20T07:04:32+00:00"
        phase_duration:
          description: Seconds since its phase began.
          type: int
          sample: 30
    wal:
      description: The WAL on this host. V(null) where it is kept in a cloud.
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
          description: How many segments are archived.
          type: int
          sample: 18
        size:
          description: The bytes they take on disk.
          type: int
          sample: 301989888
        last_time:
          description: When the newest one was last written.
          type: str
          sample: "2026-11-20T07:20:02+00:00"
        last_age:
          description: How many seconds ago that was.
          type: int
          sample: 42
        waiting:
          description: How many complete segments are received and not archived yet.
          type: int
          sample: 0
        timelines:
          description: The timelines there is WAL of.
          type: list
          elements: int
          sample: [1]
        gaps:
          description: The segments that are missing after the oldest good backup, each with C(first), C(last), C(count) and C(after_latest_backup).
          type: list
          elements: dict
          sample: []
        gaps_unknown:
          description: Why gaps could not be looked for everywhere. V(null) where they could.
          type: str
          sample: null
        windows:
          description:
            - What can be recovered, oldest first. C(backups) are those that it can be recovered from, C(begin_time) and C(begin_lsn) the end of the first of
              them, C(last_wal) the last WAL segment, and C(missing) the WAL that ends the window, V(null) for the end of the WAL.
            - Module M(pgdr.barman.recover) reads the WAL and knows the last commit of each.
          type: list
          elements: dict
          sample:
            - {backups: [20261120T070150], begin_time: "2026-11-20T07:01:56+00:00", begin_lsn: 0/4000158, last_wal: "00000001000000000000001C", missing: null}
        partial:
          description: The segment that is being received, V(null) where there is none.
          type: dict
          contains:
            name:
              description: Its name.
              type: str
              sample: 00000001000000000000001D
            size:
              description: Its size. The receiver fills a segment with zeros first.
              type: int
              sample: 16777216
            time:
              description: When something was last written to it.
              type: str
              sample: "2026-11-20T07:20:44+00:00"
            age:
              description: How many seconds ago that was.
              type: int
              sample: 1
  sample: {}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._backup_info.information import gather, installed_version
from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def argument_spec() -> dict[str, Any]:
    return {
        **barman_argument_spec(),
        "servers": {"type": "list", "elements": "str"},
        "backup_id": {"type": "str"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    try:
        barman = barman_from(module.params)
        found = gather(barman, module.params["servers"], module.params["backup_id"])
    except HostError as exc:
        module.fail_json(msg=str(exc))
    version, problems = installed_version(barman)
    for warning in [*found.warnings, *problems]:
        module.warn(warning)
    module.exit_json(changed=False, servers=found.servers, barman_version=version)


if __name__ == "__main__":
    main()
