# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._server import schedule_file
from ansible_collections.pgdr.barman.plugins.module_utils._server.schedule_file import (
    BEGIN,
    END,
    SEARCH_PATH,
    is_current,
    plan,
    server_of,
)
from ansible_collections.pgdr.barman.plugins.modules import backup_schedule
from tests.unit.plugins.modules.running import run_main


def full(name: str) -> str:
    return f"30 2 * * * barman barman -q backup {name} && barman -q switch-wal --force {name}"


def increment(name: str) -> str:
    return f"30 2 * * 1-6 barman barman -q backup --incremental latest-full {name}"


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (BEGIN, SEARCH_PATH, *lines, END))


def test_a_new_file():
    assert plan(None, [full("pg")], []).after == text(full("pg"))


def test_cron_finds_barman_in_usr_local():
    block = (plan(None, [full("pg")], []).after or "").splitlines()
    assert block[1].startswith("PATH=/usr/local/sbin:/usr/local/bin:")
    assert plan("\n".join([BEGIN, full("pg"), END, ""]), [full("pg")], []).changed


def test_nothing_to_do():
    assert not plan(None, [], []).changed
    assert not plan(text(full("pg")), [full("pg")], []).changed


def test_a_line_of_an_undeclared_server_stays_byte_for_byte():
    planned = plan(text(full("pg"), full("pg2"), increment("pg2")), [full("pg")], ["pg2"])
    assert not planned.changed
    assert planned.kept == (full("pg2"), increment("pg2"))


def test_a_line_of_a_released_server_goes():
    assert plan(text(full("pg"), full("pg2")), [full("pg")], []).after == text(full("pg"))


def test_what_is_not_ours_stays():
    before = "# mine\n" + text(full("pg")) + "0 0 * * * root true\n"
    assert plan(before, [], []).after == "# mine\n0 0 * * * root true\n"


def test_a_block_without_an_end():
    with pytest.raises(HostError, match="1 lines '# BEGIN"):
        plan(f"{BEGIN}\n", [full("pg")], [])


def test_the_server_of_a_line():
    assert server_of(increment("pg-1.eu")) == "pg-1.eu"
    assert server_of("# " + full("pg")) is None
    assert server_of("0 0 * * * root true") is None


NAMES = st.sampled_from(["a", "b", "ab", "pg-1", "pg-1.eu"])


@given(st.lists(NAMES, unique=True), st.lists(NAMES, unique=True), st.sets(NAMES))
def test_no_backup_of_a_server_that_stays_is_ever_unscheduled(before, declared, undeclared):
    planned = plan(text(*map(full, before)), list(map(full, declared)), undeclared)
    after = (planned.after or "").splitlines()
    for name in set(before) & undeclared | set(declared):
        assert after.count(full(name)) == 1
    for name in set(before) - undeclared - set(declared):
        assert full(name) not in after
    assert not plan(planned.after, list(map(full, declared)), undeclared).changed


def test_the_module(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "barman-backups"
    path.write_text(text(full("pg2")))
    monkeypatch.setattr(schedule_file, "write_atomic", lambda path, text, mode, owner: Path(path).write_text(text))
    run = partial(run_main, backup_schedule.main, capsys, path=str(path), lines=[full("pg")], undeclared=["pg2"])
    assert run(check_mode=True)["changed"]
    assert path.read_text() == text(full("pg2"))
    answer = run()
    assert (answer["changed"], answer["kept"]) == (True, [full("pg2")])
    assert path.read_text() == text(full("pg"), full("pg2"))
    assert not run()["changed"]


SERVERS = st.lists(st.sampled_from(["a", "b", "c"]), unique=True)


@given(SERVERS, SERVERS, st.sets(st.sampled_from(["a", "b", "c"])))
def test_a_current_file_is_not_written_whatever_is_undeclared(
    before: list[str], declared: list[str], undeclared: set[str]
) -> None:
    current = text(*map(full, before)) if before else None
    lines = list(map(full, declared))
    if not plan(current, lines, ()).changed:
        assert not plan(current, lines, undeclared).changed


def test_a_file_is_current_if_its_block_has_these_lines_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "barman-backups"
    assert is_current(str(path), [])
    assert not is_current(str(path), [full("pg")])
    path.write_text(text(full("pg")))
    assert is_current(str(path), [full("pg")])
    assert not is_current(str(path), [full("pg"), full("pg2")])
    assert not is_current(str(path), [])
    path.write_text(f"{BEGIN}\n{full('pg')}\n")
    assert not is_current(str(path), [full("pg")])


def test_a_file_that_has_nothing_any_more_goes_and_one_of_others_stays(tmp_path: Path) -> None:
    path = tmp_path / "barman-backups"
    for others in ("", "MAILTO=dba\n"):
        path.write_text(others + "".join(f"{line}\n" for line in (BEGIN, SEARCH_PATH, full("pg"), END)))
        assert schedule_file.ensure(str(path), [], [], check_mode=True).changed
        assert path.exists()
        schedule_file.ensure(str(path), [], [], check_mode=False)
        assert (path.read_text() if path.exists() else "") == others
