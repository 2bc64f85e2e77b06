# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the server that answers is the recovered one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.action import require_recovered
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._recovery.test_running import ANSWER, SAME

RUN = "20261120T083000Z-f3a9c1"
GIVEN: dict[str, Any] = {
    "run": RUN,
    "answer": ANSWER,
    "files": SAME,
    "data_directory": "/srv/main",
    "timeline": 10,
    "port": 5432,
}


def test_the_recovered_server_has_its_run_its_timeline_and_the_time() -> None:
    before = time.time()
    found = run_action(require_recovered, **GIVEN)
    assert before <= found.pop("time") <= time.time()
    assert found == {"changed": False, "run": RUN, "timeline": 11}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"answer": {**ANSWER, "in_recovery": True, "paused": True}},
            "The recovered server paused in the middle of its recovery. Read PostgreSQL's log for the reason.",
        ),
        (
            {"files": [SAME[0], {"dev": 1, "inode": 3}], "timeline": 11},
            "PostgreSQL on port 5432 runs with /srv/main, and /srv/main was recovered. "
            "It is on timeline 11, and a recovered server would be on one after 11.",
        ),
    ],
)
def test_another_server_is_an_error_with_every_reason(changes: dict[str, Any], expected: str) -> None:
    assert failed_action(require_recovered, **{**GIVEN, **changes}) == (expected, {})


def test_it_compares_with_all_of_its_arguments() -> None:
    message, _result = failed_action(require_recovered, run=RUN, answer=ANSWER)
    assert message == "missing required arguments: data_directory, files, port, timeline"
