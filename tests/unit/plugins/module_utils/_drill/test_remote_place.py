# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drills on a drill host. SSH is played by a shell on this host, which runs the real remote program; only its verification is played or fails."""

from __future__ import annotations

import getpass
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._drill import remote_program, run
from ansible_collections.pgdr.barman.plugins.module_utils._drill.remote_place import DrillHostPlace
from ansible_collections.pgdr.barman.plugins.module_utils._drill.request import (
    DrillError,
    DrillRequest,
    RemoteHost,
    request_from,
)
from ansible_collections.pgdr.barman.plugins.module_utils._drill.scratch import LOCK, Scratch, left_on_drill_hosts
from ansible_collections.pgdr.barman.plugins.module_utils._drill.stopwatch import Stopwatch
from ansible_collections.pgdr.barman.plugins.module_utils._host import process
from ansible_collections.pgdr.barman.plugins.module_utils._host.lock import exclusive
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.sources import own_sources
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination import DestinationError
from ansible_collections.pgdr.barman.plugins.module_utils._verify.request import (
    RecoveryVerificationError,
    VerificationQuery,
    VerificationRequest,
)
from tests.unit.plugins.module_utils._drill.drill_host import TEST, DrillHost
from tests.unit.plugins.module_utils._drill.test_drill import ARGUMENTS

SPARE = RemoteHost("198.51.100.202", "postgres", 2222)


class Ssh:
    """Runs what is sent to the other host here, and notes the SSH commands."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.answer: Completed | None = None

    def __call__(self, command: Command) -> Completed:
        if command.argv[0] != "ssh":
            return process.run(command)
        self.commands.append(command)
        if self.answer is not None:
            return self.answer
        return process.run(replace(command, argv=["sh", "-s"], user=None))


@pytest.fixture
def ssh() -> Ssh:
    return Ssh()


@pytest.fixture
def spare(ssh: Ssh) -> DrillHostPlace:
    return DrillHostPlace(SPARE, getpass.getuser(), ssh, "normal")


def scratch_in(path: Path) -> Scratch:
    return Scratch(str(path / "drills" / "pgdr-drill-0123456789abcdef"), note="")


def test_it_is_reached_as_its_user_at_its_address_and_port(ssh: Ssh, spare: DrillHostPlace, tmp_path: Path) -> None:
    spare.make(scratch_in(tmp_path))
    argv = list(ssh.commands[0].argv)
    assert argv[0] == "ssh"
    assert argv[-4:] == ["-p", "2222", "postgres@198.51.100.202", "sh -s"]
    assert spare.recovery_options(scratch_in(tmp_path)) == {
        "remote_host": "198.51.100.202",
        "remote_user": "postgres",
        "remote_port": 2222,
    }


def test_a_directory_is_made_and_removed_there(spare: DrillHostPlace, tmp_path: Path) -> None:
    scratch = scratch_in(tmp_path)
    spare.make(scratch)
    assert os.stat(scratch.path).st_mode & 0o777 == 0o700
    assert os.path.isdir(scratch.staging)
    spare.remove(scratch)
    assert not os.path.lexists(scratch.path)
    assert (tmp_path / "drills").is_dir()


def test_a_directory_that_exists_is_not_taken(spare: DrillHostPlace, tmp_path: Path) -> None:
    scratch = scratch_in(tmp_path)
    spare.make(scratch)
    with pytest.raises(HostError):
        spare.make(scratch)


def test_its_file_system_and_its_programs_are_read(spare: DrillHostPlace, tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n")
    (tmp_path / "postgres").chmod(0o755)
    disk = spare.observe(str(tmp_path / "none" / "yet"), 17, str(tmp_path))
    stat = os.statvfs(tmp_path)
    assert (disk.path, disk.size) == (str(tmp_path / "none" / "yet"), stat.f_blocks * stat.f_frsize)
    assert 0 < disk.free <= disk.size
    with pytest.raises(DrillError, match=r"^198\.51\.100\.202: the programs of PostgreSQL 16 were not found"):
        spare.observe(str(tmp_path), 16, str(tmp_path))


def test_what_is_no_data_directory_fails_there_with_the_phases_until_then(
    spare: DrillHostPlace, tmp_path: Path
) -> None:
    scratch = scratch_in(tmp_path)
    spare.make(scratch)
    watch = Stopwatch(lambda: 0.0)
    request = VerificationRequest(scratch.data, queries=(VerificationQuery("SELECT 1", expect=1, expected=True),))
    with pytest.raises(RecoveryVerificationError, match=r"^198\.51\.100\.202: .*pgdr-drill-0123456789abcdef/data"):
        spare.verify(request, scratch, watch)
    assert watch.current == "replay"


def test_its_phases_are_measured_there(spare: DrillHostPlace, ssh: Ssh, tmp_path: Path) -> None:
    answer = {"facts": TEST, "phases": [["replay", 2.5], ["queries", 0.5]]}
    ssh.answer = Completed([], 0, "\n\n" + json.dumps(answer) + "\n")
    times = iter((0.0, 1.0, 10.0))
    watch = Stopwatch(lambda: next(times))
    scratch = scratch_in(tmp_path)
    assert spare.verify(VerificationRequest(scratch.data), scratch, watch) == TEST
    watch.enter("remove")
    # 9 seconds passed here: 3 of them are measured there, and the others belong to the connection.
    assert watch.phases == {"choose": 1.0, "replay": 8.5, "queries": 0.5}


@pytest.mark.parametrize(("stated", "failed"), [(None, "queries"), ("amcheck", "amcheck")])
def test_the_phase_that_failed_there_is_reported(
    spare: DrillHostPlace, ssh: Ssh, tmp_path: Path, stated: str | None, failed: str
) -> None:
    facts: dict[str, Any] = {} if stated is None else {"failed_phase": stated}
    answer: dict[str, Any] = {"reason": "wrong rows", "facts": facts, "phases": [["replay", 1], ["queries", 1]]}
    ssh.answer = Completed([], 0, json.dumps(answer))
    with pytest.raises(RecoveryVerificationError, match="wrong rows") as caught:
        spare.verify(VerificationRequest("/x"), scratch_in(tmp_path), Stopwatch(lambda: 0.0))
    assert caught.value.facts["failed_phase"] == failed


def test_a_host_without_python_is_named(spare: DrillHostPlace, ssh: Ssh, tmp_path: Path) -> None:
    ssh.answer = Completed([], 127, "", "sh: 1: exec: python3: not found")
    with pytest.raises(DrillError, match=r"198\.51\.100\.202: the drill host has no python3"):
        spare.make(scratch_in(tmp_path))


def test_a_host_that_can_not_be_reached_is_named(spare: DrillHostPlace, ssh: Ssh, tmp_path: Path) -> None:
    ssh.answer = Completed([], 255, "", "ssh: connect to host 198.51.100.202 port 2222: Connection refused")
    with pytest.raises(DestinationError, match=r"198\.51\.100\.202.*nothing listens on port 2222"):
        spare.make(scratch_in(tmp_path))


def test_an_end_without_an_answer_shows_the_output(spare: DrillHostPlace, ssh: Ssh, tmp_path: Path) -> None:
    ssh.answer = Completed([], 1, "", "Traceback: boom")
    with pytest.raises(HostError, match=r"'make' of the drill ended with status 1 and no answer: Traceback: boom"):
        spare.make(scratch_in(tmp_path))


# The remote program


def test_the_code_that_travels_runs_without_ansible_and_leaves_no_file(tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    assert "_drill/remote_program.py" in own_sources()
    place = DrillHostPlace(SPARE, getpass.getuser(), Ssh())
    place.make(scratch_in(tmp_path))
    place.remove(scratch_in(tmp_path))
    assert sorted(one for one in tmp_path.iterdir() if one.name != "drills") == before


def verified(request: VerificationRequest, environment: Any) -> dict[str, Any]:
    assert isinstance(request.queries[0], VerificationQuery)
    for phase in ("replay", "queries"):
        environment.report(phase)
    if request.checksums:
        raise RecoveryVerificationError("wrong rows", {"queries": []})
    return {"reached": {"lsn": "0/1"}}


@pytest.mark.parametrize("fails", [False, True])
def test_the_answer_has_the_facts_and_the_phases(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, fails: bool
) -> None:
    monkeypatch.setattr(remote_program, "verify_recovery", verified)
    query = {"query": "SELECT 1", "database": "postgres", "expect": 1, "expected": True}
    request = {"data_directory": "/x", "queries": [query], "checksums": fails}
    remote_program.main({"operation": "verify", "path": str(tmp_path), "request": request, "priority": "normal"})
    answer: Mapping[str, Any] = json.loads(capsys.readouterr().out)
    assert [phase for phase, _seconds in answer["phases"]] == ["replay", "queries"]
    assert answer.get("reason") == ("wrong rows" if fails else None)
    facts: dict[str, Any] = {"queries": []} if fails else {"reached": {"lsn": "0/1"}}
    assert answer["facts"] == facts


def test_it_ends_when_the_connection_is_lost(tmp_path: Path) -> None:
    """What writes to a closed pipe is ended as by SIGTERM, within two beats."""
    code = (
        "import sys, time; from ansible_collections.pgdr.barman.plugins.module_utils._drill import remote_program as r\n"
        "r._HEARTBEAT = 0.05; r._end_with_connection()"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert isinstance(started.stdout, io.BufferedReader)
    assert started.stdout.readline() == b"\n"
    started.stdout.close()
    assert started.wait(20) == -15


# A drill


def drill_on_spare(host: DrillHost, ssh: Ssh, tmp_path: Path, **options: Any) -> Mapping[str, Any]:
    request = DrillRequest(
        servers=("app",),
        directory=str(tmp_path / "there"),
        bin_directory=str(host.root / "bin"),
        priority="normal",
        host=SPARE,
    )
    environment = replace(host.environment(), runner=ssh)
    drills: Mapping[str, Any] = run.run_drills(replace(request, **options), environment).values
    return drills


@pytest.fixture
def host(tmp_path: Path) -> DrillHost:
    made = DrillHost(tmp_path)
    made.server("app", "20261130T110000")
    return made


class Checked(Ssh):
    """The drill host's check passes."""

    def __call__(self, command: Command) -> Completed:
        if '"operation": "verify"' in (command.input or ""):
            self.commands.append(command)
            return Completed([], 0, json.dumps({"facts": TEST, "phases": [["replay", 1.0], ["queries", 1.0]]}))
        return super().__call__(command)


def test_a_drill_restores_to_the_drill_host_and_is_recorded_here(host: DrillHost, tmp_path: Path) -> None:
    drilled = drill_on_spare(host, Checked(), tmp_path)["drills"]["app"]
    assert (drilled["result"], drilled["drill_host"]) == ("passed", "198.51.100.202")
    request, _check_mode = host.recoveries[-1]
    assert (request.destination.host, request.destination.user, request.destination.port) == (
        "198.51.100.202",
        "postgres",
        2222,
    )
    assert request.destination.directory.startswith(str(tmp_path / "there" / "pgdr-drill-"))
    assert request.staging_path is None
    assert [one.id for one in host.ledger("app").records] == [drilled["id"]]
    assert os.listdir(tmp_path / "there") == []
    assert host.notes() == []


def test_a_drill_that_fails_there_is_recorded_here(host: DrillHost, ssh: Ssh, tmp_path: Path) -> None:
    drilled = drill_on_spare(host, ssh, tmp_path)["drills"]["app"]
    assert (drilled["result"], drilled["failed_phase"]) == ("failed", "replay")
    assert drilled["reason"].startswith("198.51.100.202: ")
    assert os.listdir(tmp_path / "there") == []


def test_what_a_killed_drill_left_there_is_removed_by_the_next_drill_there(host: DrillHost, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    class Kills(Ssh):
        def __call__(self, command: Command) -> Completed:
            if '"operation": "verify"' in (command.input or ""):
                raise Killed
            return super().__call__(command)

    with pytest.raises(Killed):
        drill_on_spare(host, Kills(), tmp_path)
    assert len(os.listdir(tmp_path / "there")) == 1
    # This backup server's own drills can't reach the other host.
    local = host.drill("app")
    assert local.values["removed"] == []
    (name,) = os.listdir(tmp_path / "there")
    (left,) = local.values["left"]
    assert left == {"host": "198.51.100.202", "directory": str(tmp_path / "there" / name), "server": "app"}
    assert f"left the restored cluster in {left['directory']} on 198.51.100.202" in local.warnings[0]
    assert local.failure is None
    with exclusive(str(host.home), LOCK):
        assert left_on_drill_hosts(str(host.home)) == []
    (scratch,) = left_on_drill_hosts(str(host.home))
    assert (scratch.server, scratch.path) == ("app", left["directory"])
    again = drill_on_spare(host, Checked(), tmp_path)
    assert (len(again["removed"]), again["left"]) == (1, [])
    assert left_on_drill_hosts(str(host.home)) == []
    assert os.listdir(tmp_path / "there") == []
    assert [one.details.get("reason") for one in host.ledger("app").records].count("the drill was killed") == 1


def test_what_a_killed_drill_left_here_is_removed_by_a_drill_there(host: DrillHost, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(request: Any) -> None:
        raise Killed

    host.during_check = kill
    with pytest.raises(Killed):
        host.drill("app")
    assert len(host.scratch_directories()) == 1
    assert len(drill_on_spare(host, Checked(), tmp_path)["removed"]) == 1
    assert (host.scratch_directories(), host.notes()) == ([], [])


def test_the_lack_of_room_there_names_the_host(host: DrillHost, ssh: Ssh, tmp_path: Path) -> None:
    host.bytes = 10**18
    drilled = drill_on_spare(host, ssh, tmp_path)["drills"]["app"]
    assert drilled["reason"].startswith("198.51.100.202: directory (playbook: ")
    assert host.notes() == []


# Its options


def test_the_options_of_a_drill_host() -> None:
    request = request_from(
        {**ARGUMENTS, "directory": "/srv/drills", "remote_host": "spare", "remote_user": "pg", "remote_port": 22}
    )
    assert request.host == RemoteHost("spare", "pg", 22)
    assert request_from(ARGUMENTS).host is None


def test_a_drill_host_needs_a_directory_and_a_name_that_ssh_takes() -> None:
    with pytest.raises(DrillError) as caught:
        request_from({**ARGUMENTS, "remote_host": "-oProxyCommand=x"})
    text = str(caught.value)
    assert "barman_drill_host_directory" in text
    assert "'-oProxyCommand=x' is neither a host name nor an address" in text
