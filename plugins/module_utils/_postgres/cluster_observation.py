# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is observed of the PostgreSQL servers of this host: processes, pg_lsclusters, systemd, control files.

This module util is private to the collection. It needs root: other users' processes and data directories are read.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._host.files import names_in, read_text
from .._host.proc import process_arguments
from .._host.process import Command, HostError, Runner
from . import control_file
from .cluster import (
    TABLESPACE_DIRECTORY,
    Cluster,
    DebianCluster,
    DeclaredCluster,
    DirectoryContents,
    ObservedHost,
    RunningServer,
    Unit,
)
from .data_directory import InstanceError, find_bin_directory
from .server_address import Address

_DELETED = " (deleted)"
# Of postmaster.pid and PG_VERSION.
_LONGEST = 65536
_IGNORED = ("lost+found",)
_PGDATA = re.compile(r"(?:^|\s)\"?PGDATA=([^\s\"]+)")
_EXEC_DIRECTORY = re.compile(r"\s-D\s*([^\s;$]+)")
_CONFIG_FILE = re.compile(r"(?:-c|--)?\s*config[_-]file=(.+)")

# The last line of a setting in the files is the one that a restart takes.
_PENDING = """
SELECT settings.name, settings.setting, written.setting, written.sourcefile, written.sourceline
FROM pg_catalog.pg_settings AS settings
LEFT JOIN LATERAL (
    SELECT setting, sourcefile, sourceline FROM pg_catalog.pg_file_settings AS files
    WHERE files.name = settings.name ORDER BY seqno DESC LIMIT 1
) AS written ON true
WHERE settings.pending_restart ORDER BY settings.name
"""


def unit_name(service: str | None) -> str | None:
    """A service as systemd names it."""
    if not service:
        return None
    return service if service.endswith(".service") else service + ".service"


def observe(declared: DeclaredCluster, runner: Runner, proc: str = "/proc") -> ObservedHost:
    """The servers of this host, and what could start the declared one. Raises HostError."""
    own = None if declared.service is None else _unit(declared.service, runner)
    running = running_servers(proc)
    owners = {name: _unit(name, runner) for name in sorted({one.unit for one in running if one.unit is not None})}
    names = ["postgresql.service"]
    if declared.version is not None:
        names.insert(0, f"postgresql-{declared.version}.service")
    clusters = read_clusters(runner)
    # On Debian postgresql.service starts nothing itself.
    units = () if clusters is not None else tuple(_unit(name, runner) for name in names)
    return ObservedHost(
        running=tuple(with_its_unit(server, owners) for server in running),
        clusters=clusters,
        units=tuple(dict.fromkeys(units)),
        declared_unit=own,
    )


def with_its_unit(server: RunningServer, owners: Mapping[str, Unit]) -> RunningServer:
    """The server without the unit of its control group if that unit is not PostgreSQL's.

    What a person or cron starts is in the control group of sshd's or cron's unit. PostgreSQL's unit has the postmaster as its main process, or
    names the data directory and has no main process.
    """
    unit = owners.get(server.unit or "")
    if unit is None or unit.main_pid == server.pid:
        return server
    if not unit.main_pid and unit.data_directory is not None and _same_file(unit.data_directory, server.data_directory):
        return server
    return replace(server, unit=None, started_in=server.unit)


def running_servers(proc: str = "/proc") -> tuple[RunningServer, ...]:
    """Every PostgreSQL server that runs. Its processes have its data directory as their working directory.

    Raises HostError if root can't read that: in a container without the capability SYS_PTRACE.
    """
    processes: dict[str, list[tuple[int, int]]] = {}
    unreadable: list[str] = []
    for name in names_in(proc):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, HostError):
            command = (read_text(os.path.join(proc, name, "comm")) or "").strip()
            if "postgres" not in command and "postmaster" not in command:
                continue
            inside = os.path.join(proc, name, "cwd")
            try:
                directory = os.readlink(inside)
            except PermissionError:
                unreadable.append(name)
                continue
            if directory.endswith(_DELETED) or os.path.exists(os.path.join(inside, "PG_VERSION")):
                parent = re.search(r"^PPid:\s*(\d+)", read_text(os.path.join(proc, name, "status")) or "", re.MULTILINE)
                processes.setdefault(directory, []).append((int(name), int(parent.group(1)) if parent else 0))
    if unreadable and os.geteuid() == 0:
        # A server that runs would be taken for one that does not.
        raise HostError(
            f"root can't read the working directory of PostgreSQL's process {unreadable[0]} (/proc/{unreadable[0]}/cwd). "
            "In a container, add the capability SYS_PTRACE"
        )
    servers: list[RunningServer] = []
    for directory, members in processes.items():
        pids = {pid for pid, _parent in members}
        for pid in sorted(pid for pid, parent in members if parent not in pids):
            with contextlib.suppress(OSError, HostError):
                servers.append(_server(proc, pid, directory))
    return tuple(sorted(servers, key=lambda server: server.pid))


def _server(proc: str, pid: int, directory: str) -> RunningServer:
    process = os.path.join(proc, str(pid))
    inside = os.path.join(process, "cwd")
    lines = _read_inside(inside, "postmaster.pid").splitlines() + [""] * 6
    path = directory[: -len(_DELETED)] if directory.endswith(_DELETED) else directory
    arguments = process_arguments(pid, proc) or []
    version = _read_inside(inside, "PG_VERSION").strip()
    program = os.readlink(os.path.join(process, "exe"))
    locations = _tablespaces(inside)
    return RunningServer(
        pid=pid,
        data_directory=path,
        port=int(lines[3]) if lines[3].strip().isdigit() else None,
        socket_directory=lines[4].strip(),
        listen_address=lines[5].strip(),
        version=int(version) if version.isdigit() else None,
        unit=unit_of_cgroup(read_text(os.path.join(process, "cgroup")) or ""),
        config_file=_config_file(arguments, path),
        bin_directory=os.path.dirname(program),
        owner=_owner(os.stat(process).st_uid),
        tablespaces=locations,
        tablespace_directories=tuple(
            os.path.join(location, name)
            for location in locations
            for name in names_in(location)
            if _is_version(name, version)
        ),
        wal_directory=_linked(os.path.join(inside, "pg_wal")),
        foreign=not directory.endswith(_DELETED) and not _same_file(inside, path),
    )


def _read_inside(directory: str, name: str) -> str:
    """A file of a running server's working directory; "" if there is none.

    Only root can follow /proc/PID/cwd to a server of any user, so root reads there, and follows no link that this user has put there.
    """
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        # It was removed under the server.
        return ""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
    except OSError:
        return ""
    finally:
        os.close(handle)
    with os.fdopen(file, encoding="utf-8", errors="replace") as stream:
        return stream.read(_LONGEST)


def _is_version(name: str, version: str) -> bool:
    found = TABLESPACE_DIRECTORY.fullmatch(name)
    return found is not None and found.group(1) == version


def _same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _owner(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _config_file(arguments: Sequence[str], data_directory: str) -> str:
    directory = data_directory
    for number, argument in enumerate(arguments):
        found = _CONFIG_FILE.fullmatch(argument)
        if found is not None:
            return found.group(1)
        if argument == "-D" and number + 1 < len(arguments):
            directory = arguments[number + 1]
        elif argument.startswith("-D") and len(argument) > 2:
            directory = argument[2:]
    return os.path.join(directory if os.path.isabs(directory) else data_directory, "postgresql.conf")


def unit_of_cgroup(text: str) -> str | None:
    """The systemd service that a process belongs to, from its /proc/PID/cgroup; None for one that a session started."""
    for line in text.splitlines():
        number, _separator, rest = line.partition(":")
        controller, _separator, path = rest.partition(":")
        if not (number == "0" and controller == "") and controller != "name=systemd":
            continue
        parts = path.split("/")
        if any(part.startswith("user@") for part in parts):
            # A user's own systemd runs it, which the system's can't restart.
            continue
        for part in reversed(parts):
            if part.endswith(".service"):
                return part
            if part.endswith((".scope", ".slice")):
                break
    return None


def _tablespaces(data_directory: str) -> tuple[str, ...]:
    directory = os.path.join(data_directory, "pg_tblspc")
    links = [os.path.join(directory, name) for name in names_in(directory)]
    return tuple(target for target in map(_linked, links) if target is not None)


def _linked(link: str) -> str | None:
    return os.path.realpath(os.readlink(link)) if os.path.islink(link) else None


def read_clusters(runner: Runner) -> tuple[DebianCluster, ...] | None:
    """What pg_lsclusters lists; None if the host does not have it. Raises HostError."""
    try:
        completed = runner(Command(["pg_lsclusters", "--json"], timeout=60))
    except HostError:
        return None
    try:
        rows: Any = json.loads(completed.stdout or "[]")
        if not completed.ok:
            raise ValueError(completed.text)
        return tuple(
            DebianCluster(
                version=int(row["version"]),
                name=str(row["cluster"]),
                port=int(row["port"]),
                data_directory=os.path.realpath(row["pgdata"]),
                config_directory=str(row["configdir"]),
                socket_directory=str(row.get("socketdir") or ""),
            )
            for row in rows
            # A cluster without a data directory in its configuration starts from nowhere.
            if row.get("pgdata")
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise HostError("pg_lsclusters --json can't be read: %s" % (completed.text or exc)) from None


def _unit(name: str, runner: Runner) -> Unit:
    completed = runner(
        Command(["systemctl", "show", "--property=Id,LoadState,MainPID,Environment,ExecStart", "--", name], timeout=60)
    )
    values = dict(line.partition("=")[::2] for line in completed.stdout.splitlines() if "=" in line)
    if not completed.ok or values.get("LoadState") != "loaded":
        return Unit(name, loaded=False)
    found = _PGDATA.search(values.get("Environment", "")) or _EXEC_DIRECTORY.search(values.get("ExecStart", ""))
    directory = None if found is None else os.path.realpath(found.group(1))
    port = None if directory is None else _port(directory, runner)
    pid = values.get("MainPID", "")
    return Unit(
        values.get("Id") or name,
        loaded=True,
        data_directory=directory,
        port=port,
        main_pid=int(pid) if pid.isdigit() else 0,
    )


def _port(directory: str, runner: Runner) -> int | None:
    text = configured(
        None,
        None,
        directory=directory,
        config_file=os.path.join(directory, "postgresql.conf"),
        setting="port",
        runner=runner,
    )
    return int(text) if text is not None and text.isdigit() else None


def configured(
    bin_directory: str | None, owner: str | None, directory: str, config_file: str, setting: str, runner: Runner
) -> str | None:
    """The value that the server would start with; None if its configuration can't be read."""
    version = (read_text(os.path.join(directory, "PG_VERSION")) or "").strip()
    try:
        programs = bin_directory or find_bin_directory(int(version or 0), None, runner)
        user = owner or _owner(os.stat(directory).st_uid)
        completed = runner(
            Command(
                [
                    os.path.join(programs, "postgres"),
                    "-D",
                    directory,
                    "-c",
                    f"config_file={config_file}",
                    "-C",
                    setting,
                ],
                user=user,
                timeout=60,
            )
        )
    except (HostError, OSError, ValueError):
        return None
    return completed.stdout.strip() if completed.ok else None


def look_into(directory: str) -> DirectoryContents:
    """What is in a data directory. Raises HostError if it can't be listed."""
    entries = [name for name in names_in(directory) if name not in _IGNORED]
    version = (read_text(os.path.join(directory, "PG_VERSION")) or "").strip()
    try:
        with open(os.path.join(directory, "global", "pg_control"), "rb") as stream:
            control = control_file.parse(stream.read(control_file.LENGTH))
    except OSError:
        control = None
    return DirectoryContents(
        entries=tuple(entries[:4]),
        version=int(version) if version.isdigit() else None,
        control=control,
        tablespaces=_tablespaces(directory),
    )


def pending_restart(cluster: Cluster, database_user: str, runner: Runner) -> list[dict[str, Any]]:
    """The settings of a running server that wait for a restart, with the file that has their next value. Raises HostError."""
    if not cluster.running or not cluster.socket_directory or not cluster.bin_directory:
        raise InstanceError(
            "port: the PostgreSQL server on port {} ({}) can't be queried: it {}".format(
                cluster.port, cluster.service, "has no socket" if cluster.running else "does not run"
            )
        )
    address = Address(
        cluster.bin_directory,
        user=cluster.owner or "postgres",
        database_user=database_user,
        socket_directory=cluster.socket_directory,
        port=cluster.port,
        runner=runner,
    )
    return [
        {
            "name": name,
            "setting": setting,
            "pending": pending,
            "file": file,
            "line": None if line is None else int(line),
        }
        for name, setting, pending, file, line in address.query(_PENDING)
    ]


def real_paths(paths: Iterable[str]) -> list[str]:
    return [os.path.realpath(path) for path in paths]
