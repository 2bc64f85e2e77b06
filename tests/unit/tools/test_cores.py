# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make cores`: which releases of ansible-core, with which Python, and that every file names the same ones."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.tools import check, cores
from tests.tools.everything import STAGES
from tests.tools.stage import REPOSITORY, Outcome, Stage

SKIPS = ("pytest.mark.skipif", "pytest.mark.skip", "pytest.skip", "pytest.importorskip")


def imported(start: Iterable[Path]) -> set[str]:
    """The packages that these tests import, and those files of the tests that they import; also by importlib."""
    known, left, found = set[Path](), [*start], set[str]()
    while left:
        path = left.pop()
        if path in known:
            continue
        known.add(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "importlib" in names:
                names |= {node.value} if re.fullmatch(r"[a-z0-9_.]+", node.value) else set()
        for name in names:
            file = REPOSITORY / f"{name.replace('.', '/')}.py"
            left += [file] if name.startswith("tests.") and file.is_file() else []
        found |= {name.split(".")[0] for name in names}
    return found


def test_what_unit_tests_import_is_installed_with_every_release():
    """Their own environment has everything of requirements/dev.txt, so only `make cores` would find what TOOLS lacks."""
    tools = {re.sub(r"\[.*", "", tool).lower() for tool in cores.TOOLS}
    distributions = importlib.metadata.packages_distributions()
    files = [*(REPOSITORY / "tests" / "unit").rglob("*.py"), REPOSITORY / "tests" / "conftest.py"]
    packages = {one.lower() for name in imported(files) for one in distributions.get(name, ())}
    core = {
        "ansible-core",
        *(re.split(r"[ ;<>=!~\[]", one)[0].lower() for one in importlib.metadata.requires("ansible-core") or ()),
    }
    of_ansible = {"ansible", "ansible-compat", "ansible-lint", "ansible-builder", "galaxy-importer"}
    assert packages - tools - core - of_ansible == set()
    assert tools - packages == {"pytest-xdist"}


def test_no_unit_test_is_skipped_but_for_the_lack_of_root():
    """A missing program or library is fetched, or fails: a test that is skipped in silence tests nothing."""
    found = []
    for path in (REPOSITORY / "tests" / "unit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in SKIPS:
                condition = ast.unparse(node.args[0]) if node.args else ""
                found += [] if condition in ("os.geteuid() != 0", "not ROOT") else [f"{path.name}:{node.lineno}"]
    assert found == []


def test_the_releases_are_in_order_and_each_has_its_pythons():
    versions = [core.version for core in cores.cores()]
    assert versions == sorted(versions, key=cores.number)
    assert [core.release for core in cores.cores()] == list(cores.PYTHONS)
    assert [core.oldest for core in cores.cores()] == [True, *(False for _ in versions[1:])]
    assert [core.newest for core in cores.cores()] == [*(False for _ in versions[1:]), True]


def test_the_project_s_own_release_is_between_them():
    older, newer = cores.from_the_ends()
    assert [core.release for core in older] == ["2.16", "2.17", "2.18"]
    assert [core.release for core in newer] == ["2.21", "2.20"]


def test_the_metadata_and_the_readme_name_the_oldest_and_the_newest():
    known = cores.cores()
    runtime = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={known[0].release}.0"
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert f"| the controller | ansible-core {known[0].release} to {known[-1].release} " in readme


def test_a_release_comes_first_on_path_with_its_own_collections():
    core = cores.cores()[0]
    env = core.environment({"PATH": "/usr/bin", "KEPT": "yes"})
    assert env["PATH"] == f"{core.venv / 'bin'}{os.pathsep}/usr/bin"
    assert env["ANSIBLE_COLLECTIONS_PATH"] == env["PGDR_COLLECTIONS"] == str(core.collections)
    assert env["KEPT"] == "yes"


def test_a_python_that_does_not_start_is_not_found(monkeypatch, tmp_path: Path):
    broken = tmp_path / "python3.99"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    assert cores.find_python(("3.99",)) is None


def test_a_python_of_pyenv_is_found(monkeypatch, tmp_path: Path):
    python = tmp_path / "versions" / "3.99.4" / "bin" / "python3.99"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert cores.find_python(("3.98", "3.99")) == python


@pytest.fixture
def stage(monkeypatch, tmp_path: Path) -> Stage:
    monkeypatch.setattr("tests.tools.stage.RESULTS", tmp_path)
    return Stage("cores")


def test_a_release_without_a_python_fails_and_is_skipped_by_name_in_the_short_run(stage, capsys):
    core = replace(cores.cores()[0], python=None)
    cores.examine(stage, core, short=True)
    assert stage.tally.counts() == "0 passed, 0 failed, 1 skipped"
    assert f"SKIPPED            ansible-core {core.version}: {core.missing()}" in capsys.readouterr().out
    cores.examine(stage, core, short=False)
    assert stage.tally.failures == [f"ansible-core {core.version}"]
    assert core.missing() in capsys.readouterr().out


def test_releases_are_examined_two_at_a_time_and_stay_in_order(stage, monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "DIRECTORY", tmp_path)
    meeting = threading.Barrier(2, timeout=10)
    known = cores.cores()[:4]

    def examine(_stage: Stage, core: cores.Core, *, short: bool) -> bool:
        meeting.wait()
        return short and core is not known[1]

    monkeypatch.setattr(cores, "examine", examine)
    assert cores.examine_all(stage, known, short=True) == [known[0], *known[2:]]
    constraints = (tmp_path / "constraints.txt").read_text(encoding="utf-8")
    assert "pytest==" in constraints
    assert "ansible-core==" not in constraints


@pytest.mark.parametrize("short", [False, True])
def test_a_python_that_the_release_does_not_support_leaves_out_sanity_by_name(stage, called, short):
    core = replace(cores.cores()[0], python=Path("/usr/bin/python3.13"), supported=False)
    other = replace(cores.cores()[-1], python=Path("/usr/bin/python3.14"))
    cores.examine_sanity(stage, [core, other], short=short)
    assert [str(arguments[0]) for arguments in called] == [str(other.venv / "bin" / "python")]
    name = f"ansible-core {core.version}: sanity"
    assert (stage.tally.failures, stage.tally.skipped) == (
        ([], [f"{name}: {core.missing()}"]) if short else ([name], [])
    )


def test_without_both_releases_the_project_s_own_ansible_core_runs_sanity(stage, called):
    core = replace(cores.cores()[0], python=Path("/usr/bin/python3.13"), supported=False)
    cores.examine_sanity(stage, [core], short=True)
    assert [arguments[:3] for arguments in called] == [(sys.executable, "-m", "tests.tools.sanity")]


def test_debian_s_pythons_run_the_oldest_release(monkeypatch):
    """Debian 12 has Python 3.11, Debian 13 has 3.13."""
    for only, supported in (("3.11", True), ("3.13", False)):
        monkeypatch.setattr(
            cores,
            "find_python",
            lambda versions, only=only: Path(f"/usr/bin/python{only}") if only in versions else None,
        )
        oldest = cores.cores()[0]
        assert oldest.python == Path(f"/usr/bin/python{only}")
        assert oldest.supported is supported


def unit_tests_in(arguments: tuple[object, ...]) -> list[str]:
    return [str(word) for word in arguments if str(word).startswith("tests/unit")]


@pytest.fixture
def called(monkeypatch) -> list[tuple[object, ...]]:
    """What examine runs; every release has a Python and its environment."""
    found: list[tuple[object, ...]] = []

    def run(name: str, *arguments: object, env: object = None) -> Outcome:
        found.append(arguments)
        return Outcome(name, (), 0, "", 0.0)

    monkeypatch.setattr(cores, "run", run)
    monkeypatch.setattr(cores, "provide", lambda core: Outcome("environment", (), 0, "", 0.0))
    return found


@pytest.mark.parametrize("core", cores.cores(), ids=lambda core: core.release)
def test_make_cores_runs_everything_with_each_release(stage, called, core):
    cores.examine(stage, replace(core, python=Path("/usr/bin/python3.12")), short=False)
    assert unit_tests_in(called[0]) == ["tests/unit"]
    assert "--syntax-check" in called[1]
    assert len(called) == 2


@pytest.mark.parametrize("core", cores.cores(), ids=lambda core: core.release)
def test_make_test_runs_playbooks_with_the_oldest_plugins_with_both_ends_and_syntax_with_each(stage, called, core):
    cores.examine(stage, replace(core, python=Path("/usr/bin/python3.12")), short=True)
    ends = list(cores.CALLED_BY_ANSIBLE) if core.oldest or core.newest else []
    runs = list(cores.RUN_BY_ANSIBLE) if core.oldest else []
    assert unit_tests_in(called[0]) == [*cores.EVALUATED_BY_ANSIBLE, *ends, *runs]
    assert "--syntax-check" in called[1]
    assert len(called) == 2


def test_sanity_runs_with_the_oldest_and_the_newest_release(stage, called):
    known = [replace(core, python=Path(f"/usr/bin/python-of-{core.release}")) for core in cores.cores()]
    cores.examine_sanity(stage, known, short=True)
    assert sorted(str(arguments[0]) for arguments in called) == sorted(
        str(core.venv / "bin" / "python") for core in (known[0], known[-1])
    )
    assert all("tests.tools.sanity" in arguments for arguments in called)
    assert stage.tally.counts() == "2 passed, 0 failed"


@pytest.mark.parametrize(
    ("short", "newest", "expected"), [(True, True, {"oldest"}), (True, False, set()), (False, True, set())]
)
def test_make_test_runs_pylint_with_the_newest_release_alone(stage, called, short, newest, expected):
    oldest, *_others, last = cores.cores()
    known = [replace(oldest, python=Path("/usr/bin/python3.11"), supported=True)]
    if newest:
        known.append(replace(last, python=Path("/usr/bin/python3.13"), supported=True))
    cores.examine_sanity(stage, known, short=short)
    without = {
        "oldest" if str(oldest.venv) in str(arguments[0]) else "newest" for arguments in called if "pylint" in arguments
    }
    assert without == expected


def test_the_tests_exist():
    assert all(
        (REPOSITORY / name).exists()
        for name in (*cores.EVALUATED_BY_ANSIBLE, *cores.CALLED_BY_ANSIBLE, *cores.RUN_BY_ANSIBLE)
    )


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_the_workflow_runs_every_stage_of_make_test_by_make():
    jobs = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))["jobs"]
    called = set()
    for job in jobs.values():
        for step in job["steps"]:
            for target in re.findall(r"\bmake (.+)", step.get("run", "")):
                called |= set(job["strategy"]["matrix"]["job"]) if "matrix.job" in target else {target}
    assert called == set(STAGES)
    assert called <= targets()


def test_pre_commit_runs_the_commands_of_make_check():
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    commands = {" ".join(words) for words in check.JOBS.values()}
    for hook in hooks:
        if hook["entry"].startswith("make "):
            assert hook["entry"].removeprefix("make ") in targets()
            continue
        # On the files of the commit; make check looks at all of them.
        own = hook["entry"].removeprefix(".venv/bin/")
        assert any(command.startswith(own) or set(own.split()) <= set(command.split()) for command in commands), own


@pytest.mark.parametrize("name", ["CODE_OF_CONDUCT.md", "SECURITY.md", "CONTRIBUTING.md", "tests/config.yml"])
def test_what_people_and_ansible_test_look_for_is_there(name):
    assert (REPOSITORY / name).read_text(encoding="utf-8").strip()
