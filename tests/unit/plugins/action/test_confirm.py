# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The question on a real terminal, with nobody behind it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.action import confirm
from tests.tools.stage import environment
from tests.unit.plugins.action.running import failed_action, run_action

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Ask
      pgdr.barman.confirm:
        prompt: Stop PostgreSQL? Type yes to go on
        timeout: %d
        remedy: Give barman_recover_confirmed=true.
"""


def ask(
    directory: Path,
    timeout: int,
    answer: bytes | None,
    *arguments: str,
    terminal: bool = True,
    variables: dict[str, str] | None = None,
) -> tuple[int, str, float]:
    """Exit status, output and seconds of a playbook that asks. answer: what is typed when the question is there. variables: of its environment."""
    (directory / "play.yml").write_text(PLAY % timeout)
    command = [sys.executable, "-m", "ansible", "playbook", "play.yml", *arguments]
    begun = time.monotonic()
    if not terminal:
        done = subprocess.run(
            command,
            cwd=directory,
            env=environment(ANSIBLE_NOCOLOR="true"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, time.monotonic() - begun
    # As ansible-runner does: a terminal of its own for the playbook.
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.execvpe(command[0], command, environment(ANSIBLE_NOCOLOR="true", **(variables or {})))
    output = b""
    typed = False
    while time.monotonic() - begun < 60:
        ready, _, _ = select.select([descriptor], [], [], 0.1)
        if ready:
            try:
                data = os.read(descriptor, 65536)
            except OSError:
                break
            if not data:
                break
            output += data
        if answer is not None and not typed and b"(within" in output:
            # The prompt throws away what was typed before it.
            time.sleep(0.5)
            os.write(descriptor, answer)
            typed = True
    _, status = os.waitpid(pid, 0)
    os.close(descriptor)
    return (
        os.waitstatus_to_exitcode(status),
        " ".join(output.decode(errors="replace").split()),
        time.monotonic() - begun,
    )


def test_nobody_answers_under_a_terminal(tmp_path: Path) -> None:
    rc, output, seconds = ask(tmp_path, 2, None)
    assert rc == 2, output
    assert "nobody answered within 2 s. Give barman_recover_confirmed=true." in output
    assert seconds < 30


def test_without_a_terminal_it_fails_at_once(tmp_path: Path) -> None:
    rc, output, seconds = ask(tmp_path, 300, None, terminal=False)
    assert rc == 2, output
    assert "there is no terminal to ask on. Give barman_recover_confirmed=true." in output
    assert seconds < 30


def test_with_the_terminal_of_another_session_it_fails_at_once(tmp_path: Path) -> None:
    """As after su -c: standard input is a terminal that this session does not control."""
    (tmp_path / "play.yml").write_text(PLAY % 300)
    controller, terminal = pty.openpty()
    with (tmp_path / "output").open("wb") as output:
        command = [sys.executable, "-m", "ansible", "playbook", "play.yml"]
        playbook = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment(ANSIBLE_NOCOLOR="true"),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        # The last descriptor of the terminal is closed when the playbook ends.
        with contextlib.suppress(OSError):
            while data := os.read(controller, 65536):
                output.write(data)
    os.close(controller)
    shown = " ".join((tmp_path / "output").read_text().split())
    assert playbook.wait(timeout=60) == 2, shown
    assert "Ansible can't ask on its terminal" in shown
    assert "Give barman_recover_confirmed=true." in shown


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--extra-vars=awx_job_id=7",), {}),
        (("--extra-vars=tower_job_id=7",), {}),
        ((), {"AWX_ISOLATED_DATA_DIR": "/runner/artifacts/7"}),
    ],
)
def test_under_awx_it_fails_at_once(tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str]) -> None:
    """ansible-runner gives the playbook a terminal, so that Ansible itself would wait."""
    rc, output, seconds = ask(tmp_path, 300, None, *arguments, variables=variables)
    assert rc == 2, output
    assert "has nobody to ask. Give barman_recover_confirmed=true." in output
    assert seconds < 30


@pytest.mark.parametrize(("answer", "expected"), [(b"yes\r", 0), (b"no\r", 2), (b"\r", 2), (b"\x03", 2)])
def test_only_yes_goes_on(tmp_path: Path, answer: bytes, expected: int) -> None:
    rc, output, _ = ask(tmp_path, 60, answer)
    assert rc == expected, output


@pytest.mark.parametrize(("answer", "expected", "problem"), [("pg1", b" PG1", ""), ("pg1", b"yes", "not pg1")])
def test_another_answer_than_yes(monkeypatch: pytest.MonkeyPatch, answer: str, expected: bytes, problem: str) -> None:
    monkeypatch.setattr(confirm.Display, "prompt_until", lambda *_arguments, **_options: expected)
    if problem:
        message, _result = failed_action(confirm, {}, prompt="Type pg1", answer=answer)
        assert problem in message
    else:
        assert run_action(confirm, {}, prompt="Type pg1", answer=answer)["confirmed"]
