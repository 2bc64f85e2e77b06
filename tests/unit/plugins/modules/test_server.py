# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._server import run as server_run
from ansible_collections.pgdr.barman.plugins.modules import server
from tests.unit.plugins.modules.running import run_main

SERVERS = [
    {"name": "pg", "options": {"conninfo": "host=a password=secret1", "archiver": True, "ssh_command": "ssh a"}},
    {"name": "p", "options": {"primary_ssh_command": "ssh b"}},
]


class Module:
    """The module on a host of its own."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.main = path / "barman.conf"
        self.directory = path / "barman.d"
        self.main.write_text(f"[barman]\nbarman_home = {path}/home\nconfiguration_files_directory = {self.directory}\n")
        self.calls: list[str] = []
        self.messages: dict[str, list[str]] = {}
        self.call = partial(run_main, server.main, capsys, config_file=str(self.main), barman_user=self._user())
        monkeypatch.setattr(
            server_run, "barman_from", lambda params: Barman(self._run, params["barman_user"], params["config_file"])
        )

    @staticmethod
    def _user() -> str:
        return "root" if os.geteuid() == 0 else os.environ["USER"]

    def _run(self, command: Command) -> Completed:
        argv = list(command.argv)
        self.calls.append(argv[-1])
        if argv[-1] == "--version":
            return Completed(argv, 0, "3.13.3 Barman", "")
        staged = Path(argv[argv.index("-c") + 1]).parent / "barman.d"
        servers = {path.stem: {"description": ""} for path in staged.iterdir()}
        return Completed(argv, 0, json.dumps({**self.messages, **servers}), "")

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.directory.glob("*"))}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Module:
    return Module(tmp_path, monkeypatch, capsys)


def test_check_mode_then_for_real_then_again(module: Module) -> None:
    checked = module.call(servers=SERVERS, check_mode=True)
    assert checked["changed"]
    assert module.files() == {}
    done = module.call(servers=SERVERS)
    assert done["changed"]
    assert sorted(module.files()) == ["p.conf", "pg.conf"]
    assert (done["servers"], done["files"], done["barman_version"]) == (["pg", "p"], checked["files"], "3.13.3")
    module.calls.clear()
    again = module.call(servers=SERVERS)
    assert (again["changed"], module.calls) == (False, [])


def test_diff(module: Module) -> None:
    answer = module.call(servers=SERVERS, diff=True, check_mode=True)
    assert [item["after_header"] for item in answer["diff"]] == answer["files"]
    assert "archiver = on\n" in answer["diff"][1]["after"]
    assert "diff" not in module.call(servers=SERVERS, check_mode=True)
    module.call(servers=SERVERS)
    assert module.call(servers=SERVERS, diff=True)["diff"] == []


def test_prune(module: Module) -> None:
    module.call(servers=SERVERS)
    answer = module.call(servers=SERVERS[:1], prune=True)
    assert answer["changed"]
    assert [left["name"] for left in answer["removed"]] == ["p"]
    assert list(module.files()) == ["pg.conf"]


def test_an_empty_list_is_no_order_to_delete(module: Module) -> None:
    module.call(servers=SERVERS)
    refused = module.call(servers=[], prune=True)
    assert "set barman_allow_empty: true if this is intended" in refused["msg"]
    assert len(module.files()) == 2
    assert module.call(servers=[], prune=True, allow_empty=True)["changed"]
    assert module.files() == {}


def test_absent(module: Module) -> None:
    module.call(servers=SERVERS)
    answer = module.call(servers=[{"name": "pg", "state": "absent"}])
    assert answer["changed"]
    assert answer["servers"] == []
    assert list(module.files()) == ["p.conf"]
    assert not module.call(servers=[{"name": "pg", "state": "absent"}])["changed"]


def test_every_problem_at_once_and_nothing_done(module: Module) -> None:
    answer = module.call(servers=[{"name": "pg", "options": {"archver": True}}, {"name": "all"}])
    assert answer["failed"]
    assert len(answer["problems"]) == 2
    assert "did you mean archiver?" in answer["msg"]
    assert module.files() == {}


def test_barmans_word_counts(module: Module) -> None:
    module.messages = {"_WARNING": ['Invalid configuration option "x" in [pg] section.']}
    answer = module.call(servers=SERVERS)
    assert "Barman's configuration was not changed: Barman reports: Invalid" in answer["msg"]
    assert module.files() == {}


def test_global_options(module: Module) -> None:
    assert module.call(global_options={"compression": "gzip"})["changed"]
    assert "compression = gzip\n" in module.main.read_text()
    assert not module.call(global_options={"compression": "gzip"})["changed"]


def test_a_file_that_can_not_be_read(module: Module) -> None:
    module.main.unlink()
    module.main.mkdir()
    assert "can't be read: Is a directory" in module.call(servers=SERVERS)["msg"]


@pytest.mark.parametrize("fault", [{}, {"archver": True}, {"description": "a\nb"}])
def test_passwords_are_nowhere_in_the_answer(
    module: Module, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "_log_to_syslog", lambda self, text: logged.append(text))
    options = {**SERVERS[0]["options"], **fault}  # type: ignore[dict-item]
    answer = module.call(servers=[{"name": "pg", "options": options}], diff=True)
    assert "secret1" not in json.dumps(answer)
    # ansible-core 2.21 and later return no arguments unless a debug setting asks for them.
    if "invocation" in answer:
        assert "password=********" in json.dumps(answer["invocation"])
    assert "secret1" not in "".join(logged)
    if not fault:
        assert "secret1" in module.files()["pg.conf"]


def test_one_way_after_the_other(module: Module) -> None:
    now = {"streaming_archiver": True, "slot_name": "barman", "conninfo": "host=a", "ssh_command": "ssh a"}
    new = {"archiver": True, "conninfo": "host=a", "ssh_command": "ssh a"}
    module.call(
        servers=[{"name": "pg", "host": "pg-eu", "options": now}, {"name": "p", "options": {"description": "x"}}]
    )
    kept = module.call(servers=[{"name": "pg", "host": "pg-eu", "options": new}], handover=True)
    assert kept["handing_over"] == {"pg": ["streaming"]}
    assert [item["name"] for item in kept["unlisted"]] == ["p"]
    assert "slot_name = barman\n" in module.files()["pg.conf"]
    done = module.call(
        servers=[
            {"name": "pg", "host": "pg-eu", "options": new},
            {"name": "p", "options": {"active": False}, "merge": True},
        ]
    )
    assert (done["changed"], done["handing_over"], done["unlisted"]) == (True, {}, [])
    assert "slot_name" not in module.files()["pg.conf"]
    assert module.files()["p.conf"].endswith("[p]\ndescription = x\nactive = off\n")


def test_an_entry_that_is_not_there_is_not_made_by_options_to_put_in(module: Module) -> None:
    answer = module.call(servers=[{"name": "pg", "options": {"active": False}, "merge": True}, *SERVERS[1:]])
    assert (answer["changed"], list(module.files())) == (True, ["p.conf"])


def test_an_entry_that_would_lead_to_no_machine_does_not_replace_one_that_works(module: Module) -> None:
    old = {"name": "pg", "options": {"conninfo": "host=198.51.100.21 user=barman", "archiver": True}}
    module.call(servers=[old])
    before = module.files()
    new = {"name": "pg", "options": {**old["options"], "conninfo": "host=no-such-host.invalid user=barman"}}  # type: ignore[dict-item]
    for check_mode in (True, False):
        refused = module.call(servers=[new], check_mode=check_mode)
        assert refused["failed"]
        assert (
            "conninfo would connect to no-such-host.invalid, port 5432, and its name can't be resolved"
            in refused["msg"]
        )
    assert module.files() == before
