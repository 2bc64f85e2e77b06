# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of PostgreSQL: releases from npm, one server that Ansible manages and one that it does not touch, backed up by Debian's Barman."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.matrix import packages
from tests.matrix.cycle import Case, Ended, Server, Site, at_once
from tests.matrix.machines import HERE, Failed, Machines
from tests.matrix.report import Result

SERVERS = "matrix-servers"
ARCHIVE = "matrix-archive"
KINDS = {"managed": 5500, "unmanaged": 5400}


@dataclass(frozen=True)
class Cluster:
    """A server of that release, such as 13.23. kind: managed, or unmanaged."""

    release: str
    kind: str

    @property
    def major(self) -> int:
        return int(self.release.split(".", maxsplit=1)[0])

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.major}"

    @property
    def port(self) -> int:
        return KINDS[self.kind] + self.major


def run(scratch: Path, chosen: Sequence[str], record: Callable[[Result], None], *, keep: bool) -> None:
    found = packages.postgresql()
    chosen_releases = {release: path for release, path in found.items() if not chosen or release in chosen}
    if not chosen_releases:
        raise Failed(f"PostgreSQL {', '.join(chosen)} is not pinned in package-lock.json, which has {', '.join(found)}")
    clusters = [Cluster(release, kind) for release in chosen_releases for kind in KINDS]
    machines = Machines(HERE / "postgresql", scratch)
    site = Site(machines, SERVERS, ARCHIVE, (), inventory(clusters))
    try:
        prepare(machines, chosen_releases)
        deployed = deploy(site, clusters, record)
        for cluster in deployed:
            run_server(site, cluster, deployed[cluster])
    finally:
        if not keep:
            machines.down()


def inventory(clusters: Iterable[Cluster]) -> dict[str, Any]:
    """The hosts of the inventory, by group."""
    children: dict[str, dict[str, Any]] = {}
    for one in clusters:
        host = {"barman_postgres_version": one.major, "barman_postgres_port": one.port}
        children.setdefault(one.kind, {}).setdefault("hosts", {})[one.name] = host
    return {"children": children}


def concerning(failures: Iterable[str], name: str, names: Sequence[str]) -> list[str]:
    """The failures of that server: from its name on in those that have it, and those that name no server."""

    def at(one: str, server: str) -> int:
        found = re.search(rf"\b{re.escape(server)}\b", one)
        return found.start() if found else -1

    return [
        one[max(at(one, name), 0) :]
        for one in failures
        if at(one, name) >= 0 or all(at(one, other) < 0 for other in names)
    ]


def prepare(machines: Machines, found: dict[str, Path]) -> None:
    script = (HERE / "postgresql" / "prepare.sh").read_text(encoding="utf-8")
    machines.up()

    def one(machine: str, kind: str) -> None:
        for release, path in found.items():
            machines.copy_to(machine, path, f"/usr/lib/postgresql/{Cluster(release, 'managed').major}")
        machines.shell(machine, script, kind, *(str(Cluster(release, "managed").major) for release in found))

    at_once([partial(one, SERVERS, "servers"), partial(one, ARCHIVE, "archive")])


def deploy(site: Site, clusters: Sequence[Cluster], record: Callable[[Result], None]) -> dict[Cluster, Case]:
    """Deploy all servers in one run, after the manual steps of those that Ansible does not touch. The servers without a failure."""
    cases = {one: Case("postgresql", f"{one.release} {one.kind}", record) for one in clusters}
    ready: dict[Cluster, Case] = {}
    for cluster, case in cases.items():
        if cluster.kind == "unmanaged":
            with contextlib.suppress(Ended), case.step("manual steps"):
                play = HERE / "postgresql" / "manual.yml"
                site.machines.play(play, {"matrix_server": cluster.name}, site.inventory).expect()
    played = site.machines.play("pgdr.barman.deploy", {}, site.inventory)
    names = [one.name for one in clusters]
    for cluster, case in cases.items():
        own = () if played.ok else concerning(played.failures, cluster.name, names)
        with contextlib.suppress(Ended), case.step("deploy"):
            if own:
                raise Failed("; ".join(own))
            ready[cluster] = case
    return ready


def run_server(site: Site, cluster: Cluster, case: Case) -> None:
    """From rows to counted rows."""
    one = replace(site, servers=(Server(cluster.name, cluster.port),))
    chosen = {"barman_servers": [cluster.name]}
    try:
        with case.step("backup"):
            one.write()
            one.play("backup", **chosen)
            one.write_more()
        with case.step("check"):
            one.play("check", **chosen)
        with case.step("recover and count"):
            one.recover_all()
    except Ended:
        return
