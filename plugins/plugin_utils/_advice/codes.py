# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of findings: each code with its severity, the reason, what a change costs, and the remedy.

Private to the collection. Pure: no Ansible, no input or output. A test compares docs/advice.md with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "notice"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "notice")


@dataclass(frozen=True)
class Advice:
    """A recommendation. measured: whether it needs facts of hosts, measurements, or what a deployed Barman reports."""

    code: str
    severity: Severity
    title: str
    reason: str
    cost: str
    remedy: str
    measured: bool = False


DECLARED: tuple[Advice, ...] = (
    Advice(
        "no_second_copy",
        "warning",
        "There is one copy of the backups",
        "If the backup server is lost, every backup and the archived WAL is lost with it.",
        "A second backup server with the same disk space, or space in a bucket. The network carries each backup once more.",
        "barman_passive_servers, barman_passive_of, or an export in barman_hooks",
    ),
    Advice(
        "single_zone",
        "warning",
        "A server and all its backups are in one zone",
        "The zone is a single point of failure: a fire or a power failure there ends the database and its backups.",
        "A backup server in another zone, and the traffic between the zones.",
        "barman_passive_servers with a backup server of another zone, or an export in barman_hooks",
    ),
    Advice(
        "passive_copy_same_zone",
        "warning",
        "A passive copy is in the zone of its source",
        "The second copy fails together with the first one if the zone fails.",
        "The passive node moves to another zone, and replicates everything once more.",
        "barman_passive_servers with a backup server of another zone",
    ),
    Advice(
        "archive_only",
        "warning",
        "WAL is archived by archive_command alone",
        "PostgreSQL archives a segment only when it is complete. What is in the current segment is lost with the server.",
        "A replication slot and a WAL sender on the server. PostgreSQL is not restarted if it has both.",
        "barman_wal: [streaming], or [streaming, archiving]",
    ),
    Advice(
        "rpo_without_synchronous",
        "critical",
        "An RPO of 0 without synchronous commits",
        "Without synchronous commits, PostgreSQL confirms a transaction before Barman has its WAL.",
        "Each commit waits for a round trip to the backup server, and commits stop while no synchronous standby is connected.",
        "barman_synchronous: true, with a second synchronous standby; or a higher RPO",
    ),
    Advice(
        "rpo_below_archive_timeout",
        "critical",
        "The RPO is shorter than archive_timeout",
        "On an idle server, a commit waits for archive_timeout until its segment is archived.",
        "A short archive_timeout archives more segments that are nearly empty. Streaming has no such cost.",
        "barman_wal: [streaming], or a shorter barman_archive_timeout",
    ),
    Advice(
        "no_monitoring",
        "warning",
        "No monitoring reads the backup server",
        "Without monitoring, a backup that fails at night is found when it is needed.",
        "A line of cron each minute. Prometheus, Nagios or a receiver of messages must exist.",
        "barman_monitoring: [prometheus], [nagios] or [notify]",
    ),
    Advice(
        "no_drill_schedule",
        "notice",
        "No restore drill is scheduled",
        "Only a restore proves a backup. Nobody runs one regularly without a schedule.",
        "Disk space for one restored backup, and the I/O of a restore at a time that you choose.",
        "barman_drill_schedule or barman_drill_maximum_age",
    ),
    Advice(
        "no_verification_schedule",
        "notice",
        "No verification of the stored files is scheduled",
        "A disk returns damaged data without an error. It is found only if the files are read.",
        "The backup server reads every stored file once in barman_verification_days.",
        "barman_verification_schedule",
    ),
    Advice(
        "no_backup_schedule",
        "warning",
        "No backup is scheduled",
        "Each recovery replays all WAL since the last backup, and the retention policy has nothing to remove.",
        "The I/O of a backup at a time that you choose.",
        "barman_backup_schedule, unless something else takes the backups",
    ),
    Advice(
        "retention_unlimited",
        "warning",
        "The retention policy removes no backup",
        "The disk of the backup server fills up, and Barman archives no WAL on a full disk.",
        "Backups outside the policy are removed.",
        "barman_retention_policy",
    ),
    Advice(
        "single_backup",
        "warning",
        "The retention policy keeps one backup",
        "If this backup is damaged, nothing older exists.",
        "Disk space for a second backup.",
        "barman_retention_policy: REDUNDANCY 2, or a recovery window",
    ),
    Advice(
        "forwarded_path",
        "notice",
        "Barman reaches PostgreSQL through a forwarded port",
        "The proxy or the port forwarding is one more single point of failure between both hosts.",
        "A rule of the firewall for the direct connection.",
        "barman_postgres_host and barman_postgres_port of the server itself",
    ),
    Advice(
        "plain_connection_across_zones",
        "warning",
        "Backups and WAL cross zones without enforced TLS",
        "With this sslmode, libpq also connects without encryption, and the data of all databases crosses the network.",
        "A certificate of the PostgreSQL server.",
        "barman_sslmode: verify-full, or at least require",
    ),
    Advice(
        "export_unencrypted",
        "notice",
        "Exported backups are not encrypted by the collection",
        "The bucket is on somebody else's media. Whoever can read the bucket can read every database.",
        "A key that has to exist on the day of the recovery.",
        "encryption in barman_s3",
    ),
    Advice(
        "same_machine",
        "critical",
        "The backup server is the machine that it backs up",
        "Barman's documentation: install Barman on a dedicated server. The loss of the machine loses the database and its backups.",
        "Another machine.",
        "barman_backup_server with another host, and the playbook deploy, which moves the server without a gap",
    ),
)

MEASURED: tuple[Advice, ...] = (
    Advice(
        "same_hypervisor",
        "warning",
        "The backup server runs on the hypervisor of the server",
        "The hypervisor is a single point of failure for the database and its backups.",
        "The platform moves one virtual machine, mostly without an interruption.",
        "a rule of the platform that separates both machines, then a deployment",
        measured=True,
    ),
    Advice(
        "same_disk",
        "critical",
        "The backups are on the disk of the database",
        "Barman's documentation: do not share the storage with PostgreSQL. One broken disk ends both.",
        "Another disk, and the copy of barman_home to it.",
        "barman_home on a disk of its own",
        measured=True,
    ),
    Advice(
        "same_nfs_export",
        "critical",
        "The backups are on the export of the database",
        "Barman's documentation: do not share the storage with PostgreSQL. If the export fails, the database and its backups fail together.",
        "An export of another storage system, and the copy of barman_home to it.",
        "barman_home on another storage system",
        measured=True,
    ),
    Advice(
        "same_nfs_server",
        "warning",
        "The backups are on the storage system of the database",
        "The storage system is a single point of failure for the database and its backups.",
        "Another storage system, and the copy of barman_home to it.",
        "barman_home on another storage system",
        measured=True,
    ),
    Advice(
        "copies_share_machine",
        "critical",
        "A passive copy is on the machine of its source",
        "The second copy fails together with the first one.",
        "Another machine for the passive node.",
        "barman_passive_servers with a backup server on another machine",
        measured=True,
    ),
    Advice(
        "copies_share_storage",
        "critical",
        "A passive copy is on the storage of its source",
        "The second copy fails together with the first one.",
        "Another storage system for the passive node.",
        "barman_home of the passive node on another storage system",
        measured=True,
    ),
    Advice(
        "members_share_machine",
        "warning",
        "Servers of one cluster are on one machine",
        "A standby replaces a failed primary only if it does not fail with it. A backup from it does not relieve the machine either.",
        "Another machine for one of them.",
        "another host for one of them",
        measured=True,
    ),
    Advice(
        "volatile_storage",
        "critical",
        "The backups are in memory",
        "The file system is empty after a restart.",
        "A disk for barman_home.",
        "barman_home on a disk",
        measured=True,
    ),
    Advice(
        "home_on_root_disk",
        "notice",
        "The backups are on the root file system",
        "Backups that fill the root file system stop the whole host. So do logs that stop the backups.",
        "A file system of its own, and the copy of barman_home to it.",
        "a file system of its own for barman_home",
        measured=True,
    ),
    Advice(
        "shared_ssh_key",
        "warning",
        "Several machines have the same SSH key",
        "Whoever reads the key on one machine can log in as all of them. It can be replaced on all of them at once only.",
        "A new key on all but one machine, and a deployment.",
        "remove ~/.ssh/id_ed25519 on the copied machine, and run the playbook deploy",
        measured=True,
    ),
    Advice(
        "wal_exceeds_throughput",
        "critical",
        "The network is slower than the WAL grows",
        "The receiver falls behind for ever. The slot then fills the disk of PostgreSQL, or is lost.",
        "A faster network, or a backup server that is nearer.",
        "a backup server that is nearer; full_page_writes stays on, but wal_compression makes WAL smaller",
        measured=True,
    ),
    Advice(
        "backup_exceeds_interval",
        "warning",
        "A backup takes more than half of the time between backups",
        "The next backup starts while the last one still runs, or soon after. Nothing is left for a repetition.",
        "A longer interval makes a recovery longer. A nearer backup server or increments cost disk space.",
        "barman_backup_schedule, barman_incremental, or a backup server that is nearer",
        measured=True,
    ),
    Advice(
        "replication_exceeds_throughput",
        "critical",
        "The network is slower than the passive copy grows",
        "The passive node falls behind for ever, so its copy is never complete.",
        "A faster network between the zones, or fewer full backups.",
        "barman_backup_schedule, barman_incremental, or a faster network",
        measured=True,
    ),
    Advice(
        "slow_commits",
        "warning",
        "Each commit waits for a slow round trip",
        "With synchronous commits, each transaction waits at least for one round trip to the backup server.",
        "A backup server that is nearer, or another RPO.",
        "a backup server that is nearer, or barman_synchronous: false with a higher RPO",
        measured=True,
    ),
    Advice(
        "recovery_exceeds_rto",
        "critical",
        "A recovery takes longer than the RTO",
        "Barman's documentation: the backup server must be near enough for the recovery times of the business.",
        "A nearer backup server, more frequent backups, or another RTO.",
        "a backup server that is nearer, barman_backup_schedule, or a higher RTO",
        measured=True,
    ),
    Advice(
        "rpo_not_met",
        "critical",
        "More would be lost now than the RPO allows",
        "If the PostgreSQL host is destroyed now, more is lost than you have declared.",
        "No cost. Remove the cause that the evidence names.",
        "the playbook check, and the playbook repair if WAL is missing",
        measured=True,
    ),
    Advice(
        "disk_too_small",
        "critical",
        "The retention policy needs more space than the disk has",
        "Barman archives no WAL on a full disk, and the slot then fills the disk of PostgreSQL.",
        "Disk space, or a shorter recovery window.",
        "a larger disk, barman_retention_policy, barman_incremental, or compression in barman_options",
        measured=True,
    ),
    Advice(
        "disk_full_soon",
        "warning",
        "The disk is full before the retention policy removes something",
        "The growth of the last week fills the disk within the recovery window.",
        "Disk space, or a shorter recovery window.",
        "a larger disk, or barman_retention_policy",
        measured=True,
    ),
    Advice(
        "no_slot",
        "critical",
        "WAL is streamed without a replication slot",
        "PostgreSQL removes WAL that the receiver has not received yet.",
        "PostgreSQL keeps WAL while the backup server is down.",
        "the playbook deploy, which creates the slot barman_slot_name",
        measured=True,
    ),
    Advice(
        "slot_without_limit",
        "notice",
        "The replication slot has no limit",
        "While the backup server is down, the slot keeps WAL until the disk of PostgreSQL is full, and PostgreSQL stops.",
        "With a limit, a long failure of the backup server ends the slot, and a new full backup is needed.",
        "max_slot_wal_keep_size in postgresql.conf, below the free space of the disk",
        measured=True,
    ),
    Advice(
        "no_data_checksums",
        "warning",
        "The cluster has no data checksums",
        "A damaged page is read, and backed up, without an error.",
        "pg_checksums --enable reads and writes each page while PostgreSQL is stopped.",
        "pg_checksums --enable",
        measured=True,
    ),
    Advice(
        "synchronous_without_spare",
        "warning",
        "Commits depend on a single synchronous standby",
        "If that receiver or its backup server stops, every commit waits.",
        "A second synchronous standby.",
        "a further standby in synchronous_standby_names, as ANY 1",
        measured=True,
    ),
    Advice(
        "never_drilled",
        "warning",
        "No restore of the backups is proven",
        "Barman's documentation: test everything. A backup that was never restored is a hope.",
        "Disk space for one restored backup, and the I/O of a restore.",
        "the playbook drill, then barman_drill_schedule",
        measured=True,
    ),
)

ADVICE: Mapping[str, Advice] = {one.code: one for one in (*DECLARED, *MEASURED)}
