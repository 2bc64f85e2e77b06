#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recover
short_description: Recover a PostgreSQL server from Barman to a verified recovery target
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Restores a data directory from a backup and the archived WAL, on the backup server or on another host over SSH. When PostgreSQL starts on it,
    PostgreSQL recovers to the target.
  - The module starts nothing. M(pgdr.barman.verify_recovery) starts the restored data directory and verifies it.
  - Before any change, the module reads the archived WAL. If PostgreSQL could not reach the target, the module fails and reports the last or first
    recoverable point. It also fails if WAL is missing between the backup and the target.
  - The recovery includes the last, partial WAL segment of the receiver, and complete segments that Barman has not archived yet. A passive node has
    neither, so the recovery ends earlier there, and a warning reports the position.
  - The module never overwrites a data directory in which a server runs, or a directory that is not empty.
  - The module refuses a data directory that a running cluster manager (Patroni, repmgrd) owns, and reports how to recover with that manager.
  - The module never moves or fills a directory that another running server uses as data directory, tablespace or C(pg_wal).
  - Before any change, the module compares the backup's files with its manifest and verifies the checksum of every WAL record. It fails if there is
    damage.
  - If Barman fails, the files that it copied stay without their control file, so that no server can start on them.
extends_documentation_fragment:
  - pgdr.barman._barman
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
attributes:
  check_mode:
    support: full
    details:
      - Check mode performs all checks of a recovery, also over SSH, and returns what the module would do.
      - The module counts WAL that Barman has received and not archived yet, and does not move it.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - If the destination contains exactly this recovery and was not promoted, the module does not change it. The module restores it again if
        M(pgdr.barman.verify_recovery) failed on it, or if a WAL file of the archive was replaced since.
      - A recovery to the end of the archived WAL is another recovery as soon as the archive contains more WAL.
requirements:
  - rsync on the backup server and on the destination's host
options:
  server:
    description:
      - Barman's name of the PostgreSQL server.
    type: str
    required: true
  backup_id:
    description:
      - The id or name of the backup to start from, or one of Barman's words such as V(latest), V(oldest) or V(latest-full).
      - V(auto) selects the latest valid backup that ended before the target and is on the timeline history of the target.
    type: str
    default: auto
  destination:
    description:
      - The data directory to restore. It may exist if it is empty.
      - Barman writes this path into a shell command, so it can contain only letters, digits and C(. _ + = @ , / -).
    type: path
    required: true
  remote_host:
    description:
      - The name or address of the host of O(destination), for SSH from the backup server.
      - If it is not set, the destination is on the backup server, and belongs to O(barman_user).
    type: str
  remote_user:
    description:
      - The user on O(remote_host) that owns the restored files. PostgreSQL must run as this user.
    type: str
    default: postgres
  remote_port:
    description:
      - The port of sshd on O(remote_host). If it is not set, the SSH configuration of Barman's user applies.
    type: int
  ssh_options:
    description:
      - Additional SSH options, each as in SSH's configuration file, such as V(Ciphers=aes128-gcm@openssh.com).
    type: list
    elements: str
    default: []
  target_time:
    description:
      - Recover to this time with its time zone, such as V(2026-11-20 08:30:00+00:00).
      - The time must be after the end of a backup, and a transaction must have ended after it. Otherwise PostgreSQL can't detect that it reached the
        target.
      - At most one of O(target_time), O(target_xid), O(target_lsn), O(target_name) and O(target_immediate) can be set. If none is set, the module
        recovers to the end of the archived WAL.
    type: str
  target_xid:
    description:
      - Recover to the end of the transaction with this id.
    type: str
  target_lsn:
    description:
      - Recover to this LSN, such as V(0/6B37D0A8).
      - If the record at that LSN is the checkpoint of a clean stop, the recovery ends with the record before it, and a warning reports this. The data
        is the same.
      - After a test at that checkpoint, the server would start after it, and never reach its target again.
    type: str
  target_name:
    description:
      - Recover to the restore point of this name, which C(pg_create_restore_point()) created.
    type: str
  target_immediate:
    description:
      - Whether to recover to the first consistent point, which is the end of the backup.
    type: bool
    default: false
  target_inclusive:
    description:
      - Whether the recovery includes the transaction or record at the target itself.
      - V(false) is allowed only with O(target_time), O(target_xid) and O(target_lsn).
    type: bool
    default: true
  target_timeline:
    description:
      - The timeline to recover to. V(latest), V(current) for the backup's own timeline, or a timeline number.
      - V(latest) is the branch of the server, which is not always the highest number. If somebody promoted a restored copy that archives under the
        same name, the archive contains branches of which none continues another.
      - To find the branch, the module queries the server's timeline. If the server is down, the WAL receiver's files or the newest backup must agree
        with the newest WAL. Otherwise the module fails and returns RV(branches). A target before the branches' switch points needs no choice.
      - After a point-in-time recovery, the WAL that the server wrote after that point is on the previous timeline.
      - With V(latest) and V(current), a target can be on such a previous timeline, after the switch point and before the newer timeline's first own
        record. The module fails then, and reports which number to set.
      - If the server left the timeline of the newest backup, the module refuses V(current), unless O(backup_id) names a backup.
    type: str
    default: latest
  target_action:
    description:
      - The action of PostgreSQL when it reaches the target, its C(recovery_target_action).
    type: str
    choices: [promote, pause, shutdown]
    default: promote
  standby_mode:
    description:
      - Whether to restore a standby, which continues to recover until its promotion. A standby has no target.
    type: bool
    default: false
  existing:
    description:
      - The action if O(destination) or a tablespace's directory exists and is not empty.
      - V(refuse) fails.
      - V(move_aside) renames the directory in one step to its own name with the time appended. RV(moved_aside) contains the new names. The
        directories of tablespaces move with it, all or none, and C(pg_tblspc) of the old data directory links to them.
      - The module can't rename a mount point, a symbolic link, or a directory whose parent O(remote_user) can't write. It does not rename a
        tablespace's directory that other versions use too.
      - If there is such a directory, the module restores everything into new directories, and swaps them with the old content when the restore is
        complete.
      - After a swap, the old content is in a subdirectory whose name starts with C(pgsql_tmp.pgdr-moved-aside-) and the time. Backups of PostgreSQL
        and Barman exclude such names. C(lost+found) stays.
      - With both values, the module refuses a directory in which a server runs. In check mode with V(move_aside) it only warns and reports it in
        RV(destination).
    type: str
    choices: [refuse, move_aside]
    default: refuse
  aside_suffix:
    description:
      - With O(existing=move_aside), the end of the new names of moved directories, of letters, digits and hyphens. If it is not set, the time is
        used.
      - A caller that sets it knows the names before the recovery starts, and finds the directories even after a killed recovery.
    type: str
  inspect:
    description:
      - Whether to inspect O(destination). With V(false), in check mode only, the module verifies only what the backup server contains, and connects
        to no other host.
    type: bool
    default: true
  requirements:
    description:
      - Whether to also return, in check mode, what the server requires of its host, for O(pgdr.barman.recovery_host#module:requirements).
      - The module queries PostgreSQL over Barman's connection. If PostgreSQL does not answer, the module returns the record of M(pgdr.barman.check).
    type: bool
    default: false
  tablespaces:
    description:
      - Other locations of tablespaces, by tablespace name. Other tablespaces go below O(tablespace_directory), or to their location on the server.
    type: dict
    default: {}
  tablespace_directory:
    description:
      - A directory for all tablespaces that O(tablespaces) does not name. The subdirectory of each has the tablespace's name. If the name contains
        characters other than letters, digits, C(_) and C(-), the subdirectory has the oid.
      - If it is not set, these tablespaces go to their location on the server.
    type: path
  wal_directory:
    description:
      - A directory for C(pg_wal), which becomes a symbolic link to it. The module moves its content aside, into a subdirectory.
      - If it is not set and C(pg_wal) at O(destination) is a link, the link's directory is used.
    type: path
  root_creates_directories:
    description:
      - Whether, in check mode, a directory that O(remote_user) can't create is an item of RV(destination.missing) and not an error. Before the
        recovery, root on that host must create it, empty, owned by O(remote_user), with mode 0700.
    type: bool
    default: false
  jobs:
    description:
      - The number of parallel copy processes of Barman. If it is not set, Barman's option C(parallel_jobs) applies.
    type: int
  bandwidth_limit:
    description:
      - The maximum transfer rate in kilobytes per second. If it is not set, Barman's option C(bandwidth_limit) applies.
    type: int
  network_compression:
    description:
      - Whether to compress data on the network. If it is not set, Barman's option C(network_compression) applies.
    type: bool
  staging_path:
    description:
      - A directory with enough space for the backup, in which a compressed, encrypted or incremental backup is unpacked first. Other backups do not
        use it.
      - If neither this option nor Barman's configuration sets it, the module creates a directory beside the server's backups on the backup server. It
        removes this directory afterwards.
      - On the destination's host, the default is the parent directory of O(destination).
    type: path
  staging_location:
    description:
      - The host of O(staging_path), with Barman 3.15 and later. V(local) is the backup server, V(remote) the host of O(destination).
      - If neither this option nor Barman's configuration sets it, V(local) applies. Older versions use the destination's host for a compressed
        backup, and the backup server for others.
      - The programs that unpack the backup (C(lz4), C(zstd)) must be installed on that host. An incremental backup needs C(pg_combinebackup) there.
        On the destination's host, Barman searches for it only on the C(PATH), where Debian does not install it.
    type: str
    choices: [local, remote]
  snapshot_instance:
    description:
      - For a backup of snapshots (C(backup_method = snapshot)), the cloud provider's name of the instance to recover on. With AWS it can be the
        instance's id. The instance is the host of O(destination).
      - The module creates no disks. Before the recovery, create a disk from each snapshot that M(pgdr.barman.backup_info) lists, with the provider's
        tools. Attach the disks to the instance, and mount them at the original mount points with the original options.
      - No PostgreSQL server may have started from the disks, because that changes the data. The module checks this.
      - O(destination) is the data directory on those disks. It is not empty then, and O(existing) and O(tablespaces) do not apply.
      - If it is set, O(backup_id=auto) selects a backup of snapshots. If it is not set, it selects a backup of files. If there is none, the error
        names the snapshots from which to create disks.
      - Barman then adds its label, the WAL and the recovery settings. The module removes the lock file and the replication slots of the server that
        ran at the time of the snapshot.
    type: str
  aws_region:
    description:
      - The region of O(snapshot_instance). If it is not set, the region in Barman's configuration or of the snapshots applies.
    type: str
  azure_resource_group:
    description:
      - The resource group of O(snapshot_instance). If it is not set, the value in Barman's configuration applies.
    type: str
  gcp_zone:
    description:
      - The zone of O(snapshot_instance). If it is not set, the value in Barman's configuration applies.
    type: str
  verify_backup:
    description:
      - Whether to compare the backup's files with its manifest (C(backup_manifest)) before any change, like C(pg_verifybackup). If a file is missing,
        or has another size or checksum, the module fails and names the file.
      - The module verifies an incremental backup with all backups that it builds upon. It verifies a compressed backup without unpacking it to a
        disk.
      - The module can't verify a backup without a manifest, an encrypted backup, or a backup of snapshots. A warning and RV(recovery) then name the
        reason. Barman writes manifests of rsync backups with C(autogenerate_manifest = true), or with C(barman generate-manifest).
      - The verification reads the whole backup once, with up to four processes.
    type: bool
    default: true
  verify_wal:
    description:
      - Whether to read every WAL record from the backup's begin to the target and verify its checksum before any change.
      - The error names the segment, the position, and the last commit before the position.
      - With V(false), the module compares only sizes. In both cases, it fails if a complete segment is too short.
    type: bool
    default: true
  verified:
    description:
      - The C(verified) value in RV(recovery) of an earlier run in check mode. The module does not read files again that the earlier run verified and
        that have not changed since.
    type: dict
    default: {}
seealso:
  - module: pgdr.barman.verify_recovery
  - module: pgdr.barman.backup_info
notes:
  - The module also recovers a server whose entry is disabled (C(active = off)). For such a server, Barman does nothing and reports success.
  - While the module runs, M(pgdr.barman.backup_info) on the same host reports the progress. The module supports C(async).
  - While a recovery fills a directory, the module refuses another recovery into this directory or with a tablespace there, on the same host. The
    locks are in C(.pgdr.barman/locks) in Barman's home.
  - A local recovery belongs to O(barman_user). PostgreSQL must run as that user.
  - The module does not use C(recovery_options = get-wal) of Barman's configuration. It restores the WAL beside the data directory, so that the
    recovery does not depend on the backup server later.
"""

EXAMPLES = r"""
- name: Recover to a point in time, on the server's own host
  pgdr.barman.recover:
    server: pg
    destination: /var/lib/postgresql/17/main
    existing: move_aside
    remote_host: 198.51.100.10
    target_time: "2026-11-20 08:30:00+00:00"
  become: true
  register: recovered

- name: Recover to the end of the archived WAL within 30 hours, and poll every minute
  pgdr.barman.recover:
    server: pg
    destination: /var/lib/postgresql/17/main
    remote_host: 198.51.100.10
    jobs: 4
  become: true
  async: 108000
  poll: 60

- name: Recover a copy on the backup server to a named restore point
  pgdr.barman.recover:
    server: pg
    destination: /srv/drill/pg
    target_name: before_the_migration
    target_action: pause
  become: true

- name: Recover on disks created from snapshots
  pgdr.barman.recover:
    server: pg
    destination: /var/lib/postgresql/17/main
    remote_host: 198.51.100.10
    snapshot_instance: pg-restored
    target_time: "2026-11-20 08:30:00+00:00"
  become: true

- name: Check whether a transaction on timeline 1 can be recovered
  pgdr.barman.recover:
    server: pg
    destination: /srv/drill/pg
    target_xid: "735"
    target_timeline: "1"
  become: true
  check_mode: true
"""

RETURN = r"""
recovery:
  description:
    - The recovery that the module performed, or would perform in check mode. If nothing changed, the earlier recovery.
  returned: success
  type: dict
  contains:
    server:
      description: Barman's name of the server.
      type: str
      sample: pg
    backup_id:
      description: Barman's id of the backup.
      type: str
      sample: 20261120T070150
    backup_name:
      description: The name of the backup. V(null) if it has none.
      type: str
    backup_end_time:
      description: The time when the backup ended.
      type: str
      sample: "2026-11-20T07:01:56.412020+00:00"
    system_identifier:
      description: The system identifier of the PostgreSQL server.
      type: str
      sample: "7574518732212345678"
    postgres_version:
      description: The major version of PostgreSQL.
      type: int
      sample: 17
    destination:
      description: The path of the restored data directory.
      type: str
      sample: /var/lib/postgresql/17/main
    host:
      description: The host of the data directory. V(null) for the backup server.
      type: str
      sample: 198.51.100.10
    target:
      description: The recovery target with C(kind) (V(time), V(xid), V(lsn), V(name), V(immediate) or V(end)), C(value), C(inclusive) and C(timeline).
      type: dict
      sample: {kind: time, value: "2026-11-20T08:30:00+00:00", inclusive: true, timeline: latest}
    target_action:
      description: The action of PostgreSQL when it reaches the target.
      type: str
      sample: promote
    timeline:
      description: The timeline that the recovery follows. When the server is promoted, it starts a new one.
      type: int
      sample: 1
    timelines:
      description: The timelines from the backup's timeline to RV(recovery.timeline).
      type: list
      elements: int
      sample: [1]
    begin_wal:
      description: The first WAL segment that the recovery reads.
      type: str
      sample: "000000010000000000000004"
    end_wal:
      description: The last WAL segment that the recovery reads.
      type: str
      sample: "00000001000000000000001C"
    segments:
      description: The number of WAL segments that the recovery reads.
      type: int
      sample: 25
    stop_lsn:
      description: The LSN of the record that ends the recovery. V(null) for the first consistent point.
      type: str
      sample: 0/1C0051F8
    reached:
      description:
        - The point that the recovery reaches according to the WAL, with the last commit that it includes.
        - C(time) and C(xid) are V(null) if there is no commit before it.
      type: dict
      sample: {lsn: 0/1C0051F8, time: "2026-11-20T08:29:59.871200+00:00", xid: 11424, segment: "00000001000000000000001C"}
    last_recoverable:
      description: The last point that can be recovered, with the last commit.
      type: dict
      sample: {lsn: 0/1C8F2AA0, time: "2026-11-20T08:41:12.003100+00:00", xid: 20981, segment: "00000001000000000000001C"}
    left_behind:
      description:
        - Sentences about commits of the server that the recovery does not include, archived or not, because they are on another timeline.
        - Empty if there are none, or if the server does not answer and its archive does not contain them.
      type: list
      elements: str
      sample: []
    restore_points:
      description:
        - With O(target_name), every restore point of that name, in the order of the WAL. C(taken) is true for the first one after the backup, at
          which PostgreSQL stops. To recover to another one, set O(target_lsn) to its C(lsn).
      type: list
      elements: dict
      sample: [{time: "2026-11-20T08:15:00+00:00", lsn: 0/40001F4, taken: true}]
    snapshots:
      description:
        - The snapshots of the disks, with C(provider), C(place) and C(disks) in the form of M(pgdr.barman.backup_info). V(null) for a backup of
          files.
      type: dict
    verified:
      description:
        - The results of the verification, as C(backup) and C(wal). The C(status) of each is V(verified), V(skipped) (O(verify_backup), O(verify_wal))
          or V(not verified), and C(reason) is the reason for V(not verified).
        - C(backup) has C(backups), C(files), C(bytes), C(algorithms), C(files_without_checksum) and C(seconds). C(wal) has C(segments), C(records),
          C(bytes), C(seconds) and C(created_tablespaces).
        - C(resource_managers) in C(wal) contains the ids of the custom resource managers of extensions whose records the WAL contains.
        - C(digest), C(until) and C(reused) are for O(verified).
      type: dict
      sample:
        backup: {status: verified, reason: "", files: 978, bytes: 108893672, algorithms: [CRC32C], seconds: 1.1}
        wal: {status: verified, reason: "", segments: 25, records: 216054, bytes: 419430400, seconds: 5.6, resource_managers: [],
              created_tablespaces: []}
    created_tablespaces:
      description:
        - The locations of the tablespaces that the WAL up to the target creates after the backup. The replay fills these locations, wherever the
          backup is restored.
        - The module refuses a location that another running server uses. Empty with O(verify_wal=false).
      type: list
      elements: str
      sample: []
    requirements:
      description:
        - With O(requirements=true) in check mode, what the server requires of its host. V(null) otherwise.
        - C(origin) is V(server) if PostgreSQL answered, V(record) if M(pgdr.barman.check) recorded the requirements at C(time), and empty if nothing
          is known. C(reason) is the reason why the module did not query PostgreSQL.
        - C(server) contains the locales of its C(databases), and its C(settings) and C(own_settings) of databases and roles that preload libraries or
          name a locale. It also contains its custom WAL resource C(managers), its enabled C(subscriptions), and the C(cron_database) of C(pg_cron).
        - C(files) contains the same settings of the configuration files in the backup, V(null) if the module can't read these files.
        - C(resource_managers) contains the ids of the custom resource managers whose records the recovery replays, V(null) with O(verify_wal=false).
        - C(created_tablespaces) is the same as beside C(requirements).
      type: dict
      sample: null
    passive:
      description:
        - Whether this host is a passive node for the server. A passive copy ends with a complete WAL segment that the node has received, and does not
          contain later WAL.
      type: bool
      sample: false
    standby:
      description: Whether the module restored a standby.
      type: bool
      sample: false
    partial_segment:
      description:
        - The receiver's partial WAL segment that the recovery includes, with C(name), C(end_lsn) and C(bytes). V(null) if the recovery does not need
          it.
      type: dict
      sample: {name: "00000001000000000000001C", end_lsn: 0/1C8F2AA0, bytes: 16777216}
    tablespaces:
      description: The location of each restored tablespace, by tablespace name.
      type: dict
      sample: {}
    tablespace_origins:
      description: The location of each tablespace on the server when the backup was taken, by tablespace name.
      type: dict
      sample: {}
    wal_directory:
      description: The directory that C(pg_wal) links to. V(null) if C(pg_wal) is a directory.
      type: str
      sample: /wal/pg_wal
    bytes:
      description: The number of restored bytes, of backup and WAL.
      type: int
      sample: 1986422784
    backup_bytes:
      description: The number of restored bytes of the backup.
      type: int
      sample: 1567004672
    staging_bytes:
      description: The number of bytes that Barman puts into its staging area meanwhile, at most. 0 if it needs no staging area.
      type: int
      sample: 0
    wal_bytes:
      description: The number of restored bytes of the WAL.
      type: int
      sample: 419430400
    duration:
      description: The number of seconds from the first copied byte to the last check. Not in check mode.
      type: float
      sample: 14.2
    throughput:
      description: The number of restored bytes per second. Not in check mode.
      type: int
      sample: 139888928
    restore_command:
      description: The C(restore_command) that Barman wrote. Not in check mode.
      type: str
      sample: cp /var/lib/postgresql/17/main/barman_wal/%f %p
    settings:
      description: All recovery settings in C(postgresql.auto.conf). Not in check mode.
      type: dict
    changes:
      description:
        - The settings that Barman changed in configuration files in the data directory, each with C(file), C(line), C(setting) and C(value). Not in
          check mode.
        - Barman changes an C(archive_command) to V(false). Set it again after the recovery.
      type: list
      elements: dict
      sample: []
    config_files_missing:
      description:
        - The configuration files that the data directory does not contain. Debian keeps them in C(/etc/postgresql), outside of the data directory,
          and the server reads them there. Not in check mode.
      type: list
      elements: str
      sample: [postgresql.conf, pg_hba.conf, pg_ident.conf]
    finished:
      description: The time when the restore finished. Not in check mode.
      type: str
      sample: "2026-11-20T09:02:11+00:00"
destination:
  description:
    - The state of O(destination) before any change.
    - In check mode with O(existing=move_aside), a running server is no error, so that the module can verify everything before the server is stopped.
  returned: success
  type: dict
  contains:
    running:
      description: Whether a PostgreSQL server runs in the directory.
      type: bool
      sample: true
    process:
      description: The process id of that server. V(null) if none runs.
      type: int
      sample: 4711
    occupied:
      description: Whether the directory contains anything.
      type: bool
      sample: true
    movable:
      description: Whether the module can rename the directory. It can't rename a mount point or a symbolic link.
      type: bool
      sample: true
    missing:
      description: The directories that root must create before the recovery, in check mode with O(root_creates_directories=true).
      type: list
      elements: str
      sample: []
windows:
  description:
    - The recovery windows, if the target is in none of them. Missing WAL ends a window, and a later backup starts another one.
  returned: failure
  type: list
  elements: dict
  contains:
    backups:
      description: The ids of the backups from which the window can be recovered, oldest first.
      type: list
      elements: str
      sample: [20261120T081000]
    begin:
      description: The end of the first of these backups, with C(time) and C(lsn).
      type: dict
      sample: {time: "2026-11-20T08:10:00+00:00", lsn: 0/2800000}
    end:
      description: The last point of the window, with C(lsn), C(segment), and the last commit (C(time), C(xid)).
      type: dict
      sample: {lsn: 0/3FFFFA8, segment: "000000010000000000000003", time: "2026-11-20T08:12:00+00:00", xid: 700}
    missing:
      description: The missing WAL that ends the window. V(null) if the window ends with the archived WAL.
      type: str
      sample: "000000010000000000000004"
branches:
  description: The branches of the archive, if the module refuses the recovery because it can't find out which branch is the server's.
  returned: failure
  type: list
  elements: dict
  contains:
    timeline:
      description: The timeline of the branch, for O(target_timeline).
      type: int
      sample: 2
    parent:
      description: The timeline from which the branch switched. V(null) for the first timeline.
      type: int
      sample: 1
    switch_lsn:
      description: The LSN of the switch point on that timeline.
      type: str
      sample: 0/40007D0
    first_wal:
      description: The first WAL segment of the branch in the archive.
      type: str
      sample: "000000020000000000000004"
    last_wal:
      description: The last WAL segment of the branch in the archive.
      type: str
      sample: "000000020000000000000005"
    last_commit:
      description: The last commit after the switch point, with C(time), C(xid) and C(lsn), each V(null) if there is none.
      type: dict
      sample: {time: "2026-11-20T08:40:00+00:00", xid: 800, lsn: 0/4002328}
moved_aside:
  description: The directories that the module moved aside, or would move in check mode, each with C(from) and C(to).
  returned: success
  type: list
  elements: dict
  sample: [{from: /var/lib/postgresql/17/main, to: /var/lib/postgresql/17/main.20261120T090157Z}]
"""

from ..module_utils._module import run_module
from ..module_utils._recover.arguments import ARGUMENTS
from ..module_utils._recover.operation import recover_server


def main() -> None:
    run_module(ARGUMENTS, recover_server)


if __name__ == "__main__":
    main()
