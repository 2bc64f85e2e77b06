# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates under ansible-runner, as AWX runs them, as far as no host is needed. The scenario controller has the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools import jobs
from tests.tools.jobs import Job, Outcome

PASSWORDS = {
    "pgdr.barman: PostgreSQL passwords": {
        "postgres_password": 'management: {{ nobody }}\'s "secret"',
        "streaming_password": "of the streams",
    }
}
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"barman_postgres_version": "17", "ansible_port": 1},
        "children": {
            "backup": {
                "hosts": {
                    "backup-eu": {"ansible_host": "127.0.0.11", "barman_address": "192.0.2.11"},
                    "backup-us": {"ansible_host": "127.0.0.12", "barman_address": "192.0.2.12"},
                }
            },
            "pg": {
                "vars": {"barman_backup_server": "backup-eu"},
                "hosts": {
                    "pg-eu": {
                        "ansible_host": "127.0.0.21",
                        "barman_address": "192.0.2.21",
                        "barman_passive_servers": "backup-us",
                    },
                    "pg-asia": {"ansible_host": "127.0.0.22", "barman_address": "192.0.2.22"},
                },
            },
        },
    }
}
BY_FORM = ["{}", '{"barman_servers": ""}', '{"barman_servers": null}', '{"barman_servers": "pg-eu\\n"}']


def launch(directory: Path, playbook: str, **settings: Any) -> Outcome:
    inventory = directory / "inventory.json"
    inventory.write_text(json.dumps(settings.pop("hosts", INVENTORY)))
    data = directory / "data"
    data.mkdir()
    job = Job(f"pgdr.barman.{playbook}", [str(inventory)], credentials=PASSWORDS, **settings)
    return jobs.run(job, data)


def reported(outcome: Outcome) -> str:
    return " ".join(outcome.stdout.replace("\\n", " ").split())


def test_a_job_validates_the_inventory_and_shows_no_password(tmp_path: Path) -> None:
    outcome = launch(tmp_path, "validate")
    assert (outcome.status, outcome.leaks) == ("successful", [])
    assert outcome.events > 5


@pytest.mark.parametrize(
    ("playbook", "answers", "message"),
    [
        ("backup", {"barman_backup_at_once": "two"}, "barman_backup_at_once is the text 'two' and no whole number"),
        ("check", {"barman_servers": "pg-oslo\n"}, "barman_servers names pg-oslo"),
        ("deploy", {"barman_recover_take_over": "{unfinished"}, "barman_recover_take_over begins like JSON"),
        ("recover", {"barman_recover_server": "pg-oslo"}, "pg-oslo"),
        ("sync", {"barman_sync_timeout": "soon"}, "barman_sync_timeout is the text 'soon' and no whole number"),
    ],
)
def test_a_wrong_answer_fails_before_any_host_is_connected_to(
    tmp_path: Path, playbook: str, answers: dict[str, str], message: str
) -> None:
    outcome = launch(tmp_path, playbook, answers=answers)
    assert (outcome.status, outcome.leaks) == ("failed", [])
    assert message in reported(outcome)
    assert "UNREACHABLE" not in outcome.stdout


@pytest.mark.parametrize("answers", BY_FORM)
def test_empty_answers_are_the_defaults_and_no_event_has_a_password(tmp_path: Path, answers: str) -> None:
    """The hosts do not exist: the job reaches them, and its result names them."""
    outcome = launch(tmp_path, "check", answers=json.loads(answers), limit="backup-us")
    assert outcome.leaks == []
    assert "UNREACHABLE" in outcome.stdout


def test_a_time_is_no_mistake(tmp_path: Path) -> None:
    """ansible-core 2.19 and later read a time in the variables that AWX writes."""
    answers = {"barman_recover_server": "pg-eu", "barman_recover_target_time": "2026-11-20 08:15:00+00"}
    outcome = launch(tmp_path, "recover", answers=answers)
    assert outcome.leaks == []
    assert "UNREACHABLE" in outcome.stdout, reported(outcome)


def test_a_slice_is_refused(tmp_path: Path) -> None:
    """A slice of a job with every second host. AWX runs it in a workflow with the template's name."""
    slices = {"awx_job_id": 8, "awx_workflow_job_id": 7, "awx_workflow_job_name": "pgdr.barman.deploy"}
    outcome = launch(tmp_path, "deploy", variables=slices)
    assert outcome.status == "failed"
    assert "this job is a slice" in reported(outcome)
    assert "choose hosts with the template's limit (--limit)" in reported(outcome)


def test_a_slice_of_another_template_that_lacks_a_host_is_refused(tmp_path: Path) -> None:
    hosts = json.loads(json.dumps(INVENTORY))
    del hosts["all"]["children"]["backup"]["hosts"]["backup-eu"]
    outcome = launch(tmp_path, "deploy", hosts=hosts)
    assert outcome.status == "failed"
    assert "each slice lacks the other hosts" in reported(outcome)


def test_results_of_an_earlier_job_are_no_misspelt_variables(tmp_path: Path) -> None:
    artifacts = {
        f"barman_result_{playbook}": {"ok": True}
        for playbook in (
            "backup",
            "check",
            "decommission",
            "deploy",
            "drill",
            "preflight",
            "recover",
            "repair",
            "sync",
            "verify",
        )
    }
    assert launch(tmp_path, "validate", artifacts=artifacts).status == "successful"


def test_only_the_survey_passes_variables(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not ask for barman_user"):
        launch(tmp_path, "check", answers={"barman_user": "root"})


def test_a_secret_in_an_event_is_found(tmp_path: Path) -> None:
    (tmp_path / "job_events").mkdir()
    (tmp_path / "job_events" / "1.json").write_text(json.dumps({"stdout": 'password="a \\"secret\\""'}))
    (tmp_path / "job_events" / "2.json").write_text(json.dumps({"stdout": "nothing"}))
    assert list(jobs.leaks(tmp_path, ['a \\"secret\\"'])) == ["job_events/1.json"]
