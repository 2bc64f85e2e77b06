# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of catalogs, stored files, drills and verifications."""

from __future__ import annotations

from tests.alerts.fault import BACKUP, Fault, Shell


def _on_backup(script: str) -> tuple[Shell, ...]:
    return (Shell(BACKUP, script),)


#: A record of the ledger, put back in time. $1: the server, $2: the kind, $3: the key.
_DATE_BACK = """
python3 - "$home/.pgdr.barman/ledger/$1.jsonl" "$2" "$3" <<'PYTHON'
import json, sys
path, kind, key = sys.argv[1:]
with open(path) as stream:
    records = [json.loads(line) for line in stream]
for record in records:
    if record["kind"] == kind and key in record:
        record[key] = "2020" + record[key][4:]
with open(path, "w") as stream:
    stream.writelines(json.dumps(record) + "\\n" for record in records)
PYTHON
"""


def _ledger(server: str, kind: str, key: str) -> tuple[str, str]:
    """The scripts that put the ledger's records back in time, and restore them."""
    path = f"$home/.pgdr.barman/ledger/{server}.jsonl"
    return (
        f"set -- {server} {kind} {key}; cp -p {path} $kept/{server}.jsonl\n{_DATE_BACK}",
        f"cp -p $kept/{server}.jsonl {path}",
    )


_DRILL_DATES = _ledger("catalog-5", "drill", "time")
_VERIFICATION_DATES = _ledger("catalog-6", "verification", "unread_since")

LANES: dict[str, tuple[Fault, ...]] = {
    "catalog-2": (
        Fault(
            "BarmanWalMissing",
            "An archived WAL segment is removed",
            "catalog-2",
            before=(
                Shell("alerts-pg", "for n in 1 2 3; do switch 5432; done"),
                Shell(
                    BACKUP,
                    "until_true 'barman cron; barman archive-wal catalog-2; "
                    "[ $(find $home/catalog-2/wals -newer $home/catalog-2/meta/$(newest catalog-2)-backup.info -regextype egrep "
                    '-regex ".*/[0-9A-F]{24}" | wc -l) -ge 3 ]\'',
                ),
            ),
            begin=_on_backup(
                "path=$(find $home/catalog-2/wals -regextype egrep -regex '.*/[0-9A-F]{24}' | sort | tail -n 2 | head -n 1)\n"
                "echo $path >$kept/catalog-2; mv $path $kept/segment"
            ),
            end=_on_backup("mv $kept/segment $(cat $kept/catalog-2)"),
        ),
        Fault(
            "BarmanBackupTooOld",
            "No backup succeeds any more",
            "catalog-2",
            dated="the end of the newest backup",
            begin=_on_backup(
                "path=$home/catalog-2/meta/$(newest catalog-2)-backup.info; cp -p $path $kept/catalog-2.info\n"
                "sed -i 's/^end_time=20../end_time=2020/' $path"
            ),
            end=_on_backup("mv $kept/catalog-2.info $home/catalog-2/meta/$(newest catalog-2)-backup.info"),
        ),
    ),
    "catalog-3": (
        Fault(
            "BarmanBackupMissing",
            "The only backup is removed",
            "catalog-3",
            begin=_on_backup(
                "id=$(newest catalog-3); mv $home/catalog-3/meta/$id-backup.info $kept/catalog-3.info; mv $home/catalog-3/base/$id $kept/catalog-3"
            ),
            end=_on_backup(
                "id=$(sed -n 's/^backup_id=//p' $kept/catalog-3.info); [ -n \"$id\" ] || id=$(cat $kept/catalog-3.id)\n"
                "mv $kept/catalog-3 $home/catalog-3/base/$id; mv $kept/catalog-3.info $home/catalog-3/meta/$id-backup.info"
            ),
            before=_on_backup("newest catalog-3 >$kept/catalog-3.id"),
        ),
        Fault(
            "BarmanServerUnreadable",
            "The file of a backup in the catalog is cut off",
            "catalog-3",
            begin=_on_backup(
                "path=$home/catalog-3/meta/$(newest catalog-3)-backup.info; cp -p $path $kept/catalog-3.info; echo mode=postgres >$path"
            ),
            end=_on_backup("mv $kept/catalog-3.info $home/catalog-3/meta/$(newest catalog-3)-backup.info"),
        ),
        Fault(
            "BarmanServerInactive",
            "Somebody writes active = false into Barman's entry",
            "catalog-3",
            begin=_on_backup(
                "cp -p /etc/barman.d/catalog-3.conf $kept; echo 'active = false' >>/etc/barman.d/catalog-3.conf"
            ),
            end=_on_backup("mv $kept/catalog-3.conf /etc/barman.d"),
        ),
    ),
    "catalog-4": (
        Fault(
            "BarmanBackupFilesMissing",
            "The files of a backup are removed",
            "catalog-4",
            begin=_on_backup("mv $home/catalog-4/base/$(newest catalog-4)/data $kept/catalog-4"),
            end=_on_backup("mv $kept/catalog-4 $home/catalog-4/base/$(newest catalog-4)/data"),
        ),
        Fault(
            "BarmanBackupFailed",
            "pg_basebackup is killed during a backup; the end is a new backup",
            "catalog-4",
            begin=_on_backup(
                "barman backup catalog-4 &\n"
                "until_true 'pkill -KILL -f \"^/usr/lib/postgresql/.*/pg_basebackup.*catalog-4\"'; wait $! || true\n"
                "grep -l '^status=FAILED' $home/catalog-4/meta/*-backup.info"
            ),
            end=(
                Shell(BACKUP, "barman backup catalog-4"),
                Shell("alerts-pg", "switch 5432"),
            ),
        ),
    ),
    "catalog-5": (
        Fault(
            "BarmanDrillFailed",
            "A drill finds a backup without pg_control; the end is a drill that passes",
            "catalog-5",
            begin=_on_backup(
                "mv $home/catalog-5/base/$(newest catalog-5)/data/global/pg_control $kept\n"
                "if runuser -u barman -- pgdr-barman drill catalog-5 --quiet; then echo 'the drill passed' >&2; exit 1; fi"
            ),
            end=_on_backup(
                "mv $kept/pg_control $home/catalog-5/base/$(newest catalog-5)/data/global\n"
                "runuser -u barman -- pgdr-barman drill catalog-5 --quiet"
            ),
        ),
        Fault(
            "BarmanDrillTooOld",
            "No drill runs any more",
            "catalog-5",
            dated="the drills in the ledger",
            begin=_on_backup(_DRILL_DATES[0]),
            end=_on_backup(_DRILL_DATES[1]),
        ),
    ),
    "catalog-6": (
        Fault(
            "BarmanVerificationFailed",
            "A verification finds a damaged file of a backup; the end is a verification with the intact file",
            "catalog-6",
            begin=_on_backup(
                "path=$home/catalog-6/base/$(newest catalog-6)/data/global/pg_control; cp -p $path $kept/pg_control.6\n"
                "printf x | dd of=$path bs=1 seek=100 conv=notrunc status=none; touch --reference=$kept/pg_control.6 $path\n"
                "if runuser -u barman -- pgdr-barman verify catalog-6 --everything --quiet; then echo 'no damage is found' >&2; exit 1; fi"
            ),
            end=_on_backup(
                "mv $kept/pg_control.6 $home/catalog-6/base/$(newest catalog-6)/data/global/pg_control\n"
                "runuser -u barman -- pgdr-barman verify catalog-6 --everything --quiet"
            ),
        ),
        Fault(
            "BarmanVerificationTooOld",
            "No verification runs any more",
            "catalog-6",
            dated="the time in the ledger since which a file was not read",
            begin=_on_backup(_VERIFICATION_DATES[0]),
            end=_on_backup(_VERIFICATION_DATES[1]),
        ),
    ),
}
