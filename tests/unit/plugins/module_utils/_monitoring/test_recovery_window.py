# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovery windows, against the slower functions that recoveries use."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import Archive
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.recovery_window import (
    RecoveryWindow,
    contiguous,
    reach,
    recovery_windows,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.timeline_history import (
    TimelineSegment,
    gaps,
    last_without_gap,
)

SIZE = wal.DEFAULT_SEGMENT_SIZE


def segment(number: int, timeline: int = 1) -> wal.Segment:
    return wal.segment_of_number(timeline, number)


def archive(*numbers: int, partial: int | None = None, timeline: int = 1) -> Archive:
    partials = {} if partial is None else {segment(partial, timeline): f"partial {partial}"}
    return Archive({segment(one, timeline): f"file {one}" for one in numbers}, partials, {})


def backup(backup_id: str, begin: int, end: int | None = None, **values: object) -> Backup:
    return Backup(
        backup_id,
        "DONE",
        "",
        begin_wal=str(segment(begin)),
        end_wal=str(segment(begin if end is None else end)),
        end_time=datetime(2026, 11, int(backup_id), tzinfo=UTC),
        end_lsn="0/0",
        **values,  # type: ignore[arg-type]
    )


def windows(backups: list[Backup], files: Archive) -> list[RecoveryWindow]:
    return recovery_windows(backups, files, contiguous(files), lambda path: float(path.split()[-1]))


@given(st.data())
def test_reach_is_what_a_recovery_reaches(data: st.DataObject) -> None:
    """Along any history, from any segment."""
    switches = sorted(data.draw(st.lists(st.integers(1, 12), max_size=3)))
    history, begin = [], 0
    for timeline, switch in enumerate(switches, 1):
        history.append(TimelineSegment(timeline, begin * SIZE, switch * SIZE + 40))
        begin = switch
    history.append(TimelineSegment(len(switches) + 1, begin * SIZE, None))
    present = data.draw(st.sets(st.builds(segment, st.integers(0, 14), st.integers(1, len(history))), min_size=1))
    start = data.draw(st.sampled_from(sorted(present)))
    own = next(part for part in history if part.timeline == start.timeline)
    assume(own.begin <= start.begin_lsn() <= (start.begin_lsn() if own.end is None else own.end))
    files = Archive(dict.fromkeys(present, ""), {}, {})
    reached, missing = reach(contiguous(files), start, history)
    assert reached == last_without_gap(present, start, history)
    assert missing == next(iter(gaps(present, start, history)), None)


def test_one_window_to_the_end_of_the_wal() -> None:
    found = windows([backup("10", 2, 3), backup("11", 5)], archive(*range(2, 9)))
    assert found == [
        RecoveryWindow(("10", "11"), datetime(2026, 11, 10, tzinfo=UTC), "0/0", segment(8), 8.0, None, partial=False)
    ]


def test_a_gap_cuts_a_window() -> None:
    found = windows([backup("10", 2), backup("11", 6)], archive(2, 3, 6, 7))
    assert [(one.backups, one.end, str(one.missing)) for one in found] == [
        (("10",), 3.0, f"{segment(4)} to {segment(5)} (2 segments)"),
        (("11",), 7.0, "None"),
    ]


def test_the_segment_that_is_received_counts_at_the_end_only() -> None:
    found = windows([backup("10", 2), backup("11", 6)], archive(2, 3, 6, 7, partial=8))
    assert [(one.end, one.partial) for one in found] == [(3.0, False), (8.0, True)]


def test_a_backup_without_its_own_wal_is_no_window() -> None:
    assert windows([backup("10", 2, 4)], archive(2, 3, 5)) == []
