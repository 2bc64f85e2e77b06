# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import (
    Barman,
    BarmanError,
    exception,
    failure,
    parse_reply,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed

REPLIES = Path(__file__).parents[1] / "fixtures" / "replies"


class Recorded:
    """A runner that answers what was recorded, by the arguments after the options."""

    def __init__(self, answers: Mapping[str, tuple[int, str, str]]) -> None:
        self.answers = answers
        self.commands: list[Command] = []

    def __call__(self, command: Command) -> Completed:
        self.commands.append(command)
        words = [word for word in command.argv[1:] if word not in ("-f", "json")]
        rc, stdout, stderr = self.answers[" ".join(words)]
        return Completed(list(command.argv), rc, stdout, stderr)


def answer(stdout: str, rc: int = 0, stderr: str = "") -> Completed:
    return Completed(["barman", "-f", "json", "check", "pg"], rc, stdout, stderr)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("check_main", ["main"]),
        ("check_passive", ["main"]),
        ("check_rsync_arch", ["arch"]),
        ("list-backups_main", ["main"]),
        ("list-processes_main", ["main"]),
        ("list-servers", ["arch", "main"]),
        ("replication-status_main", ["main"]),
        ("show-backup_main_latest", ["main"]),
        ("status_main", ["main"]),
    ],
)
def test_recorded_answers_have_servers_alone(name: str, keys: list[str]) -> None:
    reply = parse_reply(answer((REPLIES / f"{name}.json").read_text()))
    assert sorted(reply.data) == keys
    assert reply.ok


def test_warnings_are_no_server() -> None:
    reply = parse_reply(answer((REPLIES / "check_rsync_arch.json").read_text()))
    assert reply.warnings == ["No backup strategy set for server 'arch' (using default 'concurrent_backup')."]


def test_every_kind_of_message() -> None:
    text = '{"_INFO": ["i"], "_WARNING": ["w"], "_ERROR": ["e"], "_EXCEPTION": ["x"], "_DEBUG": ["d"], "pg": 1}'
    reply = parse_reply(answer(text, 1))
    assert (reply.info, reply.warnings, reply.errors, dict(reply.data)) == (["i"], ["w"], ["e", "x"], {"pg": 1})
    assert not reply.ok
    assert reply.reason == "e; x"


def test_an_error_is_one_whatever_the_exit_code() -> None:
    assert not parse_reply(answer('{"_ERROR": ["no"]}', 0)).ok


def test_an_exit_code_is_enough() -> None:
    reply = parse_reply(answer("{}", 1))
    assert not reply.ok
    assert reply.reason == "exit code 1"


def test_what_ends_barman_comes_on_stderr() -> None:
    reply = parse_reply(answer("", 1, "ERROR: please run barman as 'barman' user\n"))
    assert reply.errors == ["ERROR: please run barman as 'barman' user"]


def test_of_a_long_message_the_beginning_and_the_end() -> None:
    """With rsync Barman's error has the name of every file."""
    files = "\n".join(f"base/1/{number}" for number in range(5000))
    output = f"Backup failed copying files.\nstdout: {files}\nrsync: [sender] write error: No space left on device (28)"
    document = json.dumps({"_ERROR": [output]})
    reply = parse_reply(Completed(["barman"], 1, document))
    assert len(reply.reason) < 2100
    assert reply.reason.startswith("Backup failed copying files.")
    assert reply.reason.endswith("No space left on device (28)")
    assert "left out, see Barman's log" in reply.reason


def test_of_a_traceback_the_last_line() -> None:
    stderr = (
        "Traceback (most recent call last):\n  File \"x\", line 1\nModuleNotFoundError: No module named 'psycopg2'\n"
    )
    assert parse_reply(answer("", 1, stderr)).reason == "ModuleNotFoundError: No module named 'psycopg2'"


@pytest.mark.parametrize("text", ['{"a": 1}{}', "[1]", "Server pg:\n"])
def test_what_is_no_json_object(text: str) -> None:
    with pytest.raises(BarmanError, match="output of 'barman check pg' is not JSON"):
        parse_reply(answer(text))


def test_no_output_is_no_error() -> None:
    assert parse_reply(answer("")).ok


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("3.13.3 Barman by EnterpriseDB (www.enterprisedb.com)\n", (3, 13, 3)),
        ("3.4.0 Barman by EnterpriseDB (www.enterprisedb.com)", (3, 4, 0)),
        ("barman 3.20.1", (3, 20, 1)),
    ],
)
def test_version(output: str, version: tuple[int, ...]) -> None:
    recorded = Recorded({"--version": (0, output, "")})
    barman = Barman(recorded)
    assert barman.version == version
    assert barman.version == version
    assert len(recorded.commands) == 1


def test_no_version() -> None:
    with pytest.raises(BarmanError, match="'barman --version' did not report a version: broken"):
        _ = Barman(Recorded({"--version": (1, "", "broken")})).version


def test_it_runs_as_its_user_with_its_file() -> None:
    recorded = Recorded({"-c /etc/b.conf list-servers": (0, "{}", "")})
    Barman(recorded, "backup", "/etc/b.conf").json("list-servers", timeout=7, env={"A": "1"})
    command = recorded.commands[0]
    assert list(command.argv) == ["barman", "-c", "/etc/b.conf", "-f", "json", "list-servers"]
    assert (command.user, command.timeout, dict(command.env)) == ("backup", 7, {"A": "1"})


def test_with_another_file_it_is_the_same_barman() -> None:
    recorded = Recorded({"--version": (0, "3.13.3", ""), "-c /tmp/x list-servers": (0, "{}", "")})
    barman = Barman(recorded, "backup")
    assert barman.version == (3, 13, 3)
    other = barman.with_config("/tmp/x")
    assert other.version == (3, 13, 3)
    other.text("list-servers")
    assert [command.user for command in recorded.commands] == ["backup", "backup"]


def test_expect_is_the_answer_or_an_error() -> None:
    recorded = Recorded({"check pg": (0, '{"pg": {}}', ""), "check other": (1, '{"_ERROR": ["Unknown server"]}', "")})
    barman = Barman(recorded)
    assert barman.expect("check", "pg").data == {"pg": {}}
    with pytest.raises(BarmanError, match="'barman check other' failed: Unknown server") as caught:
        barman.expect("check", "other")
    assert caught.value.reply is not None
    assert caught.value.reply.errors == ["Unknown server"]


def test_diagnose_is_asked_without_json() -> None:
    document = json.loads((REPLIES / "diagnose.json").read_text())
    recorded = Recorded({"diagnose": (0, json.dumps(document), "")})
    assert Barman(recorded).diagnose() == document
    assert "-f" not in recorded.commands[0].argv


def test_diagnose_that_fails() -> None:
    with pytest.raises(BarmanError, match="'barman diagnose' failed: no configuration"):
        Barman(Recorded({"diagnose": (1, "", "no configuration")})).diagnose()


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (
            "WARNING: w\nEXCEPTION: [Errno 28] No space left\nSee log file for more details.\n",
            "[Errno 28] No space left",
        ),
        ("EXCEPTION: FATAL:  one\n\tand two\nSee log file for more details.\n", "FATAL: one and two"),
        ("EXCEPTION: \nSee log file for more details.\n", ""),
        ("ERROR: EXCEPTION: x\n", None),
        ("", None),
    ],
)
def test_what_broke_a_command_off(stderr: str, words: str | None) -> None:
    assert exception(answer("", 1, stderr)) == words


@pytest.mark.parametrize(
    ("stdout", "stderr", "words"),
    [
        ("", "EXCEPTION: [Errno 28] No space left\nSee log file for more details.\n", "[Errno 28] No space left"),
        ("", "ERROR: Unknown server 'x'\n", "ERROR: Unknown server 'x'"),
        ("", "Traceback (most recent call last):\n  File\nValueError: x\n", "ValueError: x"),
        ("said here\n", "", "said here"),
        ("", "", "exit code 1"),
    ],
)
def test_why_a_command_failed_whose_answer_is_text(stdout: str, stderr: str, words: str) -> None:
    assert failure(answer(stdout, 1, stderr)) == words
