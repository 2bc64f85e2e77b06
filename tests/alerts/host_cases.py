# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of hosts, networks and disks: PostgreSQL that does not answer, and backup servers whose metrics or space end."""

from __future__ import annotations

from tests.alerts.fault import Fault, Lab, Shell

PG = "alerts-pg"
SECOND = "alerts-second"
THIRD = "alerts-third"
_HBA = "/etc/postgresql/17/down/pg_hba.conf"


def _sql(text: str) -> Shell:
    return Shell(PG, f'sql 5433 "{text}"')


LANES: dict[str, tuple[Fault, ...]] = {
    "down": (
        Fault(
            "BarmanPostgresUnreachable",
            "PostgreSQL is stopped",
            "down",
            begin=(Shell(PG, "systemctl stop postgresql@17-down"),),
            end=(Shell(PG, "systemctl start postgresql@17-down"),),
        ),
        Fault(
            "BarmanPostgresUnreachable",
            "The password of the management connection is wrong",
            "down",
            begin=(_sql("ALTER ROLE barman PASSWORD 'another'"),),
            end=(_sql("ALTER ROLE barman PASSWORD 'management in the lab'"),),
        ),
        Fault(
            "BarmanPostgresUnreachable",
            "The lines of Barman are missing in pg_hba.conf",
            "down",
            begin=(
                Shell(PG, f"cp -p {_HBA} $kept; sed -i '/^# BEGIN pgdr.barman/,/^# END pgdr.barman/d' {_HBA}"),
                _sql("SELECT pg_reload_conf()"),
                _sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication"),
            ),
            end=(Shell(PG, f"cp -p $kept/pg_hba.conf {_HBA}"), _sql("SELECT pg_reload_conf()")),
        ),
    ),
    "second": (
        Fault(
            "BarmanPassiveLate",
            "The passive node can't log in on its source",
            "catalog-1",
            machine=SECOND,
            dated="the last contact",
            begin=(
                Shell(
                    SECOND,
                    "mv $home/.ssh $kept/ssh; pkill -u barman -f sync- || true\n"
                    "touch --date='31 minutes ago' $home/catalog-1/primary.info",
                ),
            ),
            end=(Shell(SECOND, "mv $kept/ssh $home/.ssh"),),
        ),
        Fault(
            "BarmanPostgresUnreachable",
            "The network between PostgreSQL and the backup server is cut",
            "far",
            machine=SECOND,
            begin=(Lab(("cut", "alerts-far", SECOND)),),
            end=(Lab(("heal", "alerts-far", SECOND)),),
        ),
        Fault(
            "BarmanPostgresUnreachable",
            "A power cut of the PostgreSQL host",
            "far",
            machine=SECOND,
            begin=(Lab(("power-off", "alerts-far")),),
            end=(Lab(("power-on", "alerts-far")),),
        ),
        Fault(
            "BarmanMetricsAbsent",
            "A power cut of the backup server",
            SECOND,
            machine=SECOND,
            begin=(Lab(("power-off", SECOND)),),
            end=(Lab(("power-on", SECOND)),),
        ),
    ),
    "third": (
        Fault(
            "BarmanDiskFilling",
            "The file system of the backup server has 4 % left",
            THIRD,
            machine=THIRD,
            begin=(
                Shell(
                    THIRD,
                    "set -- $(df --output=size,avail --block-size=1K $home | tail -n 1); fallocate --length=$(($2 - $1 / 25))KiB $home/filler",
                ),
            ),
            end=(Shell(THIRD, "rm $home/filler"),),
        ),
        Fault(
            "BarmanMetricsStale",
            "The process that makes the metrics hangs, and cron does not start another one",
            THIRD,
            machine=THIRD,
            begin=(
                Shell(
                    THIRD,
                    "cp -p /etc/cron.d/pgdr-barman $kept/cron; sed -i '/ metrics /d' /etc/cron.d/pgdr-barman\n"
                    "pkill -STOP -f '/pgdr-barman metrics '",
                ),
            ),
            end=(Shell(THIRD, "mv $kept/cron /etc/cron.d/pgdr-barman; pkill -CONT -f '/pgdr-barman metrics '"),),
        ),
        Fault(
            "BarmanCronStopped",
            "cron is stopped on the backup server",
            THIRD,
            machine=THIRD,
            begin=(Shell(THIRD, "systemctl stop cron"),),
            end=(Shell(THIRD, "systemctl start cron"),),
        ),
        Fault(
            "BarmanDiskFilling",
            "The file system of the backup server is full, and its WAL receiver ends",
            THIRD,
            machine=THIRD,
            begin=(Lab(("fill", THIRD, "/var/lib/barman")), Shell(PG, "for n in 1 2 3; do switch 5437; done")),
            end=(Lab(("free", THIRD, "/var/lib/barman")),),
        ),
        Fault(
            "BarmanMetricsAbsent",
            "Node exporter is stopped on the backup server",
            THIRD,
            machine=THIRD,
            begin=(Shell(THIRD, "systemctl stop prometheus-node-exporter"),),
            end=(Shell(THIRD, "systemctl start prometheus-node-exporter"),),
        ),
    ),
}
