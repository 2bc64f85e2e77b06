# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a failed recovery stands, by what its steps returned."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.failure import Progress, message, progress

RUN = "20261120T083000Z-f3a9c1"
RECOVERY = {"server": "pg", "source": "backup", "target": "pg-host", "in_place": True, "run": RUN}
BEGUN = {"record": {"run": RUN}, "record_file": "/srv/main.pgdr-recovery.json"}
STARTED = {"results": [{"item": RUN, "ansible_job_id": "j1"}]}
OVER = {"jobs": [{"ansible_job_id": "j1", "job_over": True}]}


def found(**results: Any) -> Progress:
    empty: dict[str, Any] = {"begun": {}, "stopped": {}, "started": {}, "ended": {}, "running": {}}
    return progress(RUN, **{**empty, **results})


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({}, Progress()),
        ({"begun": {"failed": True, "msg": "no"}}, Progress()),
        ({"begun": BEGUN}, Progress(begun=True)),
        ({"begun": BEGUN, "stopped": {"changed": True}}, Progress(begun=True, stopped=True)),
        ({"begun": BEGUN, "started": STARTED}, Progress(begun=True, copying=True)),
        ({"begun": BEGUN, "started": STARTED, "ended": OVER}, Progress(begun=True)),
        (
            {"begun": BEGUN, "started": STARTED, "ended": {"jobs": [{"ansible_job_id": "j1", "job_over": False}]}},
            Progress(begun=True, copying=True),
        ),
        (
            {"begun": BEGUN, "started": {"results": [{"item": RUN, "unreachable": True}]}},
            Progress(begun=True, copying=True, source_lost=True),
        ),
        # A job that could not start has no id.
        ({"begun": BEGUN, "started": {"results": [{"item": RUN, "failed": True}]}}, Progress(begun=True)),
        ({"begun": BEGUN, "running": {"run": RUN}}, Progress(begun=True, running=True)),
    ],
)
def test_how_far_it_came(results: dict[str, Any], expected: Progress) -> None:
    assert found(**results) == expected


def test_results_of_an_earlier_recovery_do_not_count() -> None:
    other = "20261119T083000Z-aaaaaa"
    earlier = {
        "begun": {"record": {"run": other}},
        "stopped": {"changed": True},
        "started": {"results": [{"item": other, "ansible_job_id": "j1"}]},
        "running": {"run": other},
    }
    assert found(**earlier) == Progress()
    assert found(**{**earlier, "begun": BEGUN, "stopped": {"changed": False}}) == Progress(begun=True)


def test_a_copy_that_may_run_keeps_the_record() -> None:
    assert found(begun=BEGUN, started=STARTED).record_state == "read"
    assert found(begun=BEGUN, started=STARTED, ended=OVER).record_state == "abandoned"


def text(state: Progress, **more: Any) -> str:
    given: dict[str, Any] = {"record": {}, "restarted": {}, **more}
    return message(
        given.pop("recovery", RECOVERY),
        state,
        task="Stop PostgreSQL",
        error="it hangs",
        data_directory="/srv/main",
        service="pg.service",
        record_file="/srv/main.pgdr-recovery.json",
        **given,
    )


@pytest.mark.parametrize(
    ("state", "more", "expected"),
    [
        (Progress(), {}, "Nothing was done."),
        (
            Progress(begun=True, running=True),
            {},
            "PostgreSQL runs on pg-host, recovered and unprotected: no receiver follows it, its WAL may not be archived, and there is no new "
            "backup. Correct what failed, and run the playbooks pgdr.barman.deploy and pgdr.barman.backup.",
        ),
        (
            Progress(begun=True, running=True),
            {"recovery": {**RECOVERY, "in_place": False}},
            "there is no new backup. Correct what failed.",
        ),
        (
            Progress(begun=True, stopped=True),
            {"restarted": {"state": "started"}},
            "Nothing was moved yet, and PostgreSQL on pg-host (pg.service) was started again with what it had.",
        ),
        (
            Progress(begun=True, stopped=True, copying=True, source_lost=True),
            {"record": {"unreachable": True}},
            "pg-host can't be reached either. Its PostgreSQL (pg.service) was stopped, and what was moved is recorded in "
            "/srv/main.pgdr-recovery.json there. The copy to /srv/main may be going on in the background. When the hosts answer again",
        ),
        (
            Progress(begun=True, copying=True),
            {"record": {"untouched": False}},
            "The copy to /srv/main may be going on in the background on backup. Start PostgreSQL on pg-host (pg.service) only when it has ended",
        ),
        (
            Progress(begun=True),
            {"record": {"untouched": True, "startable": True}},
            '/srv/main is as it was. To go on with it, run "systemctl start pg.service" on pg-host.',
        ),
        (
            Progress(begun=True),
            {"record": {"untouched": False, "startable": False, "messages": ["The data is in /srv/old."]}},
            "PostgreSQL on pg-host (pg.service) was stopped for it. The data is in /srv/old.",
        ),
    ],
)
def test_the_message_has_the_state_of_the_recovery(state: Progress, more: dict[str, Any], expected: str) -> None:
    shown = text(state, **more)
    assert shown.startswith('The recovery of pg stopped at "Stop PostgreSQL": it hangs')
    assert expected in shown
