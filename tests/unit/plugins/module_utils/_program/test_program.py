# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._drill.request import request_from as drill_request
from ansible_collections.pgdr.barman.plugins.module_utils._host.lock import exclusive
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import Result
from ansible_collections.pgdr.barman.plugins.module_utils._host.sources import own_sources
from ansible_collections.pgdr.barman.plugins.module_utils._program import (
    check_command,
    commands,
    drill_command,
    follow_command,
    main,
    verify_command,
)
from ansible_collections.pgdr.barman.plugins.module_utils._program.commands import ProgramCommand
from ansible_collections.pgdr.barman.plugins.module_utils._program.settings import Settings, read_settings
from ansible_collections.pgdr.barman.plugins.module_utils._stored.request import stored_request_from

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def settings(tmp_path: Path) -> str:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"barman_user": ME, "echo": {"status": 3}}))
    return str(path)


def load_echo(parser: argparse.ArgumentParser) -> commands.Run:
    parser.add_argument("--text", default="")
    return echo


def echo(options: argparse.Namespace, settings: Settings) -> int:
    print(options.text)
    if options.text == "fail":
        raise HostError("the host has no paper")
    return int(settings.part("echo")["status"])


COMMANDS = {"echo": ProgramCommand("repeat", load_echo)}


def run(path: str, *arguments: str) -> int:
    return main.main(arguments, COMMANDS, path)


def test_a_command_gets_its_arguments_and_settings(settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, "echo", "--text", "-x y") == 3
    assert capsys.readouterr().out == "-x y\n"


def test_an_error_is_one_line_with_the_command(settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, "echo", "--text", "fail") == main.NOT_DONE
    assert capsys.readouterr().err == "pgdr-barman echo: the host has no paper\n"


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["echo", "--unknown"]])
def test_arguments_that_are_wrong_end_with_status_2(settings: str, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(settings, *arguments)
    assert ended.value.code == 2


def test_each_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name, command in commands.COMMANDS.items():
        with pytest.raises(SystemExit) as ended:
            main.main([name, "--help"])
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert f"pgdr-barman {name}" in shown
        assert command.summary in " ".join(shown.split())


def test_for_another_user_the_error_names_the_right_one(
    settings: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert run(settings, "echo") == main.NOT_DONE
    assert f"run it as root or as '{ME}': sudo -u {ME} pgdr-barman" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", "no JSON"])
def test_settings_that_are_not_the_collections_are_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(HostError, match=f"{path} is not as the playbook pgdr.barman.deploy writes it"):
        read_settings(str(path))


def test_settings_that_are_missing_name_the_playbook(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"does not exist. The playbook pgdr.barman.deploy writes it"):
        read_settings(str(tmp_path / "none"))


def test_a_part_has_to_be_an_object() -> None:
    assert Settings("barman").part("check") == {}
    with pytest.raises(HostError, match="'check' is not an object"):
        Settings("barman", {"check": []}).part("check")


def test_the_sources_are_those_of_module_utils_but_for_what_needs_ansible() -> None:
    found = own_sources()
    assert {"__init__.py", "_program/main.py", "_program/__init__.py", "_host/files.py"} <= set(found)
    assert "_module.py" not in found
    assert not [path for path, text in found.items() if "import ansible" in text or "from ansible" in text]


@pytest.mark.parametrize("ok", [True, False])
@pytest.mark.parametrize("as_json", [True, False])
def test_check_prints_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ok: bool, as_json: bool
) -> None:
    answer = {
        "ok": ok,
        "problems": [] if ok else ["server 'b': no disk"],
        "servers": {"a": {"ok": True, "active": True}, "b": {"ok": ok, "active": False}},
    }
    asked: dict[str, Any] = {}

    def check_servers(barman: Any, names: Any, ignore: Any, **others: Any) -> dict[str, Any]:
        asked.update(user=barman.user, names=names, ignore=ignore, **others)
        return answer

    monkeypatch.setattr(check_command, "check_servers", check_servers)
    parser = argparse.ArgumentParser()
    check_command.add_arguments(parser)
    options = parser.parse_args(["b", "--json"] if as_json else ["b"])
    parts = {"check": {"synchronous": ["a"], "drill_maximum_age": {"a": 60}, "verification_maximum_age": {"a": 70}}}
    assert check_command.check(options, Settings("barman", parts)) == (0 if ok else 1)
    assert asked["names"] == ["b"]
    assert asked["ignore"] == []
    assert asked["synchronous"] == ["a"]
    assert asked["drill_maximum_age"] == {"a": 60}
    assert asked["verification_maximum_age"] == {"a": 70}
    shown = capsys.readouterr().out
    if as_json:
        assert json.loads(shown) == answer
    elif ok:
        assert shown == "server 'a': OK\nserver 'b': OK, and not active\n"
    else:
        assert shown == "server 'b': no disk\nserver 'a': OK\n"


DRILLED = {
    "drills": {
        "a": {
            "result": "passed",
            "backup_id": "20261130T110000",
            "rpo": {"commit_time": "2026-11-30T11:59:58+00:00"},
            "rto_seconds": 5.5,
        },
        "b": {"result": "failed", "failed_phase": "restore", "reason": "no key"},
        "c": {"result": "planned", "backup_id": "x", "directory": "/srv", "bytes": 1024, "free_bytes": 2048},
    },
    "problems": ["server 'b': the drill failed in phase restore: no key"],
    "removed": [],
}


def drilled(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, dict[str, Any]]:
    asked: dict[str, Any] = {}

    def run_drill(params: dict[str, Any], *, check_mode: bool) -> Result:
        asked.update(params, check_mode=check_mode)
        return Result(values=DRILLED, failure="no key")

    monkeypatch.setattr(drill_command, "run_drill", run_drill)
    parser = argparse.ArgumentParser()
    drill_command.add_arguments(parser)
    query = {"query": "SELECT 1", "database": "postgres", "expect": 1, "server": "a"}
    queries = {"a": [query], "b": [{**query, "server": "b"}]}
    parts = {"drill": {"directory": "/srv/drills", "queries": queries, "database_users": {"a": "admin"}}}
    return drill_command.drill(parser.parse_args(arguments), Settings("barman", parts)), asked


def test_drill_takes_what_the_inventory_declares(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, asked = drilled(monkeypatch, "a", "--backup", "random", "--wait", "60")
    assert status == 1
    assert (asked["servers"], asked["backup"], asked["wait"], asked["check_mode"]) == (["a"], "random", 60, False)
    assert (asked["directory"], [one["server"] for one in asked["queries"]]) == ("/srv/drills", ["a"])
    assert drill_request(asked).priority == "idle"
    assert [drill_request(asked).database_user_of(name) for name in ("a", "b")] == ["admin", "postgres"]
    assert capsys.readouterr().out == (
        "server 'a': backup 20261130T110000 was restored and replayed to 2026-11-30T11:59:58+00:00 in 5.5 s\n"
        "server 'c': backup x would be restored to /srv: 1.0 KiB of 2.0 KiB free\n"
        "server 'b': the drill failed in phase restore: no key\n"
    )


def test_a_problem_of_no_drill_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failed, problem = (
        "server 'b': the drill failed in phase restore: no key",
        "a killed drill of server 'a': it is busy",
    )
    monkeypatch.setitem(DRILLED, "problems", [failed, problem])
    for arguments in ((), ("--quiet",)):
        drilled(monkeypatch, *arguments)
        assert capsys.readouterr().out.splitlines()[-2:] == [failed, problem]


def test_a_quiet_drill_prints_failures_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _status, asked = drilled(monkeypatch, "--quiet", "--check")
    assert asked["servers"] is None
    assert asked["check_mode"]
    assert len(asked["queries"]) == 2
    assert capsys.readouterr().out == "server 'b': the drill failed in phase restore: no key\n"
    drilled(monkeypatch, "--json")
    assert json.loads(capsys.readouterr().out) == DRILLED


VERIFIED = {
    "verifications": {
        "a": {
            "result": "passed",
            "read": {"backups": ["1"], "segments": 2, "bytes": 3 << 20},
            "stored_bytes": 9 << 20,
            "seconds": 1.5,
        },
        "b": {"result": "failed", "reason": "PG_VERSION is wrong", "consequences": {"text": "backup 1 is lost"}},
    },
    "problems": ["server 'b': PG_VERSION is wrong. backup 1 is lost"],
}


@pytest.mark.parametrize("quiet", [True, False])
def test_verify_takes_what_the_inventory_declares(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    asked: dict[str, Any] = {}

    def verify_stored(params: dict[str, Any], *, check_mode: bool) -> Result:
        asked.update(stored_request_from(params).__dict__, check_mode=check_mode, user=params["barman_user"])
        return Result(values=VERIFIED, failure="b")

    monkeypatch.setattr(verify_command, "verify_stored", verify_stored)
    parser = argparse.ArgumentParser()
    verify_command.add_arguments(parser)
    options = parser.parse_args(["a", "b", "--wait", "60", "--everything", *(["--quiet"] if quiet else ["--check"])])
    settings = Settings("barman", {"verify": {"days": {"a": 7}, "bandwidth_limit": 500}})
    assert verify_command.verify(options, settings) == 1
    assert (asked["servers"], asked["user"], asked["wait"], asked["everything"]) == (("a", "b"), "barman", 60, True)
    assert (asked["server_days"], asked["bandwidth_limit"], asked["priority"]) == ({"a": 7}, 500, "idle")
    assert asked["check_mode"] is not quiet
    lines = capsys.readouterr().out.splitlines()
    intact = "server 'a': 1 backups and 2 WAL segments are intact: 3.0 MiB of 9.0 MiB read in 1.5 s"
    assert lines == ([] if quiet else [intact]) + ["server 'b': PG_VERSION is wrong. backup 1 is lost"]


def test_verify_prints_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(verify_command, "verify_stored", lambda params, check_mode: Result(values=VERIFIED))
    parser = argparse.ArgumentParser()
    verify_command.add_arguments(parser)
    assert verify_command.verify(parser.parse_args(["--json"]), Settings("barman")) == 0
    assert json.loads(capsys.readouterr().out) == VERIFIED


def test_follow_follows_the_clusters_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(follow_command, "require_psycopg", lambda: None)
    monkeypatch.setattr(follow_command, "read", lambda *_: argparse.Namespace(home=str(tmp_path)))
    followed: list[Any] = []

    def follow(tools: Any, managed: Any, names: Any, seconds: float) -> bool:
        followed.append((managed, names, seconds))
        return names is None

    monkeypatch.setattr(follow_command, "follow_clusters", follow)
    settings = Settings(ME, {"follow": {"managed_slots": {"orders": True}}})
    options = argparse.Namespace(servers=[], seconds=57.0)
    assert follow_command.follow(options, settings) == 0
    assert follow_command.follow(argparse.Namespace(servers=["orders"], seconds=0.0), settings) == 1
    assert followed == [({"orders": True}, None, 57.0), ({"orders": True}, ["orders"], 0.0)]
    with exclusive(str(tmp_path), "following clusters"):
        assert follow_command.follow(options, settings) == 0
    with pytest.raises(HostError, match="the clusters in the program's settings"):
        follow_command.follow(options, Settings(ME, {"follow": {"managed_slots": []}}))
