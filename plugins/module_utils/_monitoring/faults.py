# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a server, and what to do: the table behind the Nagios plugin and the alert rules of Prometheus.

This module util is private to the collection. Nothing here reads files or connects. One cause is one fault: a slot that is lost hides
the receiver that stopped because of it. The rules of role monitoring find the same in the metrics, and a test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Callable, Optional

from .._check.cluster import CLUSTER
from .._check.drills import misdated_text
from .._sync.lag import LATE
from .fault import Fault, FaultKind
from .limits import Limits
from .observation import DiskUse, HostObservation, ServerObservation
from .rpo import RpoLimit

#: Seconds that the WAL receiver can be behind, and that a received segment can wait for Barman's cron.
LAGGING = 300.0
WAITING = 300.0
#: Seconds without archived WAL, and the segments that then wait: one is being written, and one is being archived.
UNARCHIVED = 300.0
UNARCHIVED_SEGMENTS = 2
#: The WAL that a slot without a limit can retain.
RETAINED = 10 * 1024**3
#: Of a file system: the share that has to be free, and the seconds for which the space has to last.
FREE = 0.05
LASTING = 3 * 86400.0
#: Checks that a fault of their own covers.
COVERED = ("active", "backup_present", "cluster", "copy_up_to_date", "disk_space", "wal_continuity")


Finding = Callable[[ServerObservation, Limits, float], Optional[str]]
_RECEIVER = "BarmanReceiverStopped"
_SYNCHRONOUS = "BarmanSynchronousStandbyMissing"
_LAGGING = "BarmanReceiverLagging"
_SLOT_ON_MEMBER = "BarmanMemberSlotMissing"
_SLOT = "BarmanSlotMissing"
_CHECK = "BarmanCheckFailed"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"


def _unreadable(server: ServerObservation, limits: Limits, now: float) -> str | None:
    return server.problem or None


def _inactive(server: ServerObservation, limits: Limits, now: float) -> str | None:
    return None if server.active else "Barman ignores the server (active = false)"


def _unreachable(server: ServerObservation, limits: Limits, now: float) -> str | None:
    return server.unreachable or None


def _slot_lost(server: ServerObservation, limits: Limits, now: float) -> str | None:
    state = server.state
    if not server.streams or state is None or state.slot is None or not state.slot.lost:
        return None
    return f"PostgreSQL has removed WAL that replication slot '{state.slot.name}' needs"


def _slot_missing(server: ServerObservation, limits: Limits, now: float) -> str | None:
    if not server.streams or server.state is None or server.state.slot is not None:
        return None
    return f"replication slot '{server.entry.get('slot_name')}' does not exist"


def _two_primaries(server: ServerObservation, limits: Limits, now: float) -> str | None:
    found = server.primaries
    return f"{len(found)} members are primaries: {', '.join(found)}" if len(found) > 1 else None


def _slot_on_member(server: ServerObservation, limits: Limits, now: float) -> str | None:
    check = server.checks.checks.get(CLUSTER)
    if check is None or check.ok or len(server.primaries) != 1:
        return None
    lacking = [address for address, member in server.members.items() if member is not None and member.slot is None]
    return f"replication slot '{server.entry.get('slot_name')}' does not exist on {', '.join(lacking)}"


def _receiver_stopped(server: ServerObservation, limits: Limits, now: float) -> str | None:
    if not server.streams or server.state is None or server.receiver_streams:
        return None
    return (
        "the WAL receiver does not run"
        if server.receiver_pid is None
        else "PostgreSQL does not stream to the WAL receiver"
    )


def _receiver_lagging(server: ServerObservation, limits: Limits, now: float) -> str | None:
    rpo = server.rpo
    if rpo.limit is not RpoLimit.RECEIVER_LAG or rpo.seconds is None or rpo.seconds <= LAGGING:
        return None
    return f"the WAL receiver is {_hours(rpo.seconds)} behind"


def _synchronous(server: ServerObservation, limits: Limits, now: float) -> str | None:
    state = server.state
    if state is None or state.in_recovery or state.synchronous_standbys >= state.required_standbys:
        return None
    return f"commits hang: {state.synchronous_standbys} of {state.required_standbys} synchronous standbys are connected"


def _slot_retains(server: ServerObservation, limits: Limits, now: float) -> str | None:
    state = server.state
    if not server.streams or state is None or state.slot is None or state.slot.lost:
        return None
    most = RETAINED if state.safe_bytes is None else state.safe_bytes
    if state.retained_bytes <= most:
        return None
    return f"replication slot '{state.slot.name}' retains {state.retained_bytes} bytes of WAL on the PostgreSQL host"


def _wal_missing(server: ServerObservation, limits: Limits, now: float) -> str | None:
    count = sum(gap.count for gap in server.checks.gaps if gap.after_latest)
    if count:
        return f"{count} WAL segments are missing after the newest backup: nothing after them can be recovered"
    check = server.checks.checks.get("wal_continuity")
    return None if check is None or check.ok else check.hint


def _archive_failing(server: ServerObservation, limits: Limits, now: float) -> str | None:
    state, rpo = server.state, server.rpo
    if not server.archives or state is None:
        return None
    if server.archiver_off:
        return "PostgreSQL archives nothing (archive_mode = off)"
    if state.archiver.failing:
        return f"archive_command fails with {state.archiver.last_failed_wal}"
    if rpo.limit is not RpoLimit.UNARCHIVED or rpo.seconds is None or rpo.bytes is None or server.undelivered:
        return None
    if rpo.seconds <= UNARCHIVED or rpo.bytes <= UNARCHIVED_SEGMENTS * state.segment_size:
        return None
    return f"{rpo.bytes} bytes of WAL are not archived, and nothing was for {_hours(rpo.seconds)}: archive_command is empty or hangs"


def _undelivered(server: ServerObservation, limits: Limits, now: float) -> str | None:
    count = server.undelivered
    return f"PostgreSQL reports {count} segments as archived that are not on the backup server" if count else None


def _waiting(server: ServerObservation, limits: Limits, now: float) -> str | None:
    facts = server.wal_facts
    oldest = None if facts is None else facts.waiting_oldest_time
    if facts is None or oldest is None or now - oldest <= WAITING:
        return None
    return f"{facts.waiting} received segments are not archived, the oldest for {_hours(now - oldest)}"


def _no_backup(server: ServerObservation, limits: Limits, now: float) -> str | None:
    if server.last_backup is not None or server.backup_running:
        return None
    return "there is no valid backup"


def _backup_old(server: ServerObservation, limits: Limits, now: float) -> str | None:
    most, newest = limits.backup_age(server.entry), server.last_backup
    if not most or newest is None or newest.end_time is None:
        return None
    age = now - newest.end_time.timestamp()
    return f"the newest valid backup is {_hours(age)} old, and the limit is {_hours(most)}" if age > most else None


def _backup_failed(server: ServerObservation, limits: Limits, now: float) -> str | None:
    failed, newest = server.last_failure, server.last_backup
    if failed is None or newest is None or failed.backup_id <= newest.backup_id:
        return None
    return f"backup {failed.backup_id} failed: {failed.error or 'no reason is known'}"


def _backup_files(server: ServerObservation, limits: Limits, now: float) -> str | None:
    check = server.checks.checks.get("backup_present")
    return check.hint if check is not None and not check.ok and server.last_backup is not None else None


def _passive_late(server: ServerObservation, limits: Limits, now: float) -> str | None:
    passive = server.passive
    if passive is None:
        return None
    if passive.contact is None or now - passive.contact > LATE:
        return f"there was no contact with {passive.source} in the last 30 minutes"
    late = 0.0 if passive.lag is None else passive.lag.overdue
    return f"backups or WAL of {passive.source} are missing here for {_hours(late)}" if late > LATE else None


def _drill_failed(server: ServerObservation, limits: Limits, now: float) -> str | None:
    last = server.last_record("drill")
    return None if last is None or last.passed else f"the restore drill of {last.time.isoformat()} failed"


def _drill_old(server: ServerObservation, limits: Limits, now: float) -> str | None:
    most, passed = limits.drill_age(server.entry), server.last_record("drill", passed=True)
    if not most:
        return None
    if passed is None:
        misdated = server.ledger.misdated("drill", server.moment)
        return "no restore was ever proven by a drill" + ("" if misdated is None else f": {misdated_text(misdated)}")
    age = now - passed.time.timestamp()
    return f"the last proven restore is {_hours(age)} old, and the limit is {_hours(most)}" if age > most else None


def _files_damaged(server: ServerObservation, limits: Limits, now: float) -> str | None:
    count = server.damaged_files
    if count:
        return f"{count} stored files are damaged: {'; '.join(server.damages[:3])}"
    failure = server.verification_failure
    return f"the last verification of stored files failed: {failure}" if failure else None


def _files_unread(server: ServerObservation, limits: Limits, now: float) -> str | None:
    most, since = limits.verification_age(server.entry), server.unread_since
    if not most or since is None or now - since.timestamp() <= most:
        return None
    return f"a backup or WAL segment has not been read for {_hours(now - since.timestamp())}, and the limit is {_hours(most)}"


def _check_failed(server: ServerObservation, limits: Limits, now: float) -> str | None:
    texts = [str(check) for check in server.checks.failures(COVERED)]
    return "; ".join(texts) or None


FAULTS: Sequence[tuple[FaultKind, Finding]] = (
    (
        FaultKind(
            "BarmanServerUnreadable",
            "critical",
            "Run 'sudo -u barman pgdr-barman check {server}' on the backup server, and repair the file that it names.",
        ),
        _unreadable,
    ),
    (
        FaultKind(
            "BarmanServerInactive",
            "warning",
            "Deploy the server again, or set 'active = true' in Barman's entry of {server}.",
        ),
        _inactive,
    ),
    (
        FaultKind(
            "BarmanPostgresUnreachable",
            "critical",
            "Start PostgreSQL, or repair the network, the password or pg_hba.conf: 'pgdr-barman check {server}' names the reason. "
            "If the host is lost, recover {server}.",
            hides=(_RECEIVER, _SYNCHRONOUS, _SLOT_ON_MEMBER),
        ),
        _unreachable,
    ),
    (
        FaultKind(
            "BarmanSlotLost",
            "critical",
            "Run pgdr.barman.repair for {server}: it shows the plan, resets the receiver, and takes a new full backup.",
            hides=(_RECEIVER, _SYNCHRONOUS),
        ),
        _slot_lost,
    ),
    (
        FaultKind(
            "BarmanTwoPrimaries",
            "critical",
            "Stop the member of {server} that is not the primary, and rebuild it as a standby. 'pgdr-barman check {server}' names both.",
            hides=(_RECEIVER, _LAGGING, _SLOT, _CHECK),
        ),
        _two_primaries,
    ),
    (
        FaultKind(
            _SLOT,
            "critical",
            "Deploy {server}, which creates the slot, then take a new full backup if WAL is missing.",
            hides=(_RECEIVER, _SYNCHRONOUS, _SLOT_ON_MEMBER),
        ),
        _slot_missing,
    ),
    (
        FaultKind(
            _SLOT_ON_MEMBER,
            "warning",
            "Start cron on the backup server: its 'pgdr-barman follow' creates the slot on each member of {server}. With Patroni, deploy {server}.",
        ),
        _slot_on_member,
    ),
    (
        FaultKind(
            _SYNCHRONOUS,
            "critical",
            "Start the WAL receiver of {server} ('barman receive-wal {server}' shows why it ends), or deploy {server} without "
            "barman_synchronous so that commits continue.",
            hides=(_RECEIVER, _LAGGING),
        ),
        _synchronous,
    ),
    (
        FaultKind(
            _RECEIVER,
            "critical",
            "Run 'barman cron' as Barman's user, which starts it. 'barman receive-wal {server}' shows why it ends.",
            hides=("BarmanSlotRetainsWal",),
        ),
        _receiver_stopped,
    ),
    (
        FaultKind(
            _LAGGING,
            "warning",
            "Compare the write rate of {server} with the network and the disk of the backup server.",
        ),
        _receiver_lagging,
    ),
    (
        FaultKind(
            "BarmanSlotRetainsWal",
            "warning",
            "Find out why the WAL receiver of {server} is behind, before pg_wal fills the disk of the PostgreSQL host.",
        ),
        _slot_retains,
    ),
    (
        FaultKind(
            "BarmanWalMissing",
            "critical",
            "Run pgdr.barman.repair for {server}: it shows what can be recovered, and takes a new full backup.",
        ),
        _wal_missing,
    ),
    (
        FaultKind(
            "BarmanArchiveFailing",
            "critical",
            "If archive_mode is off or archive_command is empty, deploy {server}. Otherwise, read PostgreSQL's log on its host, "
            "which has the output of archive_command, and end a command that hangs.",
            hides=("BarmanWalNotDelivered",),
        ),
        _archive_failing,
    ),
    (
        FaultKind(
            "BarmanWalNotDelivered",
            "critical",
            "Compare archive_command of {server} with the inventory (pgdr.barman.deploy --check), and deploy it.",
        ),
        _undelivered,
    ),
    (
        FaultKind(
            "BarmanWalNotArchived",
            "critical",
            "Start cron on the backup server. 'barman archive-wal {server}', as Barman's user, shows why WAL is not archived.",
        ),
        _waiting,
    ),
    (
        FaultKind(
            "BarmanBackupMissing",
            "critical",
            "Take a backup of {server}: pgdr.barman.backup.",
            hides=("BarmanDrillTooOld",),
        ),
        _no_backup,
    ),
    (
        FaultKind(
            "BarmanBackupTooOld",
            "critical",
            "Take a backup of {server} (pgdr.barman.backup), and find out why the schedule did not: Barman's log has the reason.",
            hides=("BarmanBackupFailed",),
        ),
        _backup_old,
    ),
    (
        FaultKind(
            "BarmanBackupFailed",
            "warning",
            "Read the reason with 'barman show-backup {server} last-failed', remove it, and take a backup: pgdr.barman.backup.",
        ),
        _backup_failed,
    ),
    (
        FaultKind(
            "BarmanBackupFilesMissing",
            "critical",
            "Restore the files of the backup of {server} that 'pgdr-barman check {server}' names, or delete it with 'barman delete'.",
        ),
        _backup_files,
    ),
    (
        FaultKind(
            "BarmanPassiveLate",
            "critical",
            "Run pgdr.barman.sync for {server}, which reports why the passive copy does not follow its source.",
        ),
        _passive_late,
    ),
    (
        FaultKind(
            "BarmanDrillFailed",
            "critical",
            "Read the reason with pgdr.barman.drill_info for {server}, remove it, and run pgdr.barman.drill.",
            hides=("BarmanDrillTooOld",),
        ),
        _drill_failed,
    ),
    (
        FaultKind(
            "BarmanDrillTooOld", "warning", "Run pgdr.barman.drill for {server}, and find out why the schedule did not."
        ),
        _drill_old,
    ),
    (
        FaultKind(
            "BarmanVerificationFailed",
            "critical",
            "Run 'sudo -u barman pgdr-barman check {server}', which names the reason and the damaged files. Replace damaged files by intact "
            "copies, or take a backup of {server} and delete the damaged one. Then run pgdr.barman.verify.",
        ),
        _files_damaged,
    ),
    (
        FaultKind(
            "BarmanVerificationTooOld",
            "warning",
            "Run pgdr.barman.verify for {server}, and find out why the schedule did not.",
        ),
        _files_unread,
    ),
    (
        FaultKind(
            _CHECK,
            "warning",
            "Run 'sudo -u barman pgdr-barman check {server}', which names the reason and the remedy of each check.",
        ),
        _check_failed,
    ),
)

DISK = FaultKind(
    "BarmanDiskFilling",
    "critical",
    "Free space on {server} of the backup server: shorten barman_retention_policy, delete backups, or enlarge the disk.",
)


def faults_of(server: ServerObservation, limits: Limits, now: float) -> list[Fault]:
    """The faults of a server, without the consequences of others."""
    found = [
        Fault(kind, server.name, text)
        for kind, finding in FAULTS
        for text in [finding(server, limits, now)]
        if text is not None
        and (not server.problem or finding is _unreadable)
        and (server.active or finding is _inactive)
    ]
    hidden = {name for fault in found for name in fault.kind.hides}
    return [fault for fault in found if fault.kind.name not in hidden]


def disk_faults(disks: Sequence[DiskUse]) -> list[Fault]:
    found = []
    for disk in disks:
        if disk.free < FREE * disk.size:
            found.append(Fault(DISK, disk.mount, f"{disk.free} of {disk.size} bytes are free"))
        elif disk.seconds_left < LASTING:
            found.append(
                Fault(
                    DISK, disk.mount, f"the space lasts for {_hours(disk.seconds_left)} at the growth of the last week"
                )
            )
    return found


def all_faults(host: HostObservation, limits: Limits) -> Mapping[str, Sequence[Fault]]:
    """The faults of each server that has one, by its name."""
    found = {name: faults_of(server, limits, host.time) for name, server in host.servers.items()}
    return {name: faults for name, faults in found.items() if faults}
