# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings, the acceptances of the inventory, and what fails a run."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.acceptance import (
    Acceptance,
    decide,
    fail_on_word,
    failing,
    read_accepted,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.codes import ADVICE, DECLARED, MEASURED, SEVERITIES
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.finding import Unmeasured, finding, in_order, joined

ITEM = {"code": "single_zone", "subject": "eu", "reason": "one building", "until": "2027-06-30"}
TODAY = date(2026, 11, 30)


def test_the_table_has_each_code_once_and_all_its_words() -> None:
    assert len(ADVICE) == len(DECLARED) + len(MEASURED)
    assert all(not one.measured for one in DECLARED)
    assert all(one.measured for one in MEASURED)
    for one in ADVICE.values():
        assert one.severity in SEVERITIES
        assert all((one.title, one.reason, one.cost, one.remedy))


def test_a_finding_has_the_shape_that_others_read() -> None:
    found = finding("single_zone", "eu", "pg and backup are in zone eu")
    assert found.as_dict() == {
        "code": "single_zone",
        "subject": "eu",
        "severity": "warning",
        "evidence": "pg and backup are in zone eu",
        "reason": ADVICE["single_zone"].reason,
        "cost": ADVICE["single_zone"].cost,
        "remedy": ADVICE["single_zone"].remedy,
        "accepted": None,
    }
    (accepted,) = decide([found], [Acceptance("single_zone", "eu", "one building", TODAY)], TODAY).findings
    assert accepted.as_dict()["accepted"] == {"reason": "one building", "until": "2026-11-30"}
    assert Unmeasured("same_disk", "pg", "facts").as_dict() == {
        "code": "same_disk",
        "subject": "pg",
        "missing": "facts",
    }


def test_the_most_severe_finding_is_first_and_none_is_there_twice() -> None:
    given = [
        finding("no_drill_schedule", "pg", ""),
        finding("single_zone", "us", "first"),
        finding("same_disk", "pg", ""),
        finding("single_zone", "us", "second"),
        finding("single_zone", "eu", ""),
    ]
    found = in_order(given)
    assert [(one.code, one.subject) for one in found] == [
        ("same_disk", "pg"),
        ("single_zone", "eu"),
        ("single_zone", "us"),
        ("no_drill_schedule", "pg"),
    ]
    assert found[2].evidence == "first"


def test_the_evidences_of_one_cause_are_joined_and_each_cause_is_a_finding() -> None:
    same = [finding("same_disk", "pg", evidence) for evidence in ("first", "second", "first")]
    assert [(one.subject, one.evidence) for one in joined(same)] == [("pg", "first; second")]
    one = finding("copies_share_machine", "b", "a and b", "a")
    assert [each.subject for each in joined([one])] == ["b"]
    two = joined([one, finding("copies_share_machine", "b", "c and b", "c")])
    assert [(each.subject, each.evidence) for each in two] == [("b a", "a and b"), ("b c", "c and b")]


def read(value: Any) -> tuple[tuple[Acceptance, ...], list[tuple[str, str, str]]]:
    problems: list[tuple[str, str, str]] = []
    return read_accepted(value, lambda *problem: problems.append(problem)), problems


@pytest.mark.parametrize("until", ["2027-06-30", date(2027, 6, 30), "2027-06-30 00:00:00"])
def test_an_accepted_finding_is_read(until: Any) -> None:
    assert read([{**ITEM, "until": until}]) == (
        (Acceptance("single_zone", "eu", "one building", date(2027, 6, 30)),),
        [],
    )


def test_its_text_form_is_read() -> None:
    text = '[{"code": "single_zone", "subject": "eu", "reason": "one building", "until": "2027-06-30"}]'
    assert read(text) == read([ITEM])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (5, ("", "is the number 5 and no list", "write code, subject, reason and until")),
        ([5], ("[1]", "is the number 5 and no accepted finding", "write code, subject, reason and until")),
        ([{**ITEM, "reasons": "x"}], ("[1]", "has reasons", "did you mean reason?")),
        ([{**ITEM, "xyz": "x"}], ("[1]", "has xyz", "write code, subject, reason and until")),
        ([{**ITEM, "reason": ""}], ("[1].reason", "is missing", "write why the finding is accepted")),
        (
            [{**ITEM, "code": "single_zones"}],
            ("[1].code", "cannot be 'single_zones', which is no finding", "did you mean single_zone?"),
        ),
        (
            [{**ITEM, "code": "xyz"}],
            ("[1].code", "cannot be 'xyz', which is no finding", "write a code of docs/advice.md"),
        ),
        (
            [ITEM, {**ITEM, "until": "soon"}],
            (
                "[2].until",
                "is 'soon', which is not a date",
                'write the last day on which it is accepted, as "2027-06-30"',
            ),
        ),
    ],
)
def test_every_mistake_is_named(value: Any, problem: tuple[str, str, str]) -> None:
    assert read(value)[1] == [problem]


@pytest.mark.parametrize("until", ["2027-06-30xyz", "2027-W10-1", "20270630", "2027-02-30", "2027-06-30 12:00:00"])
def test_only_a_date_ends_an_acceptance(until: str) -> None:
    assert [problem[:2] for problem in read([{**ITEM, "until": until}])[1]] == [
        ("[1].until", f"is {until!r}, which is not a date")
    ]


def test_an_acceptance_holds_until_its_day_and_the_finding_is_open_afterwards() -> None:
    (accepted,) = read([ITEM])[0]
    zone, disk = finding("single_zone", "eu", ""), finding("same_disk", "pg", "")
    on_the_day = decide([zone, disk], [accepted], accepted.until)
    assert [one.code for one in on_the_day.open] == ["same_disk"]
    assert (on_the_day.expired, on_the_day.unused) == ((), ())
    after = decide([zone, disk], [accepted], date(2027, 7, 1))
    assert [one.code for one in after.open] == ["single_zone", "same_disk"]
    assert [str(one) for one in after.expired] == ["single_zone of eu, accepted until 2027-06-30: one building"]
    without = decide([disk], [accepted], TODAY)
    assert without.unused == (accepted,)


def test_the_later_of_two_acceptances_counts() -> None:
    short, long = (Acceptance("single_zone", "eu", "why", date(year, 1, 1)) for year in (2026, 2028))
    for given in ([short, long], [long, short]):
        assert decide([finding("single_zone", "eu", "")], given, TODAY).open == []


def test_an_acceptance_of_another_subject_accepts_nothing() -> None:
    other = Acceptance("single_zone", "us", "why", date(2028, 1, 1))
    assert len(decide([finding("single_zone", "eu", "")], [other], TODAY).open) == 1


def test_codes_and_severities_fail_a_run_but_not_for_an_accepted_finding() -> None:
    zone, disk = finding("single_zone", "eu", ""), finding("same_disk", "pg", "")
    assert failing([zone, disk], ["critical"]) == [disk]
    assert failing([zone, disk], ["single_zone"]) == [zone]
    assert failing([zone, disk], []) == []
    accepted = decide([zone], [Acceptance("single_zone", "eu", "why", TODAY)], TODAY).findings
    assert failing(accepted, ["single_zone", "warning"]) == []


def test_a_word_of_fail_on_is_a_code_or_a_severity() -> None:
    assert [fail_on_word(word) for word in ("critical", " same_disk ")] == ["critical", "same_disk"]
    for value, instead in (
        ("crítical", "did you mean critical?"),
        ("same_disc", "did you mean same_disk?"),
        (5, "write a code"),
    ):
        with pytest.raises(ValueError, match="no") as caught:
            fail_on_word(value)
        assert caught.value.args[1].startswith(instead)
