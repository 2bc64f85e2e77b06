# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ages, windows, sizes and compression, against schedules and versions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import retention
from tests.unit.plugins.plugin_utils._topology.inventories import backup, good, only_problem, pg

DAILY, WEEKLY, MONTHLY = "0 2 * * *", "0 2 * * 0", "0 2 1 * *"


def with_options(**options: Any) -> dict[str, Any]:
    return {"barman_options": options}


def warnings(**variables: Any) -> list[str]:
    return [str(text) for text in good(variables).warnings if "pg: " in str(text)]


# Ages of backups


@pytest.mark.parametrize(
    ("schedule", "age", "message", "instead"),
    [
        (DAILY, "12 HOURS", "is 12 hours, and by the schedule there are up to 1 day", "write 26 HOURS or more"),
        (WEEKLY, "2 DAYS", "is 2 days, and by the schedule there are up to 7 days", "write 170 HOURS or more"),
        (MONTHLY, "4 WEEKS", "up to 31 days", "write 746 HOURS"),
        ("0 3,15 * * 1-5", "1 DAYS", "is 1 day, and by the schedule there are up to 60 hours", "write 62 HOURS"),
    ],
)
def test_an_age_that_the_schedule_can_t_keep(schedule: str, age: str, message: str, instead: str) -> None:
    problem = only_problem({"barman_backup_schedule": schedule, **with_options(last_backup_maximum_age=age)})
    assert (problem.host, problem.variable) == ("pg", "barman_options.last_backup_maximum_age")
    assert message in problem.message
    assert instead in problem.instead


def test_an_age_that_leaves_no_time() -> None:
    (message,) = warnings(barman_backup_schedule=DAILY, **with_options(last_backup_maximum_age="1 DAYS"))
    assert "is 1 day, as long as from one backup to the next" in message
    assert "26 HOURS would leave it time" in message
    assert warnings(barman_backup_schedule=DAILY, **with_options(last_backup_maximum_age="26 HOURS")) == []


def test_increments_are_backups_for_the_age() -> None:
    """Full on Sundays and increments on the other days: a day from one to the next."""
    good({"barman_incremental": "block", **with_options(last_backup_maximum_age="2 DAYS")})
    problem = only_problem(
        {
            "barman_incremental": "block",
            "barman_incremental_schedule": "",
            **with_options(last_backup_maximum_age="2 DAYS"),
        }
    )
    assert "up to 7 days" in problem.message


def test_without_a_schedule_nothing_is_known() -> None:
    assert warnings(barman_backup_schedule="", **with_options(last_backup_maximum_age="1 HOURS")) == []


def test_an_age_of_all_servers_is_blamed_where_it_is() -> None:
    found = only_problem(
        {"barman_backup_schedule": WEEKLY}, {"barman_global_options": {"last_backup_maximum_age": "1 DAYS"}}
    )
    assert (found.host, found.variable) == ("backup", "barman_global_options.last_backup_maximum_age")


# Windows


def test_a_window_shorter_than_from_one_backup_to_the_next() -> None:
    (message,) = warnings(
        barman_backup_schedule=WEEKLY,
        barman_retention_policy="RECOVERY WINDOW OF 3 DAYS",
    )
    assert "window of 3 days is shorter than the 7 days from one full backup" in message
    assert "WAL of up to 10 days" in message
    assert warnings(barman_backup_schedule=WEEKLY, barman_retention_policy="RECOVERY WINDOW OF 7 DAYS") == []
    assert warnings(barman_backup_schedule=WEEKLY, barman_retention_policy="REDUNDANCY 1") == []


# Sizes


def test_a_minimum_size_and_increments() -> None:
    size = with_options(last_backup_minimum_size="1Gi")
    (message,) = warnings(barman_incremental="block", **size)
    assert "increments included" in message
    assert warnings(**size) == []
    assert warnings(barman_incremental="block", barman_incremental_schedule="", **size) == []


# Ages of WAL


def test_wal_of_an_idle_server() -> None:
    age = with_options(last_wal_maximum_age="1 HOURS")
    (message,) = warnings(**age)
    assert "fills no segment for so long" in message
    assert warnings(barman_wal=["archiving"], **age) == []
    assert len(warnings(barman_wal=["archiving"], barman_archive_timeout=0, **age)) == 1


def test_wal_that_is_archived_too_seldom() -> None:
    problem = only_problem(
        {
            "barman_wal": ["streaming", "archiving"],
            "barman_archive_timeout": 7200,
            **with_options(last_wal_maximum_age="1 HOURS"),
        }
    )
    assert "is 1 hour, and a segment may be open for 7200 seconds (barman_archive_timeout)" in problem.message
    assert "write 3 HOURS or more" in problem.instead


# Spans of time in words


@pytest.mark.parametrize(
    ("minutes", "message"),
    [(1440, "1 day"), (10080, "7 days"), (2160, "36 hours"), (60, "1 hour"), (90, "90 minutes"), (1, "1 minute")],
)
def test_words(minutes: int, message: str) -> None:
    assert retention.words(minutes) == message


# What increments need of PostgreSQL


def summaries(**variables: Any) -> Any:
    requirements = good({"barman_incremental": "block", **variables}).requirements["pg"]["postgres"]
    return requirements["settings"].get("wal_summary_keep_time")


def test_summaries_are_kept_from_one_full_backup_to_the_next() -> None:
    """PostgreSQL removes them after ten days, and an increment on an older full backup then fails."""
    assert summaries() is None
    assert summaries(barman_backup_schedule=MONTHLY) == {"minimum": 32 * 1440}
    assert summaries(barman_backup_schedule="") is None
    assert (
        "wal_summary_keep_time"
        not in good({"barman_backup_schedule": MONTHLY}).requirements["pg"]["postgres"]["settings"]
    )


# What compression needs on the hosts


@pytest.mark.parametrize(
    ("variables", "here", "there"),
    [
        (with_options(), ([], []), []),
        (with_options(backup_compression="gzip", compression="gzip"), ([], []), []),
        (with_options(backup_compression="zstd"), (["zstd"], []), ["zstd"]),
        (with_options(backup_compression="lz4", compression="lz4"), (["lz4"], ["lz4"]), ["lz4"]),
        (with_options(compression="bzip2"), (["bzip2"], []), []),
        (with_options(compression="pigz"), (["pigz"], []), []),
        (with_options(compression="zstd"), ([], ["zstandard"]), []),
        (with_options(compression="xz"), ([], []), []),
        (with_options(compression=None), ([], []), []),
        (
            with_options(
                backup_compression="zstd", backup_compression_location="server", backup_compression_format="plain"
            ),
            ([], []),
            [],
        ),
        ({"barman_backup_method": "rsync", **with_options(compression="snappy")}, ([], ["snappy"]), []),
    ],
)
def test_what_compression_needs(variables: dict[str, Any], here: tuple[list[str], list[str]], there: list[str]) -> None:
    requirements = good(variables).requirements
    assert (requirements["backup"]["barman"]["programs"], requirements["backup"]["barman"]["python_modules"]) == here
    assert requirements["pg"]["postgres"]["programs"] == there


def test_a_passive_node_unpacks_what_its_source_compressed() -> None:
    found = good(
        {"barman_passive_servers": ["backup-us"], **with_options(backup_compression="lz4", compression="zstd")},
        more_backup={"backup-us": backup("198.51.100.13")},
    )
    passive = found.requirements["backup-us"]["barman"]
    assert (passive["programs"], passive["python_modules"]) == (["lz4"], ["zstandard"])


def test_archiving_compresses_on_both_sides() -> None:
    found = good({"barman_wal": ["archiving"], "barman_archive_compression": "zstd"}).requirements
    assert found["pg"]["postgres"]["python_modules"] == ["zstandard"]
    assert found["backup"]["barman"]["python_modules"] == ["zstandard"]


def test_what_one_server_needs_another_does_not() -> None:
    found = good(more_pg={"other": pg("198.51.100.22", **with_options(backup_compression="zstd"))}).requirements
    assert found["pg"]["postgres"]["programs"] == []
    assert found["backup"]["barman"]["programs"] == ["zstd"]


# Combinations


def test_increments_on_compressed_backups_need_a_newer_barman_with_any_declaration() -> None:
    problem = only_problem(
        {"barman_incremental": "block"},
        {"barman_version": "3.13.3", "barman_global_options": {"backup_compression": "zstd"}},
    )
    assert (problem.host, problem.variable) == ("backup", "barman_global_options.backup_compression")
    assert "with block increments needs Barman 3.15, and backup has 3.13.3" in problem.message
    good(
        {"barman_incremental": "block", **with_options(backup_compression="zstd")},
        {"barman_version": "3.15"},
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backup_compression": "gzip", "backup_compression_level": 0}, "cannot be 0 with gzip from PostgreSQL 15 on"),
        ({"backup_compression": "gzip", "backup_compression_level": 10}, "cannot be 10 with gzip"),
        ({"backup_compression": "lz4", "backup_compression_level": 13}, "cannot be 13 with lz4"),
        ({"backup_compression": "zstd", "backup_compression_level": 23}, "cannot be 23 with zstd"),
        ({"backup_compression": "lz4", "backup_compression_workers": 2}, "cannot be used with lz4"),
        (
            {"backup_compression": "gzip", "backup_compression_format": "plain"},
            "plain needs backup_compression_location",
        ),
        ({"backup_compression_level": 3}, "has no effect without backup_compression"),
    ],
)
def test_levels_workers_and_formats(options: dict[str, Any], message: str) -> None:
    assert message in only_problem(with_options(**options)).message


def test_level_0_was_allowed_once() -> None:
    good({"barman_postgres_version": 14, **with_options(backup_compression="gzip", backup_compression_level=0)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backup_compression": "zstd"}, "zstd needs PostgreSQL 15 or later, and this is 14"),
        (
            {"backup_compression": "gzip", "backup_compression_location": "server"},
            "server needs PostgreSQL 15 or later",
        ),
    ],
)
def test_what_postgresql_knows_since_15(options: dict[str, Any], message: str) -> None:
    assert message in only_problem({"barman_postgres_version": 14, **with_options(**options)}).message


def test_compression_with_rsync() -> None:
    problem = only_problem({"barman_backup_method": "rsync", **with_options(backup_compression="zstd")})
    assert "works only with the postgres method, and this is rsync" in problem.message


@pytest.mark.parametrize(("method", "version"), [("zstd", "3.11"), ("lz4", "3.4"), ("snappy", "3.13.3")])
def test_wal_compression_by_version(method: str, version: str) -> None:
    problem = only_problem(with_options(compression=method), {"barman_version": version})
    assert f"can be {method} since Barman" in problem.message
