#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recover
short_description: Recover a PostgreSQL server from Barman, to a point that is proven to be reachable
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Lays down a data directory from a backup and the archived WAL, on the backup server or on another host by SSH,
    ready to be started by PostgreSQL, which then recovers to the target.
  - Nothing is started. M(pgdr.barman.verify_recovery) starts what was recovered and proves it.
  - Before anything is touched, the archived WAL itself is read. A target that PostgreSQL could not reach is an error that says
    what the last recoverable point is, or the first one. So is WAL that is missing between the backup and the target.
  - The last, partial WAL segment in the receiver, and complete ones that Barman has not archived yet, are part of the recovery. A passive server has
    neither, so the recovery ends earlier there, and a warning says where.
  - A data directory in which a server runs, or a directory that is not empty, is never overwritten.
  - A directory that another running server uses as its data directory, for a tablespace or for C(pg_wal), is never moved or filled.
  - The backup's files are compared with its manifest, and every WAL record is read with its checksum. Damage is an error before anything is changed.
  - Where Barman fails, what it copied is left as it is, but without its control file, so that no server is started from it.
extends_documentation_fragment:
  - pgdr.barman._barman
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
attributes:
  check_mode:
    support: full
    details:
      - Everything is checked and proven as it would be for the recovery, also over SSH, and the answer tells what would be done.
      - WAL that Barman has received and not yet archived is left where it is, and counted.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A destination that holds exactly this recovery, and has not been promoted, is left as it is. It is restored anew if
        M(pgdr.barman.verify_recovery) failed on it, or if a WAL file of the archive was replaced since.
      - A recovery to the end is another one as soon as the archive has more WAL.
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
      - The backup to begin with, its id, its name, or one of Barman's words such as V(latest), V(oldest) or V(latest-full).
      - V(auto) takes the latest good one that ended before the target and lies on the way to its timeline.
    type: str
    default: auto
  destination:
    description:
      - The data directory to be made. It may exist, if it is empty.
      - Barman writes this path into a shell command, so only letters, digits and C(. _ + = @ , / -) can be in it.
    type: path
    required: true
  remote_host:
    description:
      - The host of the O(destination), as the backup server reaches it by SSH, a name or an address.
      - Where it is not given, the destination is on the backup server, and belongs to O(barman_user).
    type: str
  remote_user:
    description:
      - The user on O(remote_host) that the recovery belongs to; the one that PostgreSQL runs as.
    type: str
    default: postgres
  remote_port:
    description:
      - The port of sshd on O(remote_host). Where it is not given, that of Barman's user's SSH configuration.
    type: int
  ssh_options:
    description:
      - Further options of SSH, each as in its configuration file, such as V(Ciphers=aes128-gcm@openssh.com).
    type: list
    elements: str
    default: []
  target_time:
    description:
      - Recover to this time, with its time zone, such as V(2026-11-20 08:30:00+00:00).
      - It must lie after the end of a backup, and a transaction must have ended after it. PostgreSQL can't tell otherwise that it
        came there.
      - At most one of O(target_time), O(target_xid), O(target_lsn), O(target_name) and O(target_immediate) can be given.
        Without any of them the recovery goes to the end of the WAL.
    type: str
  target_xid:
    description:
      - Recover to the end of the transaction with this id.
    type: str
  target_lsn:
    description:
      - Recover to this position in the WAL, such as V(0/6B37D0A8).
      - Where the record that begins there is the checkpoint of a clean stop, the recovery ends with the record before it, and a warning says so.
        The data is the same. A server that was tested at that checkpoint would begin after it, and never come to its target again.
    type: str
  target_name:
    description:
      - Recover to the restore point of this name, made by C(pg_create_restore_point()).
    type: str
  target_immediate:
    description:
      - Recover to the first consistent point, the end of the backup.
    type: bool
    default: false
  target_inclusive:
    description:
      - Whether the transaction or record at the target itself is recovered, too.
      - Can be V(false) only with O(target_time), O(target_xid) and O(target_lsn).
    type: bool
    default: true
  target_timeline:
    description:
      - The timeline to recover to, V(latest), V(current) for the backup's own, or its number.
      - V(latest) is the branch of the server, which need not be the highest number. If somebody promoted a restored copy that archives to the same name, the
        archive has branches of which none continues another.
      - The server is asked for its timeline. If it is down, the WAL receiver's files or the newest backup must agree with the newest WAL.
        Otherwise the recovery is refused, with RV(branches). A target before the branches' switch points needs no choice.
      - After a recovery to a point in time, what the server wrote after that point is on the timeline before.
      - With V(latest) and V(current), a target that lies on such an older timeline, after the newer one left it and before that one
        had anything of its own, is an error that says which number to write.
      - V(current) is refused if the server left the timeline of the newest backup, unless O(backup_id) names a backup.
    type: str
    default: latest
  target_action:
    description:
      - What the server does when it comes to the target.
    type: str
    choices: [promote, pause, shutdown]
    default: promote
  standby_mode:
    description:
      - Make a standby, which goes on recovering until it is promoted. It has no target.
    type: bool
    default: false
  existing:
    description:
      - What to do where O(destination), or a tablespace's directory, is there and is not empty.
      - V(refuse) fails. V(move_aside) renames it, in one step, to its own name with the time appended; RV(moved_aside) tells where
        it went. A tablespace's directory is moved with it, all or nothing, and C(pg_tblspc) of the old data directory points to it.
      - A mount point, a symbolic link, a directory whose parent O(remote_user) can't write, and a tablespace's directory that other versions use too, stay.
        If there is one, everything is restored into new directories, and swapped with the old content when the restore is complete. The old
        content is in a subdirectory then, which is named C(pgsql_tmp.pgdr-moved-aside-) and the time, because PostgreSQL's and Barman's backups leave
        out such names. C(lost+found) stays.
      - A directory in which a server runs is refused in both cases; in check mode V(move_aside) only warns, see RV(destination).
    type: str
    choices: [refuse, move_aside]
    default: refuse
  aside_suffix:
    description:
      - With O(existing=move_aside), the end of the names that directories are moved aside to, letters, digits and hyphens. Default is the time.
      - Who gives it knows the names before the recovery begins, and finds the directories even if the recovery is killed.
    type: str
  inspect:
    description:
      - Whether to look at O(destination). With V(false), in check mode only, the module proves what the backup server knows, and connects to no other host.
    type: bool
    default: true
  requirements:
    description:
      - In check mode, also return what the server requires of its host, for O(pgdr.barman.recovery_host#module:requirements). PostgreSQL is asked over
        Barman's connection. If it does not answer, what M(pgdr.barman.check) has recorded is returned.
    type: bool
    default: false
  tablespaces:
    description:
      - Other locations for tablespaces, by their names. The others go below O(tablespace_directory), or where they were on the server.
    type: dict
    default: {}
  tablespace_directory:
    description:
      - A directory for all tablespaces that O(tablespaces) does not name. Each gets a subdirectory of its name, or of its oid if the name has characters
        other than letters, digits, C(_) and C(-).
    type: path
  wal_directory:
    description:
      - A directory for C(pg_wal), which becomes a symbolic link to it. What is in it is moved aside, into a subdirectory.
      - By default the directory that C(pg_wal) at O(destination) is a link to, if it is one.
    type: path
  root_creates_directories:
    description:
      - In check mode, a directory that O(remote_user) can't create is not an error but an item of RV(destination.missing). Whoever is root on
        that host creates it before the recovery, empty, owned by O(remote_user), with mode 0700.
    type: bool
    default: false
  jobs:
    description:
      - How many copies Barman runs at the same time. Where it is not given, Barman's option C(parallel_jobs).
    type: int
  bandwidth_limit:
    description:
      - At most so many kilobytes a second. Where it is not given, Barman's option C(bandwidth_limit).
    type: int
  network_compression:
    description:
      - Whether to compress what goes over the network. Where it is not given, Barman's option of that name.
    type: bool
  staging_path:
    description:
      - A directory with room for the backup, where a compressed, encrypted or incremental one is made plain first. Other backups don't use it.
      - Where neither this nor Barman's configuration says one, a directory of its own beside the server's backups on the backup server is used, and
        taken away afterwards; on the destination's host it is the parent directory of O(destination).
    type: path
  staging_location:
    description:
      - Which host O(staging_path) is on, with Barman 3.15 and later, V(local) where Barman's configuration does not say. Older versions use the
        destination's host for a compressed backup and the backup server for the others.
      - The programs that unpack the backup (C(lz4), C(zstd)) have to be on that host, and C(pg_combinebackup) for an incremental one; on the
        destination's host Barman looks for it on the C(PATH) only, where Debian does not put it.
    type: str
    choices: [local, remote]
  snapshot_instance:
    description:
      - For a backup that is of snapshots (C(backup_method = snapshot)), the instance to recover on, as the cloud provider knows it, by its name, and
        with AWS also by its id. It is the host of O(destination).
      - The disks are not made here. From each snapshot (M(pgdr.barman.backup_info) lists them) a disk has to be made with the provider's
        means, attached to the instance, and mounted where it was, with the options that it had. No PostgreSQL server may have been
        started from it, because that changes the data; the module looks whether one was.
      - O(destination) is the data directory on those disks. It is not empty then, and O(existing) and O(tablespaces) do not apply.
      - With it, O(backup_id=auto) takes a backup of snapshots. Without it, one of files is taken; where there is none, the error says which snapshots
        disks have to be made of.
      - Barman then adds its label, the WAL and the settings of the recovery. The lock file and the replication slots of the server that ran when the
        snapshot was taken are removed.
    type: str
  aws_region:
    description:
      - The region of O(snapshot_instance), where it is not the one that Barman has in its configuration, or of the snapshots.
    type: str
  azure_resource_group:
    description:
      - The resource group of O(snapshot_instance), where it is not the one that Barman has in its configuration.
    type: str
  gcp_zone:
    description:
      - The zone of O(snapshot_instance), where it is not the one that Barman has in its configuration.
    type: str
  verify_backup:
    description:
      - Whether to compare the backup's files with its manifest (C(backup_manifest)) before anything is changed, as C(pg_verifybackup) does. A
        file that is missing, or has another size or checksum, is an error that names it.
      - An incremental backup is verified with all that it builds upon, a compressed one without being unpacked to a disk.
      - A backup without a manifest, an encrypted one, and one of snapshots can't be verified. A warning and RV(recovery) then name the reason. Barman
        makes manifests of rsync backups with C(autogenerate_manifest = true), or with C(barman generate-manifest).
      - This reads the whole backup once, with up to four processes.
    type: bool
    default: true
  verify_wal:
    description:
      - Whether to read every WAL record from the backup's begin to the target with its checksum before anything is changed.
      - The error names the segment, the position, and the last commit before it.
      - Without it only sizes are compared. A complete segment that is too short is always an error.
    type: bool
    default: true
  verified:
    description:
      - What a run in check mode before this one returned as C(verified) in RV(recovery). Files that it verified, and that have not changed
        since, are not read again.
    type: dict
    default: {}
seealso:
  - module: pgdr.barman.verify_recovery
  - module: pgdr.barman.backup_info
notes:
  - A server whose entry is switched off (C(active = off)) is recovered all the same. Barman itself would do nothing, and say success.
  - While it runs, M(pgdr.barman.backup_info) on the same host shows how far it is. It can be run with C(async).
  - While one recovery fills a directory, another one into the same directory, or with a tablespace there, is refused on this host.
    Their locks are in C(.pgdr.barman/locks) in Barman's home.
  - A local recovery belongs to O(barman_user); PostgreSQL must be started as that user.
  - Barman's configured C(recovery_options = get-wal) is not used. The WAL is laid down beside the data directory, so that the
    recovery does not depend on the backup server any more.
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

- name: Recover everything that is there, at most 30 hours long, and look every minute
  pgdr.barman.recover:
    server: pg
    destination: /var/lib/postgresql/17/main
    remote_host: 198.51.100.10
    jobs: 4
  become: true
  async: 108000
  poll: 60

- name: A copy on the backup server, until a named restore point
  pgdr.barman.recover:
    server: pg
    destination: /srv/drill/pg
    target_name: before_the_migration
    target_action: pause
  become: true

- name: Recover on disks that were made from snapshots, and mounted where they were
  pgdr.barman.recover:
    server: pg
    destination: /var/lib/postgresql/17/main
    remote_host: 198.51.100.10
    snapshot_instance: pg-restored
    target_time: "2026-11-20 08:30:00+00:00"
  become: true

- name: See whether a transaction can still be recovered without the next one (in check mode nothing is done)
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
    - What was recovered, or would be in check mode, or was before where nothing changed.
  returned: success
  type: dict
  contains:
    server:
      description: Barman's name of the server.
      type: str
      sample: pg
    backup_id:
      description: The backup that was used.
      type: str
      sample: 20261120T070150
    backup_name:
      description: Its name, if it has one.
      type: str
    backup_end_time:
      description: When it ended.
      type: str
      sample: "2026-11-20T07:01:56.412020+00:00"
    system_identifier:
      description: PostgreSQL's system identifier.
      type: str
      sample: "7574518732212345678"
    postgres_version:
      description: PostgreSQL's major version.
      type: int
      sample: 17
    destination:
      description: The data directory.
      type: str
      sample: /var/lib/postgresql/17/main
    host:
      description: Its host; null for the backup server.
      type: str
      sample: 198.51.100.10
    target:
      description: The target, its C(kind) (V(time), V(xid), V(lsn), V(name), V(immediate) or V(end)), C(value), C(inclusive) and C(timeline).
      type: dict
      sample: {kind: time, value: "2026-11-20T08:30:00+00:00", inclusive: true, timeline: latest}
    target_action:
      description: What the server does there.
      type: str
      sample: promote
    timeline:
      description: The timeline that the recovery follows. A promoted server begins a new one.
      type: int
      sample: 1
    timelines:
      description: The timelines from the backup's to that one.
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
      description: How many WAL segments the recovery reads.
      type: int
      sample: 25
    stop_lsn:
      description: Where the record begins that ends the recovery; null for the first consistent point.
      type: str
      sample: 0/1C0051F8
    reached:
      description:
        - The point that the recovery comes to, as it was read in the WAL, with the last commit that is in it.
        - C(time) and C(xid) are null where no commit was found before it.
      type: dict
      sample: {lsn: 0/1C0051F8, time: "2026-11-20T08:29:59.871200+00:00", xid: 11424, segment: "00000001000000000000001C"}
    last_recoverable:
      description: The last point that could be recovered, with the last commit there is.
      type: dict
      sample: {lsn: 0/1C8F2AA0, time: "2026-11-20T08:41:12.003100+00:00", xid: 20981, segment: "00000001000000000000001C"}
    left_behind:
      description:
        - Sentences about what the server has committed on another timeline than the recovery's, archived or not, and the recovery does not have.
        - Empty if there is nothing, or if the server does not answer and its archive does not tell.
      type: list
      elements: str
      sample: []
    restore_points:
      description:
        - With O(target_name), every restore point of that name, in the order of the WAL. C(taken) is true for the first one after the backup, where PostgreSQL
          stops. For another one, write its C(lsn) as O(target_lsn).
      type: list
      elements: dict
      sample: [{time: "2026-11-20T08:15:00+00:00", lsn: 0/40001F4, taken: true}]
    snapshots:
      description:
        - The snapshots that the disks were made of, with C(provider), C(place) and C(disks), as M(pgdr.barman.backup_info) has them; V(null) for a
          backup of files.
      type: dict
    verified:
      description:
        - What was verified, as C(backup) and C(wal). The C(status) of each is V(verified), V(skipped) (O(verify_backup), O(verify_wal)) or V(not verified),
          and C(reason) says why it was not.
        - C(backup) has C(backups), C(files), C(bytes), C(algorithms), C(files_without_checksum) and C(seconds); C(wal) has C(segments), C(records),
          C(bytes), C(seconds), C(created_tablespaces), and C(resource_managers), the ids of the custom resource managers of extensions whose records the
          WAL has.
        - C(digest), C(until) and C(reused) are for O(verified).
      type: dict
      sample:
        backup: {status: verified, reason: "", files: 978, bytes: 108893672, algorithms: [CRC32C], seconds: 1.1}
        wal: {status: verified, reason: "", segments: 25, records: 216054, bytes: 419430400, seconds: 5.6, resource_managers: [],
              created_tablespaces: []}
    created_tablespaces:
      description:
        - The locations of the tablespaces that the WAL up to the target creates, after the backup. The replay fills them, wherever the backup is restored.
          A location that another running server uses is refused. Empty with O(verify_wal=false).
      type: list
      elements: str
      sample: []
    requirements:
      description:
        - With O(requirements=true), what the server requires of its host. V(null) otherwise, and without check mode.
        - C(origin) is V(server) if PostgreSQL answered, V(record) if it is what M(pgdr.barman.check) recorded at C(time), and empty if nothing is known.
          C(reason) has why PostgreSQL was not asked.
        - C(server) has the locales of its C(databases), its C(settings) and C(own_settings) of databases and roles that preload libraries or name a locale,
          its custom WAL resource C(managers), its enabled C(subscriptions), and the C(cron_database) of C(pg_cron).
        - C(files) has the same settings of the configuration files in the backup, V(null) if these can't be read. C(resource_managers) has the ids of the
          custom resource managers whose records the recovery replays, V(null) with O(verify_wal=false).
      type: dict
      sample: null
    passive:
      description:
        - Whether this host only relays the server (it is passive). Such a copy ends with a complete WAL segment that was sent to it, and does not know
          what comes after that.
      type: bool
      sample: false
    standby:
      description: Whether a standby was made.
      type: bool
      sample: false
    partial_segment:
      description: The partial WAL segment from the receiver that is in the recovery, with C(name), C(end_lsn) and C(bytes); null where none is needed.
      type: dict
      sample: {name: "00000001000000000000001C", end_lsn: 0/1C8F2AA0, bytes: 16777216}
    tablespaces:
      description: Where each tablespace went.
      type: dict
      sample: {}
    tablespace_origins:
      description: Where each tablespace was on the server when the backup was taken.
      type: dict
      sample: {}
    wal_directory:
      description: The directory that C(pg_wal) is a symbolic link to; V(null) if it is a directory.
      type: str
      sample: /wal/pg_wal
    bytes:
      description: How many bytes were laid down, backup and WAL.
      type: int
      sample: 1986422784
    backup_bytes:
      description: Those of the backup.
      type: int
      sample: 1567004672
    wal_bytes:
      description: Those of the WAL.
      type: int
      sample: 419430400
    duration:
      description: How many seconds it took, from the first byte to the last look. Not in check mode.
      type: float
      sample: 14.2
    throughput:
      description: Bytes a second. Not in check mode.
      type: int
      sample: 139888928
    restore_command:
      description: What Barman wrote as C(restore_command). Not in check mode.
      type: str
      sample: cp /var/lib/postgresql/17/main/barman_wal/%f %p
    settings:
      description: All recovery settings in postgresql.auto.conf. Not in check mode.
      type: dict
    changes:
      description:
        - The settings that Barman changed in configuration files in the data directory, each with C(file), C(line), C(setting) and C(value).
          An C(archive_command) is changed to V(false), and has to be set again. Not in check mode.
      type: list
      elements: dict
      sample: []
    config_files_missing:
      description:
        - The configuration files that are not in the data directory. Debian keeps them in C(/etc/postgresql), outside of the
          data directory, and the server finds them there. Not in check mode.
      type: list
      elements: str
      sample: [postgresql.conf, pg_hba.conf, pg_ident.conf]
    finished:
      description: When it was done. Not in check mode.
      type: str
      sample: "2026-11-20T09:02:11+00:00"
destination:
  description:
    - What was found at O(destination), before anything was done.
    - In check mode with O(existing=move_aside) a running server is no error, so that everything can be proven before it is stopped.
  returned: success
  type: dict
  contains:
    running:
      description: Whether a PostgreSQL server runs in it.
      type: bool
      sample: true
    process:
      description: Its process id; null where none runs.
      type: int
      sample: 4711
    occupied:
      description: Whether there is anything in it.
      type: bool
      sample: true
    movable:
      description: Whether it can be renamed; a mount point and a symbolic link can't.
      type: bool
      sample: true
    missing:
      description: The directories that root has to create before the recovery, in check mode with O(root_creates_directories=true).
      type: list
      elements: str
      sample: []
windows:
  description:
    - The points that can be recovered, if the target is none of them. WAL that is missing ends a window, and a later backup begins another one.
  returned: failure
  type: list
  elements: dict
  contains:
    backups:
      description: The backups that it can be recovered from, oldest first.
      type: list
      elements: str
      sample: [20261120T081000]
    begin:
      description: The end of the first of these backups, with C(time) and C(lsn).
      type: dict
      sample: {time: "2026-11-20T08:10:00+00:00", lsn: 0/2800000}
    end:
      description: The last point, with C(lsn), C(segment), and the last commit (C(time), C(xid)).
      type: dict
      sample: {lsn: 0/3FFFFA8, segment: "000000010000000000000003", time: "2026-11-20T08:12:00+00:00", xid: 700}
    missing:
      description: The WAL that is missing after it; V(null) for the end of the WAL.
      type: str
      sample: "000000010000000000000004"
branches:
  description: The branches of the archive, if the recovery is refused because it is not known which of them is the server's.
  returned: failure
  type: list
  elements: dict
  contains:
    timeline:
      description: The branch's timeline, for O(target_timeline).
      type: int
      sample: 2
    parent:
      description: The timeline that it left; V(null) for the first one.
      type: int
      sample: 1
    switch_lsn:
      description: Where it left that.
      type: str
      sample: 0/40007D0
    first_wal:
      description: Its first WAL segment in the archive.
      type: str
      sample: "000000020000000000000004"
    last_wal:
      description: Its last WAL segment in the archive.
      type: str
      sample: "000000020000000000000005"
    last_commit:
      description: The last commit after the switch point, with C(time), C(xid) and C(lsn), each V(null) if there is none.
      type: dict
      sample: {time: "2026-11-20T08:40:00+00:00", xid: 800, lsn: 0/4002328}
moved_aside:
  description: The directories that were moved aside, or would be in check mode, each with C(from) and C(to).
  returned: success
  type: list
  elements: dict
  sample: [{from: /var/lib/postgresql/17/main, to: /var/lib/postgresql/17/main.20261120T090157Z}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._barman.arguments import barman_argument_spec, barman_from
from ..module_utils._barman.configuration import read
from ..module_utils._host.process import HostError, run
from ..module_utils._postgres.connection import connect, psycopg_is_there
from ..module_utils._recover.activation import awake
from ..module_utils._recover.recovery import Recovery, request_from


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            barman_argument_spec(),
            server={"type": "str", "required": True},
            backup_id={"type": "str", "default": "auto"},
            destination={"type": "path", "required": True},
            remote_host={"type": "str"},
            remote_user={"type": "str", "default": "postgres"},
            remote_port={"type": "int"},
            ssh_options={"type": "list", "elements": "str", "default": []},
            target_time={"type": "str"},
            target_xid={"type": "str"},
            target_lsn={"type": "str"},
            target_name={"type": "str"},
            target_immediate={"type": "bool", "default": False},
            target_inclusive={"type": "bool", "default": True},
            target_timeline={"type": "str", "default": "latest"},
            target_action={"type": "str", "choices": ["promote", "pause", "shutdown"], "default": "promote"},
            standby_mode={"type": "bool", "default": False},
            existing={"type": "str", "choices": ["refuse", "move_aside"], "default": "refuse"},
            aside_suffix={"type": "str"},
            inspect={"type": "bool", "default": True},
            requirements={"type": "bool", "default": False},
            tablespaces={"type": "dict", "default": {}},
            tablespace_directory={"type": "path"},
            wal_directory={"type": "path"},
            root_creates_directories={"type": "bool", "default": False},
            jobs={"type": "int"},
            bandwidth_limit={"type": "int"},
            network_compression={"type": "bool"},
            staging_path={"type": "path"},
            staging_location={"type": "str", "choices": ["local", "remote"]},
            snapshot_instance={"type": "str"},
            aws_region={"type": "str"},
            azure_resource_group={"type": "str"},
            gcp_zone={"type": "str"},
            verify_backup={"type": "bool", "default": True},
            verify_wal={"type": "bool", "default": True},
            verified={"type": "dict", "default": {}},
        ),
        supports_check_mode=True,
    )
    try:
        request = request_from(module.params)
        configuration = read(module.params["config_file"], module.params["barman_user"])
        with awake(barman_from(module.params), configuration, module.params["server"]) as (barman, seen):
            outcome = Recovery(request, barman, seen, run, connect=connect if psycopg_is_there() else None).execute(
                module.check_mode
            )
    except HostError as exc:
        module.fail_json(msg=str(exc), **getattr(exc, "details", {}))
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(
        changed=outcome.changed,
        recovery=outcome.recovery,
        moved_aside=outcome.moved_aside,
        destination=outcome.destination,
    )


if __name__ == "__main__":
    main()
