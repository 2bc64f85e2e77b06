# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make molecule`: which scenarios, in which order, and on which machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools import cores, molecule
from tests.tools.stage import Outcome, Stage, Tally

SENTENCE = "This machine can't run the lab: root is needed; `make check` works without it."


def test_each_of_the_longest_is_a_scenario_and_named_once():
    assert set(molecule.LONGEST_FIRST) <= set(molecule.scenarios())
    assert len(set(molecule.LONGEST_FIRST)) == len(molecule.LONGEST_FIRST)


def test_the_longest_begin_and_the_others_follow_by_name():
    names = molecule.scenarios()
    first = len(molecule.LONGEST_FIRST)
    assert tuple(names[:first]) == molecule.LONGEST_FIRST
    assert names[first:] == sorted(names[first:])
    assert sorted(names) == sorted(path.parent.name for path in molecule.SCENARIOS.glob("*/molecule.yml"))


def test_one_that_is_gone_is_not_run(monkeypatch, tmp_path):
    for name in ("b", "a", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "molecule.yml").touch()
    monkeypatch.setattr(molecule, "SCENARIOS", tmp_path)
    monkeypatch.setattr(molecule, "LONGEST_FIRST", ("c", "gone"))
    assert molecule.scenarios() == ["c", "a", "b"]


class Lab:
    """Answers in the lab's place. Nothing is run, and nothing is written into the work tree."""

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}
        self.called: list[tuple[str, ...]] = []
        self.tested: list[str] = []

    def __call__(self, *arguments: str) -> Outcome:
        self.called.append(arguments)
        error = self.refused.get(arguments[0])
        return Outcome(f"lab {arguments[0]}", arguments, 0 if error is None else 2, error or "", 0.1)

    def test(self, _runner: molecule.Runner, scenario: str) -> Outcome:
        self.tested.append(scenario)
        return Outcome(scenario, (), 0, "", 0.1)


@pytest.fixture
def lab(monkeypatch, tmp_path: Path) -> Lab:
    there = Lab()
    monkeypatch.delenv("PGDR_MACHINES", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tests.tools.stage.RESULTS", tmp_path / "results")
    monkeypatch.setattr(molecule, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(molecule, "exit_on_signals", lambda: None)
    monkeypatch.setattr(molecule, "lab", there)
    monkeypatch.setattr(molecule.Runner, "test", lambda runner, scenario: there.test(runner, scenario))
    return there


def test_a_machine_that_cannot_run_the_lab_is_reported_once(lab, capsys):
    lab.refused["check"] = SENTENCE
    assert molecule.main([]) == 1
    assert lab.called == [("check",)]
    assert lab.tested == []
    assert capsys.readouterr().out.count(SENTENCE) == 1
    tally = Tally.load("molecule")
    assert tally is not None
    assert tally.failures == ["the lab"]


def test_what_cannot_be_taken_down_is_in_the_way(lab, capsys):
    lab.refused["down"] = "lab: busy"
    assert molecule.main(["star"]) == 1
    assert lab.called == [("check",), ("down", "--all", "--prefix", "molecule-star")]
    assert lab.tested == []
    assert "lab: busy" in capsys.readouterr().out


def test_the_machines_are_taken_down_before_and_after(lab):
    assert molecule.main(["star", "geo"]) == 0
    down = [("down", "--all", "--prefix", f"molecule-{name}") for name in ("star", "geo")]
    assert lab.called == [("check",), *down, *down]
    assert sorted(lab.tested) == ["geo", "star"]


def test_a_scenario_with_two_releases_has_its_machines_once(lab):
    assert molecule.main(["star@2.16", "geo", "star@2.21"]) == 0
    down = [("down", "--all", "--prefix", f"molecule-{name}") for name in ("star", "geo")]
    assert lab.called == [("check",), *down, *down]
    assert lab.tested.index("star@2.16") < lab.tested.index("star@2.21")


def test_runs_of_one_scenario_follow_each_other():
    assert molecule.lanes(["star@2.16", "geo", "star@2.21"]) == [["star@2.16", "star@2.21"], ["geo"]]


def with_pythons(monkeypatch, releases: tuple[str, ...]) -> None:
    known = [
        replace(core, python=Path("/usr/bin/python3") if core.release in releases else None) for core in cores.cores()
    ]
    monkeypatch.setattr(cores, "cores", lambda: known)


@pytest.mark.parametrize(
    ("releases", "names", "skipped"),
    [
        (("2.16", "2.17", "2.18", "2.20", "2.21"), ["standby@2.21", "streaming@2.16"], []),
        # Debian 12, with Python 3.11, has the releases of the third case.
        (("2.18", "2.20", "2.21"), ["standby@2.21", "streaming@2.18"], ["streaming@2.16", "streaming@2.17"]),
        (("2.16", "2.17", "2.18"), ["standby", "streaming@2.16"], ["standby@2.21", "standby@2.20"]),
        (
            (),
            ["standby", "streaming"],
            [f"streaming@2.{minor}" for minor in (16, 17, 18)] + ["standby@2.21", "standby@2.20"],
        ),
    ],
)
def test_a_release_without_a_python_is_skipped_by_name_and_the_next_takes_its_place(
    lab, monkeypatch, capsys, releases, names, skipped
):
    with_pythons(monkeypatch, releases)
    stage = Stage("molecule")
    assert (
        sorted(name for name in molecule.everything(stage, short=False) if name.startswith(("standby", "streaming")))
        == names
    )
    assert sorted(one.partition(":")[0] for one in stage.tally.skipped) == sorted(skipped)
    assert capsys.readouterr().out.count("SKIPPED") == len(skipped)


def test_make_test_leaves_out_what_it_names(lab, capsys):
    stage = Stage("molecule")
    left = set(molecule.everything(Stage("all"), short=False)) - set(molecule.everything(stage, short=True))
    assert left == set(molecule.LEFT_OUT)
    assert {one.partition(":")[0] for one in stage.tally.skipped} >= left


def test_the_log_begins_with_the_version_that_runs(monkeypatch, tmp_path):
    core = cores.cores()[0]
    monkeypatch.setattr(cores, "provide", lambda core: Outcome("environment", (), 0, "", 0.0))
    monkeypatch.setattr(
        molecule, "run", lambda *_argv, env: Outcome("", (), 0, f"ansible-playbook [core {env['VERSION']}]\n", 0.0)
    )
    log = tmp_path / "log"
    assert molecule.prove(core, {"VERSION": core.version}, log).ok
    assert log.read_text() == f"ansible-playbook [core {core.version}]\n"
    wrong = molecule.prove(core, {"VERSION": "2.19.14"}, log)
    assert not wrong.ok
    assert wrong.output.startswith(f"This is not ansible-core {core.version}")


def test_somebody_elses_machines_need_no_lab(lab, monkeypatch):
    monkeypatch.setenv("PGDR_MACHINES", "/home/me/machines.yml")
    lab.refused["check"] = SENTENCE
    assert molecule.main(["star"]) == 0
    assert ("check",) not in lab.called
    assert lab.tested == ["star"]


def test_a_scenario_that_is_none(lab):
    with pytest.raises(SystemExit, match=r"no scenario stars; there are .*star"):
        molecule.main(["star", "stars"])
    assert lab.called == []


@pytest.fixture
def runner(lab: Lab, monkeypatch, tmp_path: Path) -> molecule.Runner:
    monkeypatch.undo()
    monkeypatch.delenv("PGDR_MACHINES", raising=False)
    monkeypatch.setattr(molecule, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(molecule, "REPOSITORY", tmp_path)
    monkeypatch.setattr(molecule, "lab", lab)
    (tmp_path / "logs").mkdir()
    (tmp_path / "scratch").mkdir()
    return molecule.Runner(tmp_path / "scratch")


def ends(monkeypatch, rc: int | None) -> None:
    def run(_runner: molecule.Runner, _scenario: str, log: Path) -> int | None:
        log.write_text("fatal: the last line\n")
        return rc

    monkeypatch.setattr(molecule.Runner, "_molecule", run)


def test_a_scenario_that_passed_leaves_no_machine_and_no_logs_of_machines(lab, runner, monkeypatch, tmp_path):
    ends(monkeypatch, 0)
    (tmp_path / "logs/star/of-an-earlier-run").mkdir(parents=True)
    assert runner.test("star").ok
    assert lab.called == [("down", "molecule-star")]
    assert not (tmp_path / "logs/star").exists()


def test_the_machines_logs_of_a_failed_scenario_are_kept_before_the_machines_go(
    lab: Lab, runner, monkeypatch, tmp_path
):
    ends(monkeypatch, 2)
    log = tmp_path / "logs/star/vault/barman/barman.log"

    def called(*arguments: str) -> Outcome:
        if arguments[0] == "collect":
            log.parent.mkdir(parents=True)
            log.write_text("".join(f"line {number}\n" for number in range(100)))
        return lab(*arguments)

    monkeypatch.setattr(molecule, "lab", called)
    outcome = runner.test("star")
    assert outcome.rc == 2
    assert lab.called == [("collect", "molecule-star", str(tmp_path / "logs/star")), ("down", "molecule-star")]
    shown = outcome.output.splitlines()
    assert "the whole log: logs/star.log" in shown
    assert "the machines' logs: logs/star" in shown
    assert "the end of logs/star/vault/barman/barman.log:" in shown
    assert shown[-40:] == [f"    line {number}" for number in range(60, 100)]
    assert outcome.cause == "no task failed:\n    fatal: the last line"


def test_machines_that_can_not_be_taken_down_are_a_failure(lab, runner, monkeypatch):
    ends(monkeypatch, 0)
    lab.refused["down"] = "lab: busy"
    outcome = runner.test("star")
    assert outcome.rc == 2
    assert outcome.output.endswith("lab: busy")


def test_somebody_elses_machines_are_left_alone(lab, runner, monkeypatch):
    ends(monkeypatch, 2)
    monkeypatch.setenv("PGDR_MACHINES", "/home/me/machines.yml")
    assert runner.test("star").rc == 2
    assert lab.called == []


def test_nothing_is_asked_of_machines_if_no_scenario_is_to_start(lab, runner, monkeypatch):
    ends(monkeypatch, None)
    assert runner.test("star").output == "not started"
    assert lab.called == []
