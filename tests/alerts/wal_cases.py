# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of WAL: receivers, slots, archive_command, what waits for Barman's cron, and clusters."""

from __future__ import annotations

from tests.alerts.fault import BACKUP, Fault, Play, Shell

PG = "alerts-pg"
_AUTO = "/var/lib/postgresql/17/archived/postgresql.auto.conf"
_RELOAD = "sql 5435 'SELECT pg_reload_conf()' >/dev/null"
_KEEP_ARCHIVED = Shell(PG, f"cp -p {_AUTO} $kept/archived.conf; sql 5435 'SHOW archive_command' >$kept/archive_command")
_RESTORE_ARCHIVED = Shell(PG, f"cp -p $kept/archived.conf {_AUTO}; {_RELOAD}")


def _archive_command(command: str) -> Shell:
    return Shell(
        PG, f"sql 5435 \"ALTER SYSTEM SET archive_command = '{command}'\"; {_RELOAD}; switch 5435 >$kept/segment"
    )


def _lock_out(port: int, name: str) -> str:
    """The receivers of that cluster can't log in, and what is connected ends."""
    return (
        f"sql {port} 'ALTER ROLE {name} NOLOGIN'\n"
        f"sql {port} \"SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE usename = '{name}'\" >/dev/null"
    )


#: The process of the receiver of server $1, on the backup server.
_RECEIVER = 'pgrep -o -f "^/usr/lib/postgresql/.*/pg_receivewal.*/$1/streaming"'

LANES: dict[str, tuple[Fault, ...]] = {
    "slots": (
        Fault(
            "BarmanSlotMissing",
            "Somebody drops the replication slot",
            "slots",
            before=(
                Shell(PG, "sql 5432 \"ALTER SYSTEM SET wal_keep_size = '256MB'\"; sql 5432 'SELECT pg_reload_conf()'"),
            ),
            begin=(
                Shell(
                    PG,
                    "sql 5432 \"SELECT pg_terminate_backend(active_pid, 30000) FROM pg_replication_slots WHERE slot_name = 'slots' AND active\"\n"
                    'until_true "sql 5432 \\"SELECT pg_drop_replication_slot(\'slots\')\\""',
                ),
            ),
            end=(Shell(PG, "sql 5432 \"SELECT pg_create_physical_replication_slot('slots', true)\""),),
        ),
    ),
    "retained": (
        Fault(
            "BarmanSlotRetainsWal",
            "The WAL receiver hangs, and its slot retains more than half of max_slot_wal_keep_size",
            "retained",
            before=(
                Shell(
                    PG,
                    "sql 5432 \"ALTER SYSTEM SET max_slot_wal_keep_size = '320MB'\"; sql 5432 'ALTER SYSTEM SET wal_sender_timeout = 0'\n"
                    "sql 5432 'SELECT pg_reload_conf()'",
                ),
            ),
            begin=(
                Shell(BACKUP, f"set -- retained; kill -STOP $({_RECEIVER})"),
                Shell(PG, "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do switch 5432; done"),
            ),
            end=(Shell(BACKUP, f"set -- retained; kill -CONT $({_RECEIVER})"),),
        ),
        Fault(
            "BarmanReceiverLagging",
            "The WAL receiver hangs",
            "retained",
            dated="the newest received WAL",
            begin=(
                Shell(
                    BACKUP,
                    f"set -- retained; kill -STOP $({_RECEIVER})\n"
                    "barman archive-wal retained\n"
                    "find $home/retained/streaming $home/retained/wals -type f -exec touch --date='6 minutes ago' {} +",
                ),
                Shell(PG, "sql 5432 \"SELECT pg_logical_emit_message(true, 'lab', 'x')\""),
            ),
            end=(Shell(BACKUP, f"set -- retained; kill -CONT $({_RECEIVER})"),),
        ),
    ),
    "waiting": (
        Fault(
            "BarmanWalNotArchived",
            "A process of Barman that archives WAL hangs, and keeps its lock",
            "waiting",
            dated="the received segment",
            begin=(
                Shell(
                    BACKUP,
                    "systemd-run --quiet --unit=hanging --uid=barman flock --exclusive $home/.waiting-archive-wal.lock sleep infinity",
                ),
                Shell(PG, "switch 5432"),
                Shell(
                    BACKUP,
                    "waits='find $home/waiting/streaming -regextype egrep -regex \".*/[0-9A-F]{24}\"'\n"
                    "until_true '[ -n \"$(eval $waits)\" ]'; touch --date='6 minutes ago' $(eval $waits)",
                ),
            ),
            end=(Shell(BACKUP, "systemctl stop hanging.service"),),
        ),
        Fault(
            "BarmanCheckFailed",
            'A power cut during a backup leaves it unfinished (check "interrupted backups"); the end is barman delete',
            "waiting",
            begin=(
                Shell(
                    BACKUP,
                    "barman backup waiting &\n"
                    "until_true 'pgrep -f \"^/usr/lib/postgresql/.*/pg_basebackup.*/waiting/\" >/dev/null'\n"
                    'pkill -KILL -f "^/usr/bin/python3 /usr/bin/barman backup waiting"\n'
                    'pkill -KILL -f "^/usr/lib/postgresql/.*/pg_basebackup.*/waiting/" || true; wait $! || true',
                ),
            ),
            end=(Shell(BACKUP, "barman delete waiting $(newest waiting)"),),
        ),
    ),
    "lost": (
        Fault(
            "BarmanReceiverStopped",
            "The role of the WAL receiver can't log in",
            "lost",
            begin=(Shell(PG, _lock_out(5434, "streaming_barman")),),
            end=(Shell(PG, "sql 5434 'ALTER ROLE streaming_barman LOGIN'"),),
        ),
        Fault(
            "BarmanReceiverStopped",
            "The password of the WAL receiver is wrong",
            "lost",
            begin=(
                Shell(
                    PG,
                    "sql 5434 \"ALTER ROLE streaming_barman PASSWORD 'another'\"\n"
                    "sql 5434 'SELECT pg_terminate_backend(pid) FROM pg_stat_replication'",
                ),
            ),
            end=(Shell(PG, "sql 5434 \"ALTER ROLE streaming_barman PASSWORD 'streaming in the lab'\""),),
        ),
        Fault(
            "BarmanSlotLost",
            "PostgreSQL removes WAL that the slot needs; the end is pgdr.barman.repair",
            "lost",
            begin=(
                Shell(
                    PG,
                    "sql 5434 \"ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'\"; sql 5434 'SELECT pg_reload_conf()'\n"
                    + _lock_out(5434, "streaming_barman")
                    + "\nfor n in 1 2 3 4; do switch 5434; done; sql 5434 CHECKPOINT",
                ),
            ),
            end=(
                Shell(
                    PG,
                    "sql 5434 'ALTER SYSTEM RESET max_slot_wal_keep_size'; sql 5434 'SELECT pg_reload_conf()'\n"
                    "sql 5434 'ALTER ROLE streaming_barman LOGIN'",
                ),
                Play("repair", {"barman_servers": ["lost"], "barman_repair_confirmed": True}),
            ),
        ),
    ),
    "archived": (
        Fault(
            "BarmanArchiveFailing",
            "archive_command fails",
            "archived",
            before=(_KEEP_ARCHIVED,),
            begin=(_archive_command("/bin/false"),),
            end=(_RESTORE_ARCHIVED,),
        ),
        Fault(
            "BarmanWalNotDelivered",
            "archive_command succeeds, and delivers to another place; the end delivers the segment",
            "archived",
            before=(_KEEP_ARCHIVED,),
            begin=(_archive_command("cp %p /var/tmp/%f"),),
            end=(
                _RESTORE_ARCHIVED,
                Shell(
                    PG,
                    "cd /var/lib/postgresql/17/archived; segment=$(cat $kept/segment)\n"
                    'runuser -u postgres -- sh -c "$(sed "s,%p,/var/tmp/$segment,; s,%f,$segment," $kept/archive_command)"',
                ),
            ),
        ),
        Fault(
            "BarmanArchiveFailing",
            "archive_command hangs",
            "archived",
            dated="the newest archived WAL",
            before=(_KEEP_ARCHIVED,),
            begin=(
                _archive_command("sleep 86400"),
                Shell(PG, "switch 5435; switch 5435"),
                Shell(
                    BACKUP,
                    "find $home/archived/wals $home/archived/incoming -type f -exec touch --date='6 minutes ago' {} +",
                ),
            ),
            end=(_RESTORE_ARCHIVED, Shell(PG, "pkill -KILL -u postgres -f '^sleep 86400'")),
        ),
    ),
    "synchronous": (
        Fault(
            "BarmanSynchronousStandbyMissing",
            "The synchronous WAL receiver can't log in, and commits hang",
            "synchronous",
            begin=(Shell(PG, _lock_out(5436, "streaming_barman")),),
            end=(Shell(PG, "sql 5436 'ALTER ROLE streaming_barman LOGIN'"),),
        ),
    ),
    "orders": (
        Fault(
            "BarmanMemberSlotMissing",
            "A standby loses its slot, and the line of cron that creates it is missing",
            "orders",
            begin=(
                Shell(
                    BACKUP,
                    "cp -p /etc/cron.d/pgdr-barman $kept/cron; sed -i '/ follow /d' /etc/cron.d/pgdr-barman\n"
                    "pkill -f '/pgdr-barman follow' || true; until_true '! pgrep -f \"/pgdr-barman follow\"'",
                ),
                Shell(
                    "alerts-orders-2", "sql 5432 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots'"
                ),
            ),
            end=(Shell(BACKUP, "mv $kept/cron /etc/cron.d/pgdr-barman"),),
        ),
        # The last one: the standby is not rebuilt.
        Fault(
            "BarmanTwoPrimaries",
            "Somebody promotes the standby while the primary runs; the end stops it",
            "orders",
            begin=(Shell("alerts-orders-2", "sql 5432 'SELECT pg_promote()'"),),
            end=(Shell("alerts-orders-2", "systemctl stop postgresql@17-main"),),
        ),
    ),
}
