# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of Barman: each release on the backup server, with passive nodes of the same and of other releases."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ansible_collections.pgdr.barman.plugins.module_utils._barman.versions import format_version
from tests.matrix import packages, releases
from tests.matrix.cycle import HOME, Case, Ended, Server, Site, at_once
from tests.matrix.machines import HERE, Failed, Machines
from tests.matrix.report import Result, pair

PG = "matrix-pg"
BACKUP = "matrix-backup"
PASSIVE = "matrix-passive"
SERVERS = (Server("streamed", 5432), Server("copied", 5433))
VENVS = "/opt/barman"

# $1: the release, $2: what goes with the former one: all, or the data alone.
SWITCH_RELEASE = f"""
systemctl stop matrix-cron
pkill -KILL -u barman || true
if [ "$2" = all ]; then
    find {HOME} -mindepth 1 -maxdepth 1 ! -name .ssh -exec rm -rf {{}} +
    rm -f /etc/barman.conf /etc/barman.d/*.conf
else
    find {HOME} -mindepth 1 -maxdepth 1 ! -name .ssh ! -name .pgpass -exec rm -rf {{}} +
fi
ln -sfn {VENVS}/$1 {VENVS}/current
"""
START_CRON = "systemctl start matrix-cron"
# What the former release left: a slot, which nobody else drops, and a command that archived, whose WAL is gone.
FORGET_SLOTS = """
SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active;
SELECT pg_sleep(0.2);
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active
"""
FORGET_COMMAND = "ALTER SYSTEM RESET archive_command"
# What Barman does with such a pair if nobody refuses. $1: the server, $2: a backup of the source.
ALONE = """
run() { runuser -u barman -- barman "$@" 2>&1; }
if run sync-info --primary "$1" >/tmp/alone && run sync-backup "$1" "$2" >/tmp/alone
then echo replicates
else grep -E "^(EXCEPTION|ERROR)" /tmp/alone | tail -1
fi
"""
NEWEST_BACKUP = f'ls "{HOME}/$1/base" | tail -1'


def prepare(machines: Machines) -> None:
    """The machines as a person makes them who has Barman from PyPI."""
    script = (HERE / "barman" / "prepare.sh").read_text(encoding="utf-8")
    wheels = packages.wheels()
    machines.up()

    def build() -> None:
        machines.copy_to(BACKUP, wheels, "/root/wheels")
        machines.shell(BACKUP, script, "build")
        for other in (PG, PASSIVE):
            machines.copy_between(BACKUP, other, VENVS)

    work: list[Callable[[], object]] = [build, partial(machines.shell, PG, script, "pg")]
    work += [partial(machines.shell, machine, script, "backup") for machine in (BACKUP, PASSIVE)]
    at_once(work)


def run(scratch: Path, chosen: Sequence[str], record: Callable[[Result], None], *, keep: bool) -> None:
    pinned = releases.pinned((HERE / "barman" / "barman.txt").read_text(encoding="utf-8"))
    unknown = [one for one in chosen if one not in pinned]
    if unknown:
        raise Failed(f"Barman {', '.join(unknown)} is not pinned in barman.txt, which has {', '.join(pinned)}")
    machines = Machines(HERE / "barman", scratch)
    try:
        prepare(machines)
        for source in releases.plan(pinned, chosen):
            run_source(Site(machines, PG, BACKUP, SERVERS), source, (pinned[0], pinned[-1]), record)
    finally:
        if not keep:
            machines.down()


def run_source(site: Site, source: releases.Source, ends: Sequence[str], record: Callable[[Result], None]) -> None:
    """All cases of one release of the backup server. ends: the oldest and the newest release."""
    version = {"barman_version": source.release}
    declared = replace(site, inventory={"hosts": {BACKUP: version, PASSIVE: version}})
    case = Case("barman", source.release, record)
    try:
        with case.step("deploy"):
            switch(site, source.release)
            declared.play("deploy")
        with case.step("backup"):
            site.write()
            declared.play("backup")
            site.write_more()
        with case.step("recover and count"):
            declared.recover_all()
        with case.step("sync"):
            declared.play("sync")
        with case.step("check"):
            declared.play("check")
    except Ended:
        return
    for passive in source.passives:
        proven = source.release in ends or passive in ends
        run_pair(site, source.release, passive, record, proven=proven)


def switch(site: Site, release: str) -> None:
    """Machines on which only this release ever ran."""
    machines = site.machines
    for machine in (BACKUP, PASSIVE):
        machines.shell(machine, SWITCH_RELEASE, release, "all")
    machines.shell(PG, f"ln -sfn {VENVS}/$1 {VENVS}/current", release)
    for server in site.servers:
        site.sql(server, FORGET_SLOTS)
        site.sql(server, FORGET_COMMAND)
        site.sql(server, "SELECT pg_reload_conf()")
    machines.shell(BACKUP, START_CRON)


def run_pair(site: Site, source: str, passive: str, record: Callable[[Result], None], *, proven: bool) -> None:
    """An empty passive node of that release replicates, and if proven its copy is recovered; or it refuses, for the expected reason.

    The versions are not declared in the inventory, so the module sync finds them out.
    """
    case = Case("passive", pair(source, passive), record)
    boundary = releases.refusal(source, passive)
    try:
        if boundary is not None:
            refuse(case, site, passive, format_version(boundary))
            return
        with case.step("sync"):
            site.machines.shell(PASSIVE, SWITCH_RELEASE, passive, "data")
            site.play("sync", barman_servers=[site.servers[0].name])
        if proven:
            with case.step("recover and count"):
                site.recover(site.servers[0], PASSIVE)
    except Ended:
        return


def refuse(case: Case, site: Site, passive: str, boundary: str) -> None:
    begin = time.monotonic()
    with case.step("switch"):
        site.machines.shell(PASSIVE, SWITCH_RELEASE, passive, "data")
    played = site.machines.play("pgdr.barman.sync", {"barman_servers": [site.servers[0].name]}, site.inventory)
    with case.step("refuse"):
        if played.ok or not any(f"since {boundary} " in one for one in played.failures):
            raise Failed(
                f"a refusal that names {boundary} was expected: {'; '.join(played.failures) or 'it replicated'}"
            )
        server = site.servers[0].name
        alone = site.machines.shell(PASSIVE, ALONE, server, site.machines.shell(BACKUP, NEWEST_BACKUP, server))
    case.refused("sync", f"needs {boundary} there; Barman alone: {alone}", time.monotonic() - begin)
