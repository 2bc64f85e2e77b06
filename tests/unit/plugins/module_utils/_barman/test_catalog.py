# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import catalog
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup, CatalogError
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration

FIXTURES = Path(__file__).parents[1] / "fixtures"


def server(tmp_path: Path) -> ServerConfiguration:
    options = {"backup_directory": str(tmp_path), "basebackups_directory": str(tmp_path / "base")}
    return ServerConfiguration("pg", options, "")


def parse(text: str, backup_id: str = "20261120T085844") -> Backup:
    return catalog.parse_backup(backup_id, text, "/x")


def backup(backup_id: str, status: str = "DONE", **values: object) -> Backup:
    return Backup(backup_id, status, "/x", **values)  # type: ignore[arg-type]


def test_a_recorded_file() -> None:
    found = parse((FIXTURES / "backup.info").read_text())
    utc = UTC
    assert found.done
    assert found.copied
    assert (found.backup_type, found.mode, found.server_name) == ("full", "postgres", "pg")
    assert found.begin_time == datetime(2026, 11, 20, 8, 58, 44, 596731, utc)
    assert found.end_time == datetime(2026, 11, 20, 8, 58, 46, 643441, utc)
    assert (found.begin_wal, found.end_wal) == ("000000010000000000000003", "000000010000000000000004")
    assert (found.begin_lsn, found.end_lsn, found.timeline) == ("0/3000028", "0/4000000", 1)
    assert (found.size, found.cluster_size, found.segment_size) == (23601253, 23802293, 16777216)
    assert (found.version, found.major_version, found.systemid) == (170012, 17, "7710174482648792149")
    assert found.copy_seconds == 2.022127
    assert found.duration == pytest.approx(2.04671)
    assert found.included_files == ("/etc/postgresql/17/main/conf.d/l.conf",)
    assert (found.parent_backup_id, found.children_backup_ids, found.error, found.tablespaces) == (None, (), None, ())
    assert found.age(datetime(2026, 11, 20, 9, 58, 46, 643441, utc)) == timedelta(hours=1)


def test_the_answer_is_plain_data() -> None:
    answer = parse((FIXTURES / "backup.info").read_text()).as_dict()
    assert json.loads(json.dumps(answer)) == answer
    assert answer["begin_time"] == "2026-11-20T08:58:44.596731+00:00"
    assert answer["children_backup_ids"] == []


def test_tablespaces_and_children() -> None:
    text = "status=DONE\ntablespaces=[('tbs', 16387, '/srv/t')]\nparent_backup_id=a\nchildren_backup_ids=b,c\nmode=postgres\n"
    found = parse(text)
    assert found.as_dict()["tablespaces"] == [{"name": "tbs", "oid": 16387, "location": "/srv/t"}]
    assert (found.children_backup_ids, found.backup_type, found.incremental) == (("b", "c"), "incremental", True)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("rsync-concurrent", "rsync"),
        ("local-rsync-concurrent", "rsync"),
        ("snapshot", "snapshot"),
        ("postgres", "full"),
    ],
)
def test_type(mode: str, kind: str) -> None:
    assert parse(f"mode={mode}\nstatus=DONE\n").backup_type == kind


@pytest.mark.parametrize("written", ["2026-11-20 07:01:56+00:00", "2026-11-20T07:01:56Z", "2026-11-20 08:01:56+01:00"])
def test_times(written: str) -> None:
    assert parse(f"end_time={written}\nstatus=DONE\n").end_time == datetime(2026, 11, 20, 7, 1, 56, tzinfo=UTC)


@pytest.mark.parametrize("written", ["2026-11-20 07:01:56", "Fri Nov 20 07:01:56 2026"])
def test_times_without_a_zone_are_the_hosts(written: str) -> None:
    assert parse(f"end_time={written}\nstatus=DONE\n").end_time == datetime(2026, 11, 20, 7, 1, 56).astimezone()


def test_a_backup_that_has_just_begun() -> None:
    found = parse("# made by Barman\n\nstatus=STARTED\nend_time=None\n")
    assert (found.done, found.copied, found.end_time, found.duration) == (False, False, None, None)
    assert found.age(datetime.now(UTC)) is None


def test_an_empty_file_is_an_empty_backup() -> None:
    assert parse("").status == "EMPTY"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # As a power cut leaves it: the keys stand in alphabetical order. It is no interrupted backup, and must not be deleted.
        ("begin_wal=000000010000000000000003\nbegin_xlog=0/30\n", "is truncated: it has no status"),
        ("nonsense\n", "a line that is not 'key=value': nonsense"),
        ("size=big\nstatus=DONE\n", "is not valid"),
        ("tablespaces=[(1,\nstatus=DONE\n", "is not valid"),
        ("copy_stats=[1]\nstatus=DONE\n", "is not valid"),
        ("end_time=yesterday\nstatus=DONE\n", "is not valid"),
    ],
)
def test_a_broken_file_is_named(text: str, message: str) -> None:
    with pytest.raises(CatalogError, match="/x .*" + message if "cut off" not in message else message):
        parse(text)


def test_the_second_copy_of_a_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    (tmp_path / "base" / "20260102T000000").mkdir(parents=True)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "20260102T000000-backup.info").write_text("begin_wal=000000010000000000000003\n")
    server = ServerConfiguration(
        "pg", {"backup_directory": str(tmp_path), "basebackups_directory": str(tmp_path / "base")}, "pg.conf"
    )
    second = tmp_path / "base" / "20260102T000000" / "backup.info"
    second.write_text("begin_wal=0000")
    with pytest.raises(CatalogError, match="has no status") as caught:
        catalog.read_backups(server)
    assert "An intact copy" not in str(caught.value)
    second.write_text("status=DONE\n")
    with pytest.raises(CatalogError, match=f"An intact copy is {second}"):
        catalog.read_backups(server)


def test_old_and_new_places(tmp_path: Path) -> None:
    for backup_id in ("20260101T000000", "20260102T000000"):
        (tmp_path / "base" / backup_id).mkdir(parents=True)
        (tmp_path / "base" / backup_id / "backup.info").write_text("status=DONE\nsize=1\n")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "20260102T000000-backup.info").write_text("status=DONE\nsize=2\n")
    (tmp_path / "meta" / "20260103T000000-backup.info").write_text("status=FAILED\n")
    (tmp_path / "meta" / "20260103T000000-backup.info.tmp").write_text("half")
    (tmp_path / "base" / "lost+found").mkdir()
    found = catalog.read_backups(server(tmp_path))
    assert [(item.backup_id, item.size) for item in found] == [
        ("20260101T000000", 1),
        ("20260102T000000", 2),
        ("20260103T000000", None),
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("{'copy_time': 3.5, 'total_time': 4.25}", 4.25),
        ("{'copy_time': 3.5, 'total_time': 4.25, 'number_of_workers': 1}", 4.25),
        ("{'total_time': 4}", 4.0),
        ("{'copy_time': 3.5}", 3.5),
        ("{}", None),
        ("None", None),
    ],
)
def test_how_long_the_copy_took(text: str, seconds: float | None) -> None:
    assert catalog.parse_backup("a", f"status=DONE\ncopy_stats={text}\n", "backup.info").copy_seconds == seconds


@pytest.mark.parametrize("more", ["\n", "# a = comment\n", "  # b\n", " size = 7 \n"])
def test_lines_that_barman_does_not_write_are_read_as_barman_reads_them(more: str) -> None:
    found = catalog.parse_backup("a", f"status=DONE \n{more}timeline=2\nerror=None \n", "backup.info")
    assert (found.status, found.timeline, found.error) == ("DONE", 2, None)
    assert found.size == (7 if "size" in more else None)


def test_keeps_in_old_and_new_places(tmp_path: Path) -> None:
    for backup_id in ("a", "b", "c"):
        (tmp_path / "base" / backup_id / "annotations").mkdir(parents=True)
        (tmp_path / "base" / backup_id / "backup.info").write_text("status=DONE\n")
    (tmp_path / "base" / "a" / "annotations" / "keep").write_text("full")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "b-keep").write_text("standalone\n")
    assert [item.keep for item in catalog.read_backups(server(tmp_path))] == ["full", "standalone", None]


def test_no_directory_is_no_backup(tmp_path: Path) -> None:
    assert catalog.read_backups(server(tmp_path / "none")) == []


BACKUPS = [
    backup("20260101T000000", name="first"),
    backup("20260102T000000", "FAILED"),
    backup("20260103T000000", timeline=2),
    backup("20260104T000000", parent_backup_id="20260103T000000", name="twice"),
    backup("20260105T000000", "WAITING_FOR_WALS", name="twice"),
    backup("20260106T000000", "FAILED"),
]


@pytest.mark.parametrize(
    ("requested", "day"),
    [
        ("latest", 4),
        ("last", 4),
        ("oldest", 1),
        ("first", 1),
        ("latest-full", 3),
        ("last-full", 3),
        ("last-failed", 6),
        ("20260105T000000", 5),
    ],
)
def test_find(requested: str, day: int) -> None:
    assert catalog.find(reversed(BACKUPS), requested).backup_id == f"2026010{day}T000000"


def test_a_shortcut_goes_before_a_name() -> None:
    assert catalog.find([backup("1", name="latest"), backup("2")], "latest").backup_id == "2"


def test_a_name_that_two_have() -> None:
    with pytest.raises(
        CatalogError, match=r"several backups of server 'pg' have the name 'twice'.*: 20260104T000000, 2026"
    ):
        catalog.find(BACKUPS, "twice", "pg")


def test_none_such() -> None:
    with pytest.raises(
        CatalogError, match=r"backup 'x' of server 'pg' does not exist; the backups are: 20260101T000000, .*\(FAILED\)"
    ):
        catalog.find(BACKUPS, "x", "pg")
    with pytest.raises(CatalogError, match="the backups are: none"):
        catalog.find([], "latest")


def test_latest_and_oldest() -> None:
    newest, first, second = catalog.latest(BACKUPS), catalog.oldest(BACKUPS), catalog.latest(BACKUPS, timeline=2)
    assert newest is not None
    assert newest.backup_id == "20260104T000000"
    assert first is not None
    assert first.backup_id == "20260101T000000"
    assert second is not None
    assert second.backup_id == "20260103T000000"
    assert catalog.latest(BACKUPS[1:2]) is None
    assert catalog.oldest([]) is None
