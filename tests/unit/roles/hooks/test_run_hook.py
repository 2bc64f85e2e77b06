# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""run-hook, run as Barman runs it: every retry hook has an end, and how it went can be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PROGRAM = REPOSITORY / "roles" / "hooks" / "files" / "run_hook.py"


class Hook:
    """A hook script in a directory of its own, and run-hook."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.script = path / "script"
        self.state_directory = path / "home" / "state"
        self.environment = {
            "PATH": os.environ["PATH"],
            "BARMAN_SERVER": "pg",
            "BARMAN_PHASE": "post",
            "BARMAN_HOOK": "backup_script",
            "BARMAN_BACKUP_ID": "20261120T120000",
            "BARMAN_RETRY": "0",
        }

    def retry(self, **more: str) -> Hook:
        self.environment.update(BARMAN_HOOK="backup_retry_script", BARMAN_RETRY="1", **more)
        return self

    def write(self, text: str) -> None:
        self.script.write_text(f"#!/bin/sh\n{text}\n")
        self.script.chmod(0o755)

    def command(self, *options: str) -> list[str]:
        return [
            sys.executable,
            str(PROGRAM),
            "--state",
            str(self.state_directory),
            "--pause",
            "0",
            *options,
            "--",
            str(self.script),
        ]

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*options), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def state(self) -> dict[str, object]:
        (file,) = self.state_directory.glob("*.json")
        return dict(json.loads(file.read_text()))


def runs(pid: str) -> bool:
    """Whether that process runs; one that nobody has waited for yet has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_text())
    except OSError:
        return False


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    return Hook(tmp_path)


def test_success(hook: Hook) -> None:
    hook.write('echo "done with $BARMAN_BACKUP_ID"')
    done = hook.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "done with 20261120T120000\n", "")
    state = hook.state()
    assert (state["status"], state["hook"], state["subject"]) == ("ok", "post_backup_script", "20261120T120000")
    assert state["message"] == "done with 20261120T120000"
    assert state["failures"] == {}


def test_nobody_else_reads_the_output(hook: Hook) -> None:
    hook.write("true")
    hook.run()
    assert hook.state_directory.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in hook.state_directory.iterdir())


def test_a_plain_hook_that_fails_is_reported(hook: Hook) -> None:
    hook.write("echo no room >&2; exit 7")
    done = hook.run()
    assert done.returncode == 7
    assert "no room" in done.stderr
    assert hook.state()["failures"] == {"20261120T120000": "no room"}


@pytest.mark.parametrize(("give_up", "code"), [("stop", 63), ("continue", 62)])
def test_a_retry_hook_that_never_succeeds_is_ended(hook: Hook, give_up: str, code: int) -> None:
    hook.write(f'echo x >>"{hook.path}/attempts"; exit 1')
    done = hook.retry().run("--attempts", "3", "--give-up", give_up)
    assert done.returncode == code
    assert (hook.path / "attempts").read_text() == "x\n" * 3
    assert (hook.state()["status"], hook.state()["attempts"]) == ("failed", 3)
    assert hook.state()["message"] == "exit code 1"


def test_a_retry_hook_may_succeed_late(hook: Hook) -> None:
    hook.write(f'echo x >>"{hook.path}/attempts"; [ "$(wc -l <"{hook.path}/attempts")" -ge 3 ]')
    assert hook.retry().run("--attempts", "5").returncode == 0
    assert (hook.state()["status"], hook.state()["attempts"]) == ("ok", 3)


@pytest.mark.parametrize("code", [62, 63])
def test_the_script_may_decide_itself(hook: Hook, code: int) -> None:
    hook.write(f'echo x >>"{hook.path}/attempts"; exit {code}')
    assert hook.retry().run("--attempts", "5").returncode == code
    assert (hook.path / "attempts").read_text() == "x\n"
    assert hook.state()["status"] == "failed"


def test_a_script_that_is_gone_is_no_endless_loop(hook: Hook) -> None:
    done = hook.retry().run("--attempts", "2")
    assert done.returncode == 63
    assert "can't be started: No such file or directory" in str(hook.state()["message"])


def test_a_script_that_hangs_is_ended_with_its_children(hook: Hook) -> None:
    hook.write(f'sleep 300 & echo $! >"{hook.path}/child"; wait')
    began = time.monotonic()
    done = hook.retry().run("--attempts", "5", "--timeout", "1")
    assert done.returncode == 63
    assert time.monotonic() - began < 20
    assert not runs((hook.path / "child").read_text().strip())
    assert "without a result" in str(hook.state()["message"])


def test_no_attempt_begins_after_the_time(hook: Hook) -> None:
    hook.write(f'echo x >>"{hook.path}/attempts"; sleep 0.5; exit 1')
    assert hook.retry().run("--attempts", "50", "--timeout", "1.2").returncode == 63
    assert 1 <= len((hook.path / "attempts").read_text().split()) <= 3


def test_a_child_that_keeps_the_output_open_does_not_hold_barman_up(hook: Hook) -> None:
    hook.write("setsid sleep 30 & echo begun")
    began = time.monotonic()
    assert hook.run().stdout == "begun\n"
    assert time.monotonic() - began < 15


def test_interrupted(hook: Hook) -> None:
    hook.write("sleep 300")
    process = subprocess.Popen(hook.retry().command(), env=hook.environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not list(hook.state_directory.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (hook.state()["status"], hook.state()["pid"]) == ("running", process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 63
    assert (hook.state()["status"], hook.state()["message"]) == ("failed", "it was interrupted")


def test_of_backups_the_latest_counts(hook: Hook) -> None:
    hook.write("exit 1")
    hook.run()
    hook.environment["BARMAN_BACKUP_ID"] = "20261121T120000"
    hook.run()
    assert list(dict(hook.state()["failures"])) == ["20261121T120000"]  # type: ignore[call-overload]
    hook.write("exit 0")
    hook.environment["BARMAN_BACKUP_ID"] = "20261122T120000"
    hook.run()
    assert hook.state()["failures"] == {}


def test_of_wal_each_segment_counts(hook: Hook) -> None:
    hook.environment.update(BARMAN_PHASE="pre", BARMAN_HOOK="archive_retry_script", BARMAN_RETRY="1")
    for segment, code in (("A", 1), ("B", 1), ("C", 0), ("A", 0)):
        hook.write(f"exit {code}")
        hook.environment["BARMAN_SEGMENT"] = segment
        hook.run("--give-up", "continue")
    assert hook.state()["failures"] == {"B": "exit code 1"}
    assert (hook.state()["status"], hook.state()["subject"]) == ("ok", "A")


def test_a_state_that_cannot_be_written_hinders_nothing(hook: Hook) -> None:
    hook.state_directory.parent.write_text("a file where a directory should be")
    hook.write("true")
    assert hook.run().returncode == 0


def test_a_state_that_is_damaged_hinders_nothing(hook: Hook) -> None:
    hook.state_directory.mkdir(parents=True)
    (hook.state_directory / "pg.post_backup_script.json").write_text("[")
    hook.write("true")
    assert hook.run().returncode == 0
    assert hook.state()["status"] == "ok"


def test_a_manual_run(hook: Hook) -> None:
    hook.write("true")
    del hook.environment["BARMAN_PHASE"]
    done = hook.run()
    assert done.returncode == 2
    assert "BARMAN_PHASE" in done.stderr
