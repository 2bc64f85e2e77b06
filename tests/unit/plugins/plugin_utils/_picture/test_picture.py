# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of an architecture: what is drawn, marked and described."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.architecture import draw
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.groups import MOST_SERVERS
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import Mark, Picture, described
from tests.unit.plugins.plugin_utils._picture.fleets import FLEETS, Hosts, backup_server, server, topology_of

BACKUPS = {"backup-eu": backup_server(0, "eu"), "backup-us": backup_server(1, "us")}


def picture(servers: Hosts, backups: Hosts = BACKUPS, *, advised: bool = False, **failures: str) -> Picture:
    """failures: a text by inventory name, with underscores for hyphens."""
    marks = {name.replace("_", "-"): [Mark("failing", text)] for name, text in failures.items()}
    return draw(topology_of(servers, backups), marks, advised=advised)


def arrows(found: Picture) -> list[tuple[str, str, str, int]]:
    return [(one.source, one.target, one.kind, one.count) for one in found.arrows]


def marks(found: Picture) -> dict[str, list[str]]:
    return {host.title: [f"{mark.kind}: {mark.text}" for mark in host.marks] for host in found.hosts}


def test_each_way_of_the_data_is_an_arrow() -> None:
    found = picture(
        {
            "books": server(1, barman_wal=["streaming", "archiving"], barman_passive_servers=["backup-us"]),
            "ledger": server(2, barman_backup_method="rsync", barman_wal=["archiving"]),
        }
    )
    assert arrows(found) == [
        ("pg books", "backup backup-eu", "copy", 1),
        ("pg books", "backup backup-eu", "streaming", 1),
        ("pg books", "backup backup-eu", "archiving", 1),
        ("pg ledger", "backup backup-eu", "rsync", 1),
        ("pg ledger", "backup backup-eu", "archiving", 1),
        ("backup backup-eu", "backup backup-us", "passive", 1),
    ]
    assert found.zones == ["eu", "us"]


def test_wal_of_a_standby_comes_from_its_primary() -> None:
    primary = {**server(1), "barman_backup_server": None}
    found = picture({"pg-1": primary, "pg-2": server(2, barman_primary="pg-1")})
    assert arrows(found) == [
        ("pg pg-1", "pg pg-2", "replication", 1),
        ("pg pg-2", "backup backup-eu", "copy", 1),
        ("pg pg-1", "backup backup-eu", "streaming", 1),
    ]
    assert [host.kind for host in found.hosts] == ["postgres", "standby", "backup", "backup"]
    assert "missing: no backup" not in marks(found)["pg-1"]


def test_members_of_a_cluster_are_backed_up_together() -> None:
    cluster = {"barman_cluster": "shop", "barman_cluster_manager": "patroni"}
    found = picture({f"pg-{number}": server(number, **cluster) for number in (1, 2, 3)})
    assert [one for one in arrows(found) if one[2] == "cluster"] == [
        ("pg pg-1", "pg pg-2", "cluster", 1),
        ("pg pg-1", "pg pg-3", "cluster", 1),
    ]
    assert marks(found)["pg-3"] == ["single: no second copy"]
    assert {host.lines for host in found.hosts if host.kind == "member"} == {("PostgreSQL 17", "cluster shop")}


S3 = {"url": "s3://backups/eu"}
S3_HOOKS = {"pre_archive_retry_script": {"ready": "s3"}, "post_backup_retry_script": {"ready": "s3"}}
KEYS = {"barman_s3_access_key": "x", "barman_s3_secret_key": "x"}


def test_exports_have_a_target() -> None:
    to_s3 = server(1, barman_s3=S3, barman_hooks=S3_HOOKS, **KEYS)
    to_tape = server(2, barman_hooks={"post_backup_script": {"ready": "tar", "device": "/dev/st0"}})
    found = picture({"pg-1": to_s3, "pg-2": to_tape})
    assert [one for one in arrows(found) if one[2] == "export"] == [
        ("backup backup-eu", "target s3://backups/eu", "export", 1),
        ("backup backup-eu", "target backup-eu:/dev/st0", "export", 1),
    ]
    # A tape of the backup server is on the same machine.
    assert marks(found) == {
        **{"pg-1": [], "pg-2": ["single: no second copy"], "backup-us": [], "s3://backups/eu": [], "/dev/st0": []},
        "backup-eu": ["single: in the zone of its servers"],
    }


def test_snapshots_are_in_the_cloud() -> None:
    options = {
        "snapshot_provider": "gcp",
        "gcp_project": "x",
        "gcp_zone": "z",
        "snapshot_instance": "i",
        "snapshot_disks": ["d"],
    }
    found = picture({"pg-1": server(1, barman_backup_method="snapshot", barman_options=options)})
    assert arrows(found)[0] == ("pg pg-1", "target gcp", "snapshot", 1)
    assert found.hosts[-1].title == "snapshots at gcp"


def test_what_is_single_and_what_fails_is_marked() -> None:
    servers: Hosts = {"orders": server(1), "far-1": server(2, barman_zone="us")}
    assert marks(picture(servers, far_1="receiver stopped")) == {
        "orders": ["single: no second copy"],
        "far-1": ["failing: receiver stopped", "single: no second copy"],
        "backup-eu": [],
        "backup-us": [],
    }
    assert marks(picture({"orders": server(1)}))["backup-eu"] == ["single: in the zone of its servers"]
    # Findings of the advice have them, too.
    assert set(map(tuple, marks(picture({"orders": server(1)}, advised=True)).values())) == {()}


@pytest.mark.parametrize("count", FLEETS)
def test_every_server_is_in_the_picture(count: int) -> None:
    servers, backups = FLEETS[count]()
    found = draw(topology_of(servers, backups))
    assert sorted(name for host in found.hosts for name in host.members) == sorted([*servers, *backups])
    assert len(found.hosts) <= 6 * len(backups)
    keys = {host.key for host in found.hosts}
    assert {end for one in found.arrows for end in (one.source, one.target)} <= keys


def test_a_failure_is_never_hidden_in_a_group() -> None:
    servers = {f"pg-{number:03}": server(number) for number in range(60)}
    assert [host.title for host in picture(servers, pg_002="no backup for 3 days").hosts] == [
        *("59 servers", "pg-002", "backup-eu", "backup-us"),
    ]
    failures = {f"pg-{number:03}": [Mark("failing", f"reason {number % 5}")] for number in range(20)}
    found = draw(topology_of(servers, BACKUPS), failures)
    assert [host.title for host in found.hosts] == ["20 servers", "40 servers", "backup-eu", "backup-us"]
    assert marks(found)["20 servers"] == [
        *(f"failing: reason {number} ×4" for number in range(3)),
        *("failing: 2 more", "single: no second copy"),
    ]


def test_standbys_are_grouped_as_their_primaries() -> None:
    servers: Hosts = {}
    for number in range(MOST_SERVERS):
        servers[f"pg-{number}"] = {**server(number), "barman_backup_server": None}
        servers[f"standby-{number}"] = server(100 + number, barman_primary=f"pg-{number}")
    found = picture(servers)
    assert [(host.title, host.kind) for host in found.hosts[:2]] == [
        ("12 servers", "postgres"),
        ("12 servers", "standby"),
    ]
    assert ("pg pg-0", "pg standby-0", "replication", 12) in arrows(found)


def test_a_screen_reader_gets_every_host_and_every_arrow() -> None:
    found = picture({"orders": server(1, barman_synchronous=True)}, orders="receiver stopped")
    assert described(found) == (
        "PostgreSQL server orders in zone eu: PostgreSQL 17; failing: receiver stopped; a single point of failure: no second copy. "
        "Backup server backup-eu in zone eu: backs up 1 server; a single point of failure: in the zone of its servers. "
        "Backup server backup-us in zone us. "
        "From orders to backup-eu: base backup, pg_basebackup. "
        "From orders to backup-eu: WAL, streamed, commits wait for it."
    )


def test_a_screen_reader_gets_groups() -> None:
    servers: dict[str, Any] = {f"pg-{number:02}": server(number) for number in range(13)}
    assert described(picture(servers)).startswith(
        "PostgreSQL servers 13 servers (pg-00, pg-01, … pg-12) in zone eu: PostgreSQL 17; a single point of failure: no second copy."
    )
