# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import process
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, CommandTimeout, HostError, run

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def python(code: str, **options: object) -> Command:
    return Command([sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def gone(pid: int) -> bool:
    """Whether the process ended; one that nobody has waited for yet has ended too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return gone(pid)


def test_output_and_exit_code() -> None:
    completed = run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (completed.rc, completed.stdout, completed.stderr) == (3, "out\n", "err\n")
    assert not completed.ok
    assert completed.text == "err"
    assert completed.duration > 0


def test_text_is_stdout_where_stderr_is_empty() -> None:
    assert run(python("print(' said ')")).text == "said"


def test_output_that_is_no_utf8_is_readable() -> None:
    assert run(python("import sys; sys.stdout.buffer.write(b'a\\xffb')")).stdout == "a\ufffdb"


def test_input_reaches_the_command() -> None:
    assert run(python("print(input())", input="späte Nachricht")).stdout == "späte Nachricht\n"


def test_without_input_stdin_is_empty() -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))")).stdout == "''\n"


def test_environment_is_small_and_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("BARMAN_CONFIG_FILE", "/elsewhere")
    completed = run(python("import json, os; print(json.dumps(dict(os.environ)))", env={"SECRET": "s"}))
    assert '"LC_ALL": "C.UTF-8"' in completed.stdout
    assert '"SECRET": "s"' in completed.stdout
    assert "BARMAN_CONFIG_FILE" not in completed.stdout


def test_the_usual_directories_are_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/opt/mine:/usr/bin")
    path = run(python("import os; print(os.environ['PATH'])")).stdout.strip().split(":")
    assert path[:2] == ["/opt/mine", "/usr/bin"]
    assert {"/usr/sbin", "/usr/local/bin", "/bin"} < set(path)
    assert len(path) == len(set(path))


def test_a_child_that_keeps_stdout_open_does_not_hang_us() -> None:
    """As "barman cron" does."""
    started = time.monotonic()
    child = run(Command(["sh", "-c", "sleep 60 & echo $!"]))
    assert time.monotonic() - started < 10
    os.kill(int(child.stdout), signal.SIGKILL)


def test_timeout_ends_the_command_and_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {note}; wait"
    with pytest.raises(CommandTimeout, match=r"did not end within 0\.5 s"):
        run(Command(["sh", "-c", script], timeout=0.5))
    assert wait_until_gone(int(note.read_text()))


def test_timeout_ends_a_command_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that ignores SIGTERM is killed; its children that do so too."""
    monkeypatch.setattr(process, "_GRACE", 0.3)
    note = tmp_path / "pid"
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(CommandTimeout):
        run(python(code, timeout=1.5))
    assert wait_until_gone(int(note.read_text()))


def test_what_interrupts_the_wait_ends_the_command(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def interrupt() -> None:
        if note.exists():
            raise KeyboardInterrupt

    script = f"echo $$ > {note}; exec sleep 60"
    with pytest.raises(KeyboardInterrupt):
        run(Command(["sh", "-c", script], tick=interrupt, tick_interval=0.1))
    assert wait_until_gone(int(note.read_text()))


# A process that runs a command, of which a child writes its own number down.
PARENT = """
import sys
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, HostError, run
note, asked, ignored = sys.argv[1:]
if ignored == "ignored":
    import signal
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
try:
    run(Command(["sh", "-c", "sleep 60 & echo $! $$ > %s.new; mv %s.new %s; wait" % (note, note, note)],
                die_with_parent=asked == "asked", tick=lambda: None, tick_interval=0.1))
except HostError as exc:
    print(exc)
"""


def start_parent(note: Path, asked: str, ignored: str = "") -> tuple[subprocess.Popen[str], list[int]]:
    """A process with a running command, and the numbers of the command's child and of the command."""
    path = os.pathsep.join([*sys.path])
    argv = [sys.executable, "-c", PARENT, str(note), asked, ignored]
    parent = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
    deadline = time.monotonic() + 30
    while not note.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return parent, [int(word) for word in note.read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_ends_the_command_and_its_children(tmp_path: Path, number: signal.Signals) -> None:
    parent, children = start_parent(tmp_path / "note", "asked")
    parent.send_signal(number)
    output, _dummy = parent.communicate(timeout=30)
    assert f"'sh' was stopped, because signal {number.name} stopped the module" in output
    assert all(wait_until_gone(pid) for pid in children)


def test_a_command_ends_where_its_parent_is_killed(tmp_path: Path) -> None:
    parent, (child, command) = start_parent(tmp_path / "note", "asked")
    parent.kill()
    parent.communicate(timeout=30)
    assert wait_until_gone(command)
    os.kill(child, signal.SIGKILL)


def test_a_command_goes_on_where_that_is_not_asked(tmp_path: Path) -> None:
    parent, (child, command) = start_parent(tmp_path / "note", "")
    parent.kill()
    parent.communicate(timeout=30)
    time.sleep(0.3)
    assert not gone(command)
    os.killpg(command, signal.SIGKILL)
    assert wait_until_gone(child)


def test_a_hangup_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    parent, (_child, command) = start_parent(tmp_path / "note", "asked", "ignored")
    parent.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert not gone(command)
    parent.send_signal(signal.SIGTERM)
    parent.communicate(timeout=30)
    assert wait_until_gone(command)


def test_the_signals_are_as_before_afterwards() -> None:
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)]
    assert run(Command(["true"], die_with_parent=True)).ok
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_thread_can_ask_for_it_too() -> None:
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(run(Command(["true"], die_with_parent=True)).ok))
    thread.start()
    thread.join()
    assert answers == [True]


def test_tick_is_called_while_it_runs() -> None:
    ticks: list[float] = []
    run(Command(["sleep", "0.5"], tick=lambda: ticks.append(time.monotonic()), tick_interval=0.1))
    assert 2 <= len(ticks) <= 5


def test_unknown_program() -> None:
    with pytest.raises(HostError, match="'no-such-program' was not found on this host: install it"):
        run(Command(["no-such-program"]))


def test_unknown_directory() -> None:
    with pytest.raises(HostError, match="the directory /no/such does not exist"):
        run(Command(["true"], cwd="/no/such"))


def test_not_executable(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("")
    with pytest.raises(HostError, match="could not be started"):
        run(Command([str(script)]))


def test_unknown_user() -> None:
    with pytest.raises(HostError, match="the operating system user 'nobody-here' does not exist"):
        run(Command(["true"], user="nobody-here"))


@as_root
def test_root_becomes_the_user() -> None:
    account = process.lookup_user("nobody")
    # Not this Python: it may be where others can't go.
    shown = run(Command(["sh", "-c", 'id -u; id -ru; id -g; id -G; echo "$USER"'], user="nobody")).stdout.split("\n")
    assert shown[:3] == [str(account.pw_uid), str(account.pw_uid), str(account.pw_gid)]
    assert "0" not in shown[3].split()
    assert shown[4] == "nobody"


def test_another_user_without_root_fails_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: process.lookup_user("daemon").pw_uid)
    with pytest.raises(HostError, match="must run as root or as 'nobody', not as 'daemon': set 'become: true'"):
        run(Command(["true"], user="nobody"))


def test_commands_run_side_by_side() -> None:
    started = time.monotonic()
    threads = [threading.Thread(target=run, args=(Command(["sleep", "0.5"]),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 1.8


def test_a_command_as_text_is_quoted() -> None:
    assert str(Command(["psql", "-c", "select 1"])) == "psql -c 'select 1'"


def test_fixture_is_right() -> None:
    ended = subprocess.Popen(["true"])
    assert wait_until_gone(ended.pid)
    ended.wait()
