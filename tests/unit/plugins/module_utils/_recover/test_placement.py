# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided about each directory that a recovery fills."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination_state import (
    DestinationDirectory,
    DestinationState,
    DirectoryKind,
)
from ansible_collections.pgdr.barman.plugins.module_utils._recover.placement import Placement, place_all

DATA = DestinationDirectory("/data/pg", "directory", "PG_VERSION base", writable=True, movable=True, own=True)
FAST = DestinationDirectory("/srv/fast", "directory", "PG_17_202406281", writable=True, movable=True, own=True)
WAL = DestinationDirectory("/wal/pg_wal", "directory", "000000010000000000000001", writable=True, own=True)


def placed(
    place: DestinationDirectory,
    fast: DestinationDirectory | None = None,
    wal: DestinationDirectory | None = None,
    *,
    root: bool = False,
) -> Placement:
    state = DestinationState(place, {} if fast is None else {"fast": fast}, user="postgres", wal=wal)
    return place_all(state, "move_aside", " on pg", root_creates=root)


def test_what_can_be_renamed_is_renamed_before_the_copy() -> None:
    placement = placed(DATA, FAST)
    assert placement.problems == []
    assert placement.renamed == [DATA, FAST]
    assert placement.swapped == {}


@pytest.mark.parametrize("fast", [replace(FAST, mount=True), replace(FAST, link=True), replace(FAST, others=True)])
def test_one_that_stays_has_all_of_them_swapped_after_the_copy(fast: DestinationDirectory) -> None:
    placement = placed(DATA, fast)
    assert placement.problems == []
    assert placement.renamed == []
    assert placement.swapped == {"/data/pg": True, "/srv/fast": False}
    assert placement.displaced == ["/data/pg", "/srv/fast"]


def test_a_directory_below_one_of_root_is_swapped() -> None:
    placement = placed(DATA, replace(FAST, movable=False))
    assert placement.problems == []
    assert placement.swapped == {"/data/pg": True, "/srv/fast": False}


def test_a_directory_of_somebody_else_is_refused_with_the_remedy() -> None:
    placement = placed(DATA, replace(FAST, movable=False, writable=False))
    assert placement.problems == [
        "/srv/fast on pg can't be moved aside: 'postgres' can write neither to it nor to /srv. Give it to 'postgres' (chown), "
        "or restore it to another directory"
    ]


def test_what_is_immutable_or_of_somebody_else_inside_is_found() -> None:
    assert placed(replace(DATA, stuck="postgresql.auto.conf")).problems == []
    (problem,) = placed(replace(DATA, mount=True, stuck="postgresql.auto.conf ")).problems
    assert problem.startswith("postgresql.auto.conf in /data/pg on pg can't be moved by 'postgres'")


def test_what_is_mounted_below_a_directory_is_refused() -> None:
    (problem,) = placed(replace(DATA, mounts=("/data/pg/pg_wal",))).problems
    assert "make /data/pg/pg_wal a symbolic link" in problem


@pytest.mark.parametrize(
    "path",
    [
        "/etc/systemd/system/cron.service.d",
        "/etc/cron.d",
        "/srv/../etc/sudoers.d/x",
        "/root/.ssh",
        "/usr/local/sbin",
        "/home/alice/.ssh",
        "/var/spool/cron/crontabs",
        "/srv",
    ],
)
@pytest.mark.parametrize("kind", ["", "directory"])
@pytest.mark.parametrize("root", [True, False])
def test_root_makes_no_directory_in_the_system_for_a_backup_that_names_one(
    path: str, kind: DirectoryKind, root: bool
) -> None:
    """Where a tablespace was, Barman's catalogue says, which Barman's user can write."""
    placement = placed(DATA, DestinationDirectory(path, kind, ancestor="/"), root=root)
    assert placement.missing == []
    (problem,) = placement.problems
    assert problem.startswith(f"{path} on pg is, or is in, a directory of the system")
    assert "barman_recover_tablespaces" in problem


@pytest.mark.parametrize("path", ["/srv/fast", "/var/lib/postgresql/17/ts", "/mnt/disk/ts", "/opt/pg/ts", "/data"])
def test_elsewhere_root_makes_it(path: str) -> None:
    assert placed(DATA, DestinationDirectory(path, ancestor="/"), root=True).problems == []


def test_a_missing_directory_is_left_to_root() -> None:
    missing = DestinationDirectory("/srv/fast", ancestor="/srv")
    (problem,) = placed(DATA, missing).problems
    assert problem == (
        "'postgres' can't write to /srv on pg. Create /srv/fast there as root, owned by 'postgres' with mode 0700"
    )
    placement = placed(DATA, missing, root=True)
    assert placement.problems == []
    assert placement.missing == [missing]


@pytest.mark.parametrize(
    ("wal", "expected"),
    [
        (replace(WAL, writable=False), "pg_wal is to be in /wal/pg_wal on pg, and 'postgres' can't write there"),
        (replace(WAL, kind="other"), "pg_wal is a link to /wal/pg_wal on pg, which is not a directory"),
        (replace(WAL, stuck="x"), "x in /wal/pg_wal on pg can't be moved by 'postgres'"),
        (replace(WAL, path="/srv/fast/pg_wal"), "pg_wal is to be in /srv/fast/pg_wal on pg, which /srv/fast shares"),
    ],
)
def test_a_pg_wal_that_cannot_be_linked_again_is_refused(wal: DestinationDirectory, expected: str) -> None:
    (problem,) = placed(DATA, FAST, wal).problems
    assert problem.startswith(expected)
    assert "barman_recover_wal_directory" in problem


def test_a_link_into_the_data_directory_itself_goes_with_it() -> None:
    placement = placed(DATA, wal=replace(WAL, path="/data/pg/wal"))
    assert placement.problems == []
    assert placement.wal is None
