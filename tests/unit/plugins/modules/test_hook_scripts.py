# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import (
    Configuration,
    ServerConfiguration,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._server import hook_files
from ansible_collections.pgdr.barman.plugins.module_utils._server.hook_files import (
    LIST,
    CurrentHooks,
    DesiredHooks,
    HookFile,
    make_plan,
)
from ansible_collections.pgdr.barman.plugins.modules import hook_scripts
from tests.unit.plugins.modules.running import run_main

ME = pwd.getpwuid(os.geteuid()).pw_name
SECRET = "[p]\naws_secret_access_key = very secret\n"


def desired(scripts: dict[str, str] | None = None, **values: Any) -> DesiredHooks:
    return DesiredHooks("/hooks", "barman", scripts or {}, "/home/credentials", **values)


def found(files: dict[str, HookFile] | None = None, made: str = "", **values: Any) -> CurrentHooks:
    return CurrentHooks(**{"directory_ready": True, "files": files or {}, "made": frozenset(made.split()), **values})


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_what_is_there_is_left_alone() -> None:
    plan = make_plan(desired({"a": "x"}), found({"a": HookFile("x")}, "a"))
    assert not plan.changed
    assert plan.made is None


def test_what_is_missing_or_different_is_written() -> None:
    plan = make_plan(
        desired({"a": "x", "b": "y", "c": "z"}), found({"a": HookFile("old"), "b": HookFile("y", owned=False)}, "a b")
    )
    assert plan.write == {"a": "x", "b": "y", "c": "z"}
    assert plan.made == frozenset("abc")


def test_nothing_is_removed_unless_it_is_asked_for() -> None:
    here = found({"a": HookFile("x")}, "a")
    assert not make_plan(desired(), here).changed
    plan = make_plan(desired(prune=True), here)
    assert (plan.remove, plan.made) == (("a",), frozenset())


def test_run_hook_stays() -> None:
    plan = make_plan(desired(prune=True), found({"run-hook": HookFile("x"), "a": HookFile("x")}, "run-hook a"))
    assert plan.remove == ("a",)
    assert plan.made == frozenset({"run-hook"})


def test_somebody_else_s_script_is_not_overwritten() -> None:
    plan = make_plan(desired({"a": "x"}), found({"a": HookFile("theirs")}))
    assert plan.problems
    assert not plan.changed
    assert make_plan(desired({"a": "x"}), found({"a": HookFile("x")})).made == frozenset({"a"})


def test_credentials() -> None:
    here = {"p": HookFile(SECRET)}
    assert make_plan(desired(credentials={"p": SECRET}), found()).write_credentials == {"p": SECRET}
    assert not make_plan(desired(credentials={"p": SECRET}), found(credentials=here)).changed
    assert make_plan(
        desired(credentials={"p": SECRET}), found(credentials={"p": HookFile(SECRET, owned=False)})
    ).write_credentials
    assert not make_plan(desired(), found(credentials=here)).changed
    assert make_plan(desired(prune=True), found(credentials=here)).remove_credentials == ("p",)


def test_what_barman_still_names_stays() -> None:
    """An entry that is being handed over to another backup server keeps its hooks until that has succeeded."""
    in_use = frozenset({"/hooks/a", "/home/credentials/p"})
    here = found(
        {"a": HookFile("x"), "b": HookFile("y")},
        "a b",
        credentials={"p": HookFile(SECRET), "q": HookFile("")},
        in_use=in_use,
    )
    plan = make_plan(desired(prune=True), here)
    assert (plan.remove, plan.remove_credentials, plan.made) == (("b",), ("q",), frozenset({"a"}))


def test_what_barman_names_is_read_from_its_configuration() -> None:
    entry = {
        "post_backup_script": "/hooks/run-hook --state '/a b' -- /hooks/pg.post_backup_script",
        "description": "/no",
    }
    broken = {"pre_backup_script": "/hooks/it's"}
    servers = {name: ServerConfiguration(name, options, "") for name, options in (("pg", entry), ("other", broken))}
    configuration = Configuration("/etc/barman.conf", {"pre_delete_script": "/hooks/all.pre_delete_script x"}, servers)
    assert hook_files.named(configuration) >= {
        *("/hooks/run-hook", "/a b", "/hooks/pg.post_backup_script", "/hooks/all.pre_delete_script", "/hooks/it's"),
    }
    assert "/no" not in hook_files.named(configuration)


# --- on a host --------------------------------------------------------------------------------------------------------

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The module, on a host where everybody is root."""
    observe, apply = hook_files.observe, hook_files.apply
    monkeypatch.setattr(hook_files, "observe", lambda desired, configuration: observe(desired, configuration, ME))
    monkeypatch.setattr(hook_files, "apply", lambda plan, desired: apply(plan, desired, ME))
    ensure = hook_files.ensure
    monkeypatch.setattr(
        hook_files,
        "ensure",
        lambda desired, file, check_mode: ensure(desired, file, check_mode=check_mode, identity=lambda: 0),
    )
    (tmp_path / "barman.conf").write_text("[barman]\nbarman_home = /nowhere\n")

    def run(**arguments: Any) -> dict[str, Any]:
        places = {"directory": "hooks", "credentials_directory": "home/credentials", "config_file": "barman.conf"}
        paths = {option: str(tmp_path / place) for option, place in places.items()}
        return run_main(hook_scripts.main, capsys, user=ME, **paths, **arguments)

    return run


def names(path: Path) -> list[str]:
    return sorted(item.name for item in path.iterdir() if item.name != LIST)


def test_scripts_are_put_in_place_once(call: Call, tmp_path: Path) -> None:
    first = call(scripts={"pg.pre_backup_script": "#!/bin/sh\n"}, credentials={"p": SECRET})
    assert first["changed"] is True
    assert first["written"] == ["pg.pre_backup_script"]
    script, secret = tmp_path / "hooks" / "pg.pre_backup_script", tmp_path / "home" / "credentials" / "p"
    assert script.read_text() == "#!/bin/sh\n"
    assert script.stat().st_mode & 0o777 == 0o750
    assert secret.read_text() == SECRET
    assert secret.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "hooks").stat().st_mode & 0o777 == 0o755
    again = call(scripts={"pg.pre_backup_script": "#!/bin/sh\n"}, credentials={"p": SECRET})
    assert (again["changed"], again["written"]) == (False, [])


def test_check_mode_changes_nothing_and_returns_the_same(call: Call, tmp_path: Path) -> None:
    answer = call(scripts={"a": "x"}, credentials={"p": SECRET}, check_mode=True)
    assert (answer["changed"], answer["written"]) == (True, ["a"])
    assert names(tmp_path) == ["barman.conf"]


def test_what_is_not_asked_for_any_more(call: Call, tmp_path: Path) -> None:
    call(scripts={"a": "x", "b": "y"}, credentials={"p": SECRET})
    (tmp_path / "hooks" / "theirs").write_text("z")
    assert call(scripts={"a": "x"})["changed"] is False
    pruned = call(scripts={"a": "x"}, prune=True)
    assert (pruned["changed"], pruned["removed"]) == (True, ["b"])
    assert names(tmp_path / "hooks") == ["a", "theirs"]
    assert names(tmp_path / "home" / "credentials") == []
    assert call(scripts={"a": "x"}, prune=True)["changed"] is False
    assert json.loads((tmp_path / "hooks" / LIST).read_text()) == ["a"]


def test_pruning_where_nothing_ever_was(call: Call, tmp_path: Path) -> None:
    assert call(prune=True)["changed"] is False
    assert names(tmp_path) == ["barman.conf"]


def test_modes_are_mended(call: Call, tmp_path: Path) -> None:
    call(scripts={"a": "x"}, credentials={"p": SECRET})
    (tmp_path / "hooks").chmod(0o777)
    (tmp_path / "hooks" / "a").chmod(0o777)
    (tmp_path / "home" / "credentials" / "p").chmod(0o644)
    assert call(scripts={"a": "x"}, credentials={"p": SECRET})["changed"] is True
    assert (tmp_path / "hooks").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "hooks" / "a").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "home" / "credentials" / "p").stat().st_mode & 0o777 == 0o600


def test_the_diff_has_scripts_and_no_secrets(call: Call, tmp_path: Path) -> None:
    call(scripts={"a": "old\n"}, credentials={"p": "[p]\nan old secret\n"})
    answer = call(scripts={"a": "new\n"}, credentials={"p": SECRET}, diff=True)
    script, credentials = answer["diff"]
    assert (script["before"], script["after"]) == ("old\n", "new\n")
    assert credentials["before"] != credentials["after"]
    assert "secret" not in json.dumps(answer).replace("credentials", "")


def test_a_link_is_not_followed(call: Call, tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "a").symlink_to("/etc/hostname")
    assert "is not a file" in call(scripts={"a": "x"})["msg"]


def test_names_that_lead_elsewhere(call: Call) -> None:
    assert "'../a'" in call(scripts={"../a": "x"})["msg"]


def test_somebody_else_is_refused() -> None:
    with pytest.raises(HostError, match="become: true"):
        hook_files.ensure(desired({"a": "x"}), None, check_mode=False, identity=lambda: 1000)


def test_a_user_that_is_not_there() -> None:
    with pytest.raises(HostError, match="nobody-of-that-name"):
        hook_files.ensure(
            DesiredHooks("/hooks", "nobody-of-that-name", {"a": "x"}), None, check_mode=True, identity=lambda: 0
        )
