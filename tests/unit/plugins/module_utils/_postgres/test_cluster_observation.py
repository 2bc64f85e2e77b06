# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is observed of a host's PostgreSQL servers, from a /proc and data directories that the test makes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster import Cluster, DeclaredCluster
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster_identification import identify
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster_observation import (
    look_into,
    observe,
    pending_restart,
    read_clusters,
    running_servers,
    unit_name,
    unit_of_cgroup,
)

SYSTEM = 7710177296737963100
CGROUP = "0::/system.slice/system-postgresql.slice/postgresql@17-%s.service\n"


class FakeHost:
    """Data directories, and processes that run in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.proc = root / "proc"
        (self.proc / "self").mkdir(parents=True)
        self.units: dict[str, str] = {}
        self.clusters: list[dict[str, Any]] | None = []
        self.settings: dict[str, str] = {}
        self.psql = ""
        self.commands: list[Command] = []

    def directory(self, name: str, version: int = 17, tablespace: str | None = None) -> Path:
        path = self.root / name
        (path / "global").mkdir(parents=True)
        (path / "pg_tblspc").mkdir()
        (path / "PG_VERSION").write_text(f"{version}\n")
        control = struct.pack("<QIIi4xqQQI", SYSTEM, 1300, 202406281, 6, 0, 100, 90, 3)
        (path / "global" / "pg_control").write_bytes(control + bytes(100))
        if tablespace is not None:
            location = self.root / tablespace
            for own in (f"PG_{version}_202406281", "PG_9_200001011"):
                (location / own).mkdir(parents=True, exist_ok=True)
            (path / "pg_tblspc" / "16400").symlink_to(location)
        return path

    def start(self, pid: int, directory: Path, port: int = 5433, cgroup: str = CGROUP % "prod", **more: Any) -> None:
        pidfile = f"{pid}\n{directory}\n1\n{port}\n/var/run/postgresql\n*\n 5433001 3\nready\n"
        (directory / "postmaster.pid").write_text(pidfile)
        configuration = more.get("config_file", "/etc/postgresql/17/prod/postgresql.conf")
        arguments = ["/usr/lib/postgresql/17/bin/postgres", "-D", str(directory), "-c", f"config_file={configuration}"]
        unit = cgroup.strip().rpartition("/")[2]
        self.units.setdefault(unit, f"Id={unit}\nLoadState=loaded\nMainPID={pid}\n")
        self.process(pid, 1, directory, "\0".join(arguments) + "\0", cgroup)
        self.process(pid + 1, pid, directory, "postgres: checkpointer \0", cgroup)

    def process(
        self, pid: int, parent: int, directory: Path, cmdline: str, cgroup: str, comm: str = "postgres"
    ) -> None:
        place = self.proc / str(pid)
        place.mkdir()
        (place / "comm").write_text(comm + "\n")
        (place / "status").write_text(f"Name:\t{comm}\nPPid:\t{parent}\n")
        (place / "cmdline").write_text(cmdline)
        (place / "cgroup").write_text(cgroup)
        (place / "cwd").symlink_to(directory)
        (place / "exe").symlink_to("/usr/lib/postgresql/17/bin/postgres")

    def run(self, command: Command) -> Completed:
        self.commands.append(command)
        argv = list(command.argv)
        if argv[0] == "pg_lsclusters":
            if self.clusters is None:
                raise HostError("'pg_lsclusters' was not found on this host: install it")
            return Completed(argv, 0, json.dumps(self.clusters))
        if argv[0] == "sh":
            done = subprocess.run(argv, input=command.input, text=True, capture_output=True, check=False)
            return Completed(argv, done.returncode, done.stdout, done.stderr)
        if argv[0] == "systemctl":
            return Completed(argv, 0, self.units.get(argv[-1], f"Id={argv[-1]}\nLoadState=not-found\n"))
        if argv[0].endswith("/psql"):
            return Completed(argv, 0, self.psql)
        if argv[0].endswith("/postgres") and argv[-1] in self.settings:
            return Completed(argv, 0, self.settings[argv[-1]] + "\n")
        return Completed(argv, 1, "", "no")


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def test_a_server_with_its_tablespaces(host: FakeHost) -> None:
    directory = host.directory("prod", tablespace="ts")
    (directory / "pg_wal").symlink_to("/wal/prod")
    host.start(200, directory)
    host.process(300, 1, host.root, "postgres_exporter\0", CGROUP % "x", comm="postgres_export")
    host.process(400, 1, directory, "bash\0", CGROUP % "x", comm="bash")
    (server,) = running_servers(str(host.proc))
    assert (server.pid, server.port, server.version) == (200, 5433, 17)
    assert server.data_directory == str(directory)
    assert (server.socket_directory, server.listen_address) == ("/var/run/postgresql", "*")
    assert server.unit == "postgresql@17-prod.service"
    assert server.config_file == "/etc/postgresql/17/prod/postgresql.conf"
    assert server.bin_directory == "/usr/lib/postgresql/17/bin"
    assert server.tablespaces == (str(host.root / "ts"),)
    assert server.directories == (str(directory), str(host.root / "ts" / "PG_17_202406281"), "/wal/prod")
    assert not server.foreign


def test_a_server_without_its_pid_file(host: FakeHost) -> None:
    directory = host.directory("prod")
    host.start(200, directory)
    (directory / "postmaster.pid").unlink()
    (server,) = running_servers(str(host.proc))
    assert (server.port, server.socket_directory, server.data_directory) == (None, "", str(directory))


def test_a_server_whose_directory_was_removed(host: FakeHost) -> None:
    directory = host.directory("prod")
    host.start(200, directory)
    for pid in ("200", "201"):
        (host.proc / pid / "cwd").unlink()
        (host.proc / pid / "cwd").symlink_to("/nowhere/prod (deleted)")
    (server,) = running_servers(str(host.proc))
    assert (server.data_directory, server.port, server.foreign) == ("/nowhere/prod", None, False)


@pytest.mark.parametrize("user", [0, 26])
def test_a_process_that_root_can_not_read_is_no_server_that_is_stopped(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    """Root of a container without CAP_SYS_PTRACE."""
    process = host.proc / "77"
    process.mkdir()
    (process / "comm").write_text("postgres\n")

    def refuse(path: str) -> str:
        raise PermissionError(path)

    monkeypatch.setattr("os.readlink", refuse)
    monkeypatch.setattr("os.geteuid", lambda: user)
    if user:
        assert running_servers(str(host.proc)) == ()
    else:
        with pytest.raises(HostError, match="add the capability SYS_PTRACE"):
            running_servers(str(host.proc))


def test_a_process_that_ends_meanwhile(host: FakeHost) -> None:
    host.start(200, host.directory("prod"))
    (host.proc / "200" / "exe").unlink()
    assert running_servers(str(host.proc)) == ()


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (CGROUP % "main", "postgresql@17-main.service"),
        ("1:name=systemd:/system.slice/postgresql-17.service\n0::/x.service\n", "postgresql-17.service"),
        ("0::/machine.slice/systemd-nspawn@a.service/payload/system.slice/pg.service/sub\n", "pg.service"),
        ("0::/machine.slice/systemd-nspawn@a.service/payload/user.slice/session-1.scope\n", None),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/pg.service\n", None),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_the_unit_of_a_process(text: str, unit: str | None) -> None:
    assert unit_of_cgroup(text) == unit


@pytest.mark.parametrize(
    ("unit", "more", "runs"),
    [
        ("postgresql-17.service", "MainPID=200", True),
        # A session, and a line of cron, that ran pg_ctl start.
        ("ssh.service", "MainPID=77", False),
        ("cron.service", "MainPID=78\nEnvironment=PGDATA=DIRECTORY", False),
        ("rc-local.service", "MainPID=0", False),
        ("supervisor.service", "MainPID=0\nEnvironment=PGDATA=/srv/other", False),
        # Type=oneshot, with RemainAfterExit.
        ("own.service", "MainPID=0\nEnvironment=PGDATA=DIRECTORY", True),
        ("own.service", "MainPID=0\nExecStart={ path=pg_ctl ; argv[]=pg_ctl start -D DIRECTORY ; }", True),
    ],
)
def test_a_unit_in_whose_control_group_it_was_started_is_not_its_own(
    host: FakeHost, unit: str, more: str, runs: bool
) -> None:
    directory = host.directory("prod")
    host.units[unit] = f"Id={unit}\nLoadState=loaded\n{more.replace('DIRECTORY', str(directory))}\n"
    host.start(200, directory, cgroup=f"0::/system.slice/{unit}\n")
    observed = observe(DeclaredCluster(5433, 17), host.run, str(host.proc))
    (server,) = observed.running
    assert (server.unit, server.started_in) == ((unit, None) if runs else (None, unit))
    found = identify(DeclaredCluster(5433, 17), observed)
    assert (found.cluster is not None) == runs
    if not runs:
        (problem,) = found.problems
        assert f"no systemd unit runs it (it was started from {unit}), so no unit can restart or stop it" in problem


def cluster_row(name: str, port: int, directory: Path) -> dict[str, Any]:
    return {
        "version": "17",
        "cluster": name,
        "port": str(port),
        "pgdata": str(directory),
        "configdir": f"/etc/postgresql/17/{name}",
        "socketdir": "/var/run/postgresql",
        "running": 0,
    }


def test_the_clusters_of_debian(host: FakeHost) -> None:
    real = host.directory("real")
    (host.root / "link").symlink_to(real)
    host.clusters = [cluster_row("prod", 5433, host.root / "link"), {**cluster_row("broken", 5434, real), "pgdata": ""}]
    (cluster,) = read_clusters(host.run) or ()
    assert (cluster.version, cluster.port, cluster.data_directory) == (17, 5433, str(real))
    host.clusters = None
    assert read_clusters(host.run) is None


def test_clusters_that_can_not_be_listed() -> None:
    with pytest.raises(HostError, match="pg_lsclusters"):
        read_clusters(lambda command: Completed(command.argv, 1, "", "no permission"))
    with pytest.raises(HostError, match="pg_lsclusters"):
        read_clusters(lambda command: Completed(command.argv, 0, '[{"version": "x", "pgdata": "/d"}]'))


def test_units_of_systemd(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = host.directory("data")
    monkeypatch.setattr(
        "ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster_observation.find_bin_directory",
        lambda version, requested, runner: "/usr/pgsql-17/bin",
    )
    host.clusters = None
    host.settings = {"port": "5440"}
    host.units = {
        "postgresql-17.service": f"Id=postgresql-17.service\nLoadState=loaded\nEnvironment=PGDATA={directory}/ X=y\nExecStart={{ path=x }}\n",
        "own.service": "Id=real.service\nLoadState=loaded\nEnvironment=\nExecStart={ path=/x/postgres ; argv[]=/x/postgres -D /srv/none ; }\n",
    }
    observed = observe(DeclaredCluster(5432, 17, service=unit_name("own")), host.run, str(host.proc))
    assert observed.clusters is None
    assert [(one.name, one.loaded, one.data_directory, one.port) for one in observed.units] == [
        ("postgresql-17.service", True, str(directory), 5440),
        ("postgresql.service", False, None, None),
    ]
    assert observed.declared_unit is not None
    assert (observed.declared_unit.name, observed.declared_unit.data_directory) == ("real.service", "/srv/none")


def test_what_is_in_a_data_directory(host: FakeHost) -> None:
    contents = look_into(str(host.directory("prod")))
    assert contents.control is not None
    assert (contents.version, contents.control.system_identifier, contents.control.timeline) == (17, SYSTEM, 3)
    assert look_into("/nowhere").entries == ()
    (host.root / "mount" / "lost+found").mkdir(parents=True)
    assert look_into(str(host.root / "mount")).entries == ()


def test_what_waits_for_a_restart(host: FakeHost) -> None:
    host.psql = "max_wal_senders,3,10,/data/postgresql.auto.conf,3\nport,5432,,,\n".replace(",,,", ",N,N,N")
    host.psql = host.psql.replace("N", "\x01NULL\x01")
    cluster = Cluster(
        5433, "/d", "u.service", pid=1, socket_directory="/s", bin_directory="/b", owner=os.environ.get("USER", "root")
    )
    assert pending_restart(cluster, "postgres", host.run) == [
        {"name": "max_wal_senders", "setting": "3", "pending": "10", "file": "/data/postgresql.auto.conf", "line": 3},
        {"name": "port", "setting": "5432", "pending": None, "file": None, "line": None},
    ]
    with pytest.raises(HostError, match="does not run"):
        pending_restart(Cluster(5433, "/d", "u.service"), "postgres", host.run)
