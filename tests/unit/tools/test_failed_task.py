# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of tests shows of a scenario that failed: the task and its message, behind all else."""

from __future__ import annotations

import json

import pytest

from tests.tools import everything
from tests.tools.failed_task import LINES, WIDTH, failed_task
from tests.tools.stage import Outcome, Stage, Tally

RECAP = """
PLAY RECAP *********************************************************************
pg      : ok=3    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
"""
PASSED = """
TASK [Gather facts] ************************************************************
ok: [pg]
"""


def task(name: str, *results: str, line: int = 43) -> str:
    return f"""
TASK [{name}] ******************************************************************
[ERROR]: Task failed: Module failed: non-zero return code
Origin: /srv/extensions/molecule/drill/damages.yml:{line}:7

{line} - name: {name}
    ^ column 7

""" + "\n".join(results)


def fatal(host: str, **result: object) -> str:
    return f"fatal: [{host}]: FAILED! => {json.dumps(result)}"


def test_the_task_its_place_and_its_message():
    output = PASSED + task("Verify", fatal("pg", changed=False, msg="no rows")) + RECAP
    assert failed_task(output) == "failed task: Verify (drill/damages.yml:43)\n    pg: no rows"


def test_the_ends_of_the_streams_once():
    stdout = "\n".join(f"line {number}" for number in range(100))
    output = task("Run the tests", fatal("pg", msg="non-zero return code", stdout=stdout, stdout_lines=["x"])) + RECAP
    shown = failed_task(output).splitlines()
    assert shown[1:4] == ["    pg: non-zero return code", "        stdout:", f"            line {100 - LINES}"]
    assert shown[-1].strip() == "line 99"
    assert len(shown) == 3 + LINES


def test_a_result_on_several_lines():
    result = 'fatal: [pg]: FAILED! => {\n    "assertion": "a == b",\n    "msg": "a is 1\\nb is 2"\n}\n'
    assert failed_task(task("Compare", result) + RECAP).splitlines()[1:] == ["    pg: a is 1", "        b is 2"]


def test_every_host_and_item():
    results = (
        fatal("pg", msg="one"),
        'failed: [backup -> pg] (item=x) => {"msg": "two"}',
        'fatal: [spare]: UNREACHABLE! => {"msg": "three"}',
    )
    assert failed_task(task("Read", *results) + RECAP).splitlines()[1:] == [
        "    pg: one",
        "    backup -> pg: two",
        "    spare: three",
    ]


def test_what_was_ignored_or_belongs_to_an_earlier_run_is_no_cause():
    before = task("Expected to fail", fatal("pg", msg="expected")) + RECAP
    ignored = task("Try", fatal("pg", msg="refused"), "...ignoring")
    output = before + ignored + task("Verify", fatal("pg", msg="the cause")) + PASSED + RECAP
    assert failed_task(output).splitlines() == ["failed task: Verify (drill/damages.yml:43)", "    pg: the cause"]


def test_a_run_that_was_killed_has_no_recap():
    assert "pg: killed" in failed_task(PASSED + task("Wait", fatal("pg", msg="killed")))


def test_the_last_tasks_if_several_failed():
    output = "".join(task(name, fatal("pg", msg=name)) for name in ("one", "two", "three")) + RECAP
    assert [line.strip() for line in failed_task(output).splitlines() if line.startswith(" ")] == [
        "pg: two",
        "pg: three",
    ]


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            PASSED + RECAP + "CRITICAL Idempotence test failed because of the following tasks:\n*  => pg : Install\n",
            "*  => pg : Install",
        ),
        (
            "[ERROR]: the playbook verify.yml could not be found\n",
            "[ERROR]: the playbook verify.yml could not be found",
        ),
        ("Traceback\nValueError: odd\n", "ValueError: odd"),
    ],
)
def test_without_a_failed_task(output, line):
    shown = failed_task(output).splitlines()
    assert shown[0] == "no task failed:"
    assert shown[-1].strip() == line


def test_a_result_that_can_not_be_read_is_shown_as_it_is():
    assert failed_task(task("Read", "fatal: [pg]: FAILED! => {odd") + RECAP).splitlines()[1:] == [
        "    fatal: [pg]: FAILED! => {odd"
    ]


def test_a_long_line_keeps_its_beginning_and_its_end():
    shown = failed_task(task("Read", fatal("pg", msg=f"begin {'x' * 5000} end")) + RECAP).splitlines()[-1]
    assert len(shown) <= WIDTH
    assert shown.startswith("    pg: begin")
    assert shown.endswith("end")


def test_the_cause_is_printed_last_and_again_in_the_closing_summary(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("tests.tools.stage.RESULTS", tmp_path)
    stage = Stage("molecule")
    stage.note_outcome(
        Outcome("drill", (), 1, "the log\nthe end of barman.log:", 1.0, cause="failed task: Verify\n    pg: no rows")
    )
    stage.note_outcome(Outcome("geo", (), 0, "", 1.0))
    assert capsys.readouterr().out.splitlines()[-3:-1] == ["    failed task: Verify", "        pg: no rows"]
    assert stage.finish() == 1
    tally = Tally.load("molecule")
    assert tally is not None
    shown = everything.summary([tally]).splitlines()
    assert shown[2:5] == ["    drill", "        failed task: Verify", "            pg: no rows"]
