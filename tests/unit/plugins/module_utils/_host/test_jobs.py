# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._host.jobs import (
    Announcer,
    JobObservation,
    JobState,
    Verdict,
    activity,
    advice,
    duration,
    interval,
    verdict_on,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.sizes import human_size


def judged(*observations: JobObservation, timeout: float = 86400, unreachable_timeout: float = 600) -> Verdict:
    return verdict_on(observations, timeout=timeout, unreachable_timeout=unreachable_timeout)


def observed(time: float, **facts: object) -> JobObservation:
    return JobObservation(time, **{"boot_id": "first", "processes": (11, 12), **facts})  # type: ignore[arg-type]


def test_a_job_with_a_process_is_waited_for() -> None:
    assert judged(observed(0), observed(5)) == Verdict(JobState.WAITING, final=False)


def test_a_complete_result_ends_the_wait_whatever_became_of_host_and_process() -> None:
    last = observed(5, finished=True, processes=(), boot_id="second")
    assert judged(observed(0), last) == Verdict(JobState.DONE, final=True)


def test_a_process_that_is_gone_without_a_result_is_dead() -> None:
    verdict = judged(observed(0), observed(5, processes=()))
    assert (verdict.state, verdict.final) == (JobState.DEAD, True)
    assert "the job's process 11 has ended without a result" in verdict.reason


def test_a_job_that_never_had_a_process_is_dead() -> None:
    assert judged(observed(0, processes=())).state is JobState.DEAD


def test_a_restart_is_recognised_by_the_boot_id_even_if_a_process_has_the_same_number() -> None:
    verdict = judged(observed(0), JobObservation(5, error="no route"), observed(60, boot_id="second"))
    assert (verdict.state, verdict.final) == (JobState.DEAD, True)
    assert "restarted" in verdict.reason


def test_a_boot_id_that_can_not_be_read_proves_no_restart() -> None:
    assert judged(observed(0), observed(5, boot_id=None)).state is JobState.WAITING
    assert judged(observed(0, boot_id=None), observed(5)).state is JobState.WAITING


@pytest.mark.parametrize(("silence", "final"), [(599, False), (600, True)])
def test_a_host_that_does_not_answer_is_asked_again_for_a_while(silence: float, final: bool) -> None:
    verdict = judged(observed(0), observed(100), JobObservation(100 + silence, error="timed out"))
    assert (verdict.state, verdict.final) == (JobState.UNREACHABLE, final)


def test_a_host_that_answers_again_has_the_whole_time_again() -> None:
    away = JobObservation(500, error="timed out")
    assert not judged(observed(0), away, observed(550), JobObservation(1100, error="timed out")).final


def test_a_job_beyond_its_time_is_overdue() -> None:
    verdict = judged(observed(0), observed(100), timeout=100)
    assert (verdict.state, verdict.final) == (JobState.OVERDUE, True)


_OBSERVATIONS = st.lists(
    st.builds(
        JobObservation,
        time=st.floats(0, 1e6),
        error=st.none() | st.just("away"),
        boot_id=st.none() | st.sampled_from(["a", "b"]),
        finished=st.booleans(),
        processes=st.sampled_from([(), (1,), (1, 2)]),
    ),
    min_size=1,
    max_size=8,
).map(lambda items: sorted(items, key=lambda item: item.time))


@given(_OBSERVATIONS)
def test_only_a_job_with_a_process_or_an_unknown_one_is_waited_for(observations: list[JobObservation]) -> None:
    verdict, last = judged(*observations), observations[-1]
    if not verdict.final:
        assert last.error is not None or (bool(last.processes) and not last.finished)
    if verdict.state is JobState.DONE:
        assert last.error is None
        assert last.finished
    assert bool(verdict.reason) == (verdict.state not in (JobState.DONE, JobState.WAITING))


@given(st.floats(0, 1e6))
def test_a_dead_job_is_looked_at_within_a_minute_and_a_long_one_seldom(elapsed: float) -> None:
    assert 2 <= interval(elapsed) <= 30
    if 20 <= elapsed <= 300:
        assert interval(elapsed) == pytest.approx(elapsed / 10)


def test_lines_come_at_growing_intervals_and_at_once_if_the_work_changes() -> None:
    announcer, elapsed, shown = Announcer(), 0.0, []
    while elapsed < 276:
        if announcer.due(elapsed, "waiting for checkpoint"):
            shown.append(round(elapsed))
        elapsed += interval(elapsed)
    assert len(shown) <= 10
    assert announcer.due(elapsed, "streaming")
    assert not announcer.due(elapsed + 1, "streaming")


def test_a_day_of_the_same_work_is_less_than_a_hundred_lines() -> None:
    announcer, elapsed, shown = Announcer(), 0.0, 0
    while elapsed < 86400:
        shown += announcer.due(elapsed, "copying")
        elapsed += interval(elapsed)
    assert shown < 100


def test_the_line_has_what_a_job_waits_for_and_for_how_long() -> None:
    operations: list[dict[str, Any]] = [
        {"operation": "backup", "server": "pg", "phase": "waiting for checkpoint to finish", "phase_duration": 40},
        {"operation": "check", "servers": ["pg", "other"], "phase": "checking"},
        {"operation": "backup", "server": "other", "phase": "copying", "bytes_done": 5_000_000, "bytes_total": 105e6},
    ]
    text, work = activity(operations, "pg")
    assert text == "backup: waiting for checkpoint to finish for 40 s, check: checking"
    assert work == ("backup waiting for checkpoint to finish", "check checking")
    assert activity(operations, "other")[0] == "check: checking, backup: copying, 4.8 MiB of 100.1 MiB"
    assert activity([{"operation": "recover", "server": "pg", "segments_done": 3, "segments_total": 9}], "pg") == (
        "recover: started, 3 of 9 WAL segments",
        ("recover None",),
    )
    assert activity(operations, "nobody") == ("", ())


def test_numbers_for_people() -> None:
    assert [duration(seconds) for seconds in (0, 119, 120, 3599, 12000)] == [
        "0 s",
        "119 s",
        "2 min",
        "59 min",
        "3 h 20 min",
    ]
    assert [human_size(number) for number in (0, 1023, 1024, 105e6, 1.25e12)] == [
        "0 bytes",
        "1023 bytes",
        "1.0 KiB",
        "100.1 MiB",
        "1.1 TiB",
    ]


def test_the_advice_names_a_process_that_still_works() -> None:
    dead = Verdict(JobState.DEAD, final=True)
    assert "process 13 of the job still runs" in advice(dead, "backup-eu", [13])
    assert "Then run the playbook again" in advice(dead, "backup-eu", [])
    assert "may still run on backup-eu" in advice(Verdict(JobState.UNREACHABLE, final=True), "backup-eu", [])
