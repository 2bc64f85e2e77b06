# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another server than the recovered one answers, too."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.running import problems, timeline_of

ANSWER = {"in_recovery": False, "paused": False, "data_directory": "/srv/main", "timeline": "0000000B"}
SAME = [{"dev": 1, "inode": 2}, {"dev": 1, "inode": 2}]


def found(
    answer: dict[str, Any] | None = None, files: list[dict[str, Any]] | None = None, timeline: int = 10
) -> list[str]:
    return problems(
        {**ANSWER, **(answer or {})}, files or SAME, data_directory="/srv/main", timeline=timeline, port=5432
    )


def test_the_recovered_server_is_right() -> None:
    assert found() == []
    assert timeline_of(ANSWER) == 11


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"in_recovery": True, "paused": True}, "The recovered server paused in the middle of its recovery."),
        ({"in_recovery": True, "paused": False}, "The recovered server is still in recovery."),
    ],
)
def test_a_server_that_does_not_recover_is_wrong(answer: dict[str, Any], expected: str) -> None:
    (problem,) = found({**answer, "timeline": None})
    assert problem.startswith(expected)


def test_every_difference_is_reported() -> None:
    problem = found({"data_directory": "/srv/other"}, [{"dev": 1, "inode": 2}, {"dev": 1, "inode": 3}], timeline=11)
    assert problem == [
        "PostgreSQL on port 5432 runs with /srv/other, and /srv/main was recovered.",
        "It is on timeline 11, and a recovered server would be on one after 11.",
    ]
