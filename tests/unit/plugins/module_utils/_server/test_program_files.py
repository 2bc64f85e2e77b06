# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installing the program: the plan, and the files below a directory of the test's own."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.marked_block import BEGIN, END
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.sources import own_sources
from ansible_collections.pgdr.barman.plugins.module_utils._server import program_files
from ansible_collections.pgdr.barman.plugins.module_utils._server.program_files import (
    Installed,
    Places,
    Program,
    make_plan,
    observe,
)
from ansible_collections.pgdr.barman.plugins.module_utils._server.schedule_file import SEARCH_PATH

ME = pwd.getpwuid(os.geteuid()).pw_name
ONE, TWO, THREE = "1" * 16, "2" * 16, "3" * 16
PLACES = Places()
DESIRED = Program(ONE, {"barman_user": "barman"})
PRESENT = Installed(ONE, (ONE,), program_files.command_text(PLACES, "/python"), DESIRED.settings_text)


def plan(desired: Program | None, current: Installed) -> program_files.ProgramPlan:
    return make_plan(desired, current, PLACES, "/python")


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_nothing_is_done_for_what_is_there() -> None:
    assert not plan(DESIRED, PRESENT).changed


def test_on_a_new_host_everything_is_written() -> None:
    found = plan(Program(ONE, {}, ["* * * * * barman pgdr-barman check"]), Installed())
    assert found.install
    assert list(found.write or ()) == [PLACES.settings, PLACES.command, PLACES.schedule]


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        (Program(ONE, {"barman_user": "postgres"}), PLACES.settings),
        (Program(ONE, {"barman_user": "barman"}, ["a line"]), PLACES.schedule),
    ],
)
def test_only_what_differs_is_written(changed: Program, path: str) -> None:
    found = plan(changed, PRESENT)
    assert not found.install
    assert list(found.write or ()) == [path]


def test_the_version_that_may_be_running_stays_until_the_next_one() -> None:
    current = Installed(TWO, (ONE, TWO), PRESENT.command, PRESENT.settings)
    found = plan(Program(THREE, DESIRED.settings), current)
    assert found.remove == (ONE,)
    current = Installed(THREE, (TWO, THREE), PRESENT.command, PRESENT.settings)
    assert not plan(Program(THREE, DESIRED.settings), current).changed


def test_code_that_is_gone_is_written_again() -> None:
    assert plan(DESIRED, Installed(ONE, (), PRESENT.command, PRESENT.settings)).install


@pytest.mark.parametrize(
    ("current", "path"),
    [
        (Installed(command="#!/bin/sh\n"), "/usr/local/bin/pgdr-barman"),
        (Installed(settings="{}"), "/etc/pgdr-barman.json"),
        (Installed(settings="no JSON"), "/etc/pgdr-barman.json"),
    ],
)
@pytest.mark.parametrize("desired", [DESIRED, None])
def test_a_file_of_somebody_else_is_neither_replaced_nor_removed(
    current: Installed, path: str, desired: Program | None
) -> None:
    with pytest.raises(HostError, match=f"{path}: exists and was not created by this collection"):
        plan(desired, current)


def test_other_lines_of_cron_stay() -> None:
    current = Installed(schedule=f"MAILTO=dba\n{BEGIN}\nold\n{END}\n# end\n")
    assert (plan(Program(ONE, {}, ["new"]), current).write or {})[PLACES.schedule] == (
        f"MAILTO=dba\n{BEGIN}\n{SEARCH_PATH}\nnew\n{END}\n# end\n"
    )
    assert (plan(None, current).write or {})[PLACES.schedule] == "MAILTO=dba\n# end\n"
    assert (plan(None, Installed(schedule=f"{BEGIN}\nold\n{END}\n")).write or {})[PLACES.schedule] is None


def test_cron_finds_the_program_and_a_barman_in_usr_local() -> None:
    """cron's own search path is /usr/bin:/bin."""
    text = (plan(Program(ONE, {}, ["* * * * * barman pgdr-barman check"]), Installed()).write or {})[PLACES.schedule]
    path, line = (text or "").splitlines()[1:3]
    assert "/usr/local/bin" in path.removeprefix("PATH=").split(":")
    assert line.endswith("pgdr-barman check")


def test_a_block_without_an_end_is_an_error_with_the_file() -> None:
    with pytest.raises(HostError, match=r"/etc/cron\.d/pgdr-barman: it has 1 lines"):
        plan(DESIRED, Installed(schedule=f"{BEGIN}\n"))


# --- on a host --------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for directory in ("usr/local/lib", "usr/local/bin", "etc/cron.d"):
        (tmp_path / directory).mkdir(parents=True)
    return tmp_path


def install(root: Path, identity: str = ONE, *, check_mode: bool = False, **values: Any) -> Any:
    params = {
        "state": "present",
        "identity": identity,
        "settings": {"barman_user": ME},
        "schedule_lines": [],
        "user": ME,
        "metrics_file": None,
        **values,
    }
    return program_files.install_program(params, own_sources, check_mode=check_mode, root=str(root))


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_check_mode_writes_nothing(root: Path) -> None:
    result = install(root, check_mode=True)
    assert result.changed
    assert files(root) == set()
    assert "usr/local/lib/pgdr.barman" not in {str(path.relative_to(root)) for path in root.rglob("*")}


def test_the_program_starts_without_ansible(root: Path) -> None:
    previous = os.umask(0o077)
    try:
        assert install(root, schedule_lines=["* * * * * barman pgdr-barman check"]).changed
    finally:
        os.umask(previous)
    assert not install(root, schedule_lines=["* * * * * barman pgdr-barman check"]).changed
    places = Places(str(root))
    command = subprocess.run([places.command, "--help"], capture_output=True, text=True, check=False, cwd="/")
    assert command.returncode == 0, command.stderr
    assert "  check " in command.stdout
    assert command.stderr == ""
    # Every command's code is there, too, and needs no Ansible.
    helped = subprocess.run([places.command, "check", "--help"], capture_output=True, text=True, check=False, cwd="/")
    assert helped.returncode == 0, helped.stderr
    code = Path(places.library) / ONE / "pgdr_barman"
    assert stat.S_IMODE((code / "_host").stat().st_mode) == 0o755
    assert stat.S_IMODE((code / "_host/process.py").stat().st_mode) == 0o644
    assert list((code / "_host/__pycache__").glob("process.*.pyc"))
    assert stat.S_IMODE(Path(places.settings).stat().st_mode) == 0o640
    assert json.loads(Path(places.settings).read_text())["barman_user"] == ME


def test_what_a_killed_installation_left_is_removed(root: Path) -> None:
    library = Path(Places(str(root)).library)
    (library / ".new-0123").mkdir(parents=True)
    install(root)
    assert sorted(path.name for path in library.iterdir()) == [ONE, "current"]


def test_absent_removes_all_of_it_and_nothing_else(root: Path) -> None:
    install(root)
    install(root, TWO)
    assert install(root, state="absent").changed
    assert files(root) == set()
    assert not (root / "usr/local/lib/pgdr.barman").exists()
    assert not install(root, state="absent").changed


def test_hook_scripts_beside_it_stay(root: Path) -> None:
    install(root)
    hook = root / "usr/local/lib/pgdr.barman/run-hook"
    hook.write_text("")
    install(root, state="absent")
    assert hook.exists()


def test_an_identity_that_is_no_digest_is_refused(root: Path) -> None:
    for identity in ("", "../../etc", "current", "1" * 65):
        with pytest.raises(HostError, match="identity: '"):
            install(root, identity)
    assert files(root) == set()


def test_host_state_knows_whether_it_is_current(root: Path) -> None:
    arguments = {"identity": ONE, "settings": {"barman_user": ME}, "schedule_lines": []}
    assert not program_files.is_current(arguments, str(root))
    install(root)
    assert program_files.is_current(arguments, str(root))
    assert not program_files.is_current({**arguments, "identity": TWO}, str(root))
    (root / "etc/cron.d/pgdr-barman").write_text(f"{BEGIN}\n")
    assert not program_files.is_current(arguments, str(root))


def test_what_is_observed(root: Path) -> None:
    assert observe(Places(str(root))) == Installed()
    install(root)
    current = observe(Places(str(root)))
    assert current.identity == ONE
    assert current.versions == (ONE,)
    assert str(sys.executable) in (current.command or "")


def test_the_metrics_go_with_the_program(root: Path) -> None:
    metrics = root / "pgdr_barman.prom"
    install(root)
    metrics.write_text("pgdr_barman_up 1\n")
    assert install(root, state="absent", metrics_file=str(metrics), check_mode=True).changed
    assert metrics.exists()
    assert install(root, state="absent", metrics_file=str(metrics)).changed
    assert not metrics.exists()
    assert not install(root, state="absent", metrics_file=str(metrics)).changed
    assert not install(root, state="absent", metrics_file=str(root / "no/directory/x.prom")).changed
