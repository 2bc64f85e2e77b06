# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which PostgreSQL server of a host is the declared one.

This module util is private to the collection. The declared port identifies the server: its data directory, service and cluster name are
observed and then compared with what else is declared. identify() decides, and touches nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from .._host.paths import normal_path
from .cluster import PROOF_PREFIX, Cluster, DebianCluster, DeclaredCluster, Identification, ObservedHost, RunningServer

_DEFAULT_SOCKET_DIRECTORIES = ("/var/run/postgresql", "/run/postgresql", "/tmp")
_DEBIAN_UNIT = re.compile(r"postgresql@(\d+)-(.+)\.service")


def identify(declared: DeclaredCluster, observed: ObservedHost) -> Identification:
    """The server that listens on the declared port, or would if it were started, compared with the rest of the declaration."""
    if declared.service is not None and (observed.declared_unit is None or not observed.declared_unit.loaded):
        return _refused(
            f"service: systemd on this host has no unit {declared.service}, which is declared for the PostgreSQL "
            f"server on port {declared.port}. "
            "Correct barman_postgres_service (or barman_recover_service)"
        )
    listening = listening_servers(declared, observed)
    if len(listening) > 1:
        listening = [one for one in listening if not _running_problems(declared, observed, one)] or listening
    if len(listening) > 1:
        return _refused(
            (
                "port: several PostgreSQL servers of this host listen on port {}: {}. Select one with "
                "barman_postgres_socket_directory, "
                "barman_postgres_cluster or barman_postgres_service"
            ).format(declared.port, "; ".join(_describe(server) for server in listening))
        )
    if listening:
        return _identify_running(declared, observed, listening[0])
    return _identify_stopped(declared, observed)


def listening_servers(declared: DeclaredCluster, observed: ObservedHost) -> list[RunningServer]:
    """The running servers that clients reach at the declared port."""
    return [server for server in observed.running if _listens(server, declared)]


def _refused(*problems: str) -> Identification:
    return Identification(None, problems)


def _listens(server: RunningServer, declared: DeclaredCluster) -> bool:
    """Whether clients reach it at that port. A server in its own private socket directory, as of a recovery test, is not meant."""
    if server.port != declared.port:
        return False
    if declared.socket_directory is not None and _same(server.socket_directory, declared.socket_directory):
        return True
    return bool(server.listen_address) or server.socket_directory in _DEFAULT_SOCKET_DIRECTORIES


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(path: str) -> str:
    path = normal_path(path) if path else ""
    return "/run/" + path[len("/var/run/") :] if path.startswith("/var/run/") else path


def _identify_running(declared: DeclaredCluster, observed: ObservedHost, server: RunningServer) -> Identification:
    problems = _running_problems(declared, observed, server)
    if problems or server.unit is None:
        return Identification(None, tuple(problems))
    debian = _debian_of(observed, server.data_directory)
    return Identification(
        Cluster(
            port=declared.port,
            data_directory=server.data_directory,
            service=server.unit,
            version=server.version,
            cluster=None if debian is None else debian.name,
            pid=server.pid,
            socket_directory=server.socket_directory or None,
            config_file=server.config_file,
            bin_directory=server.bin_directory,
            owner=server.owner,
            tablespaces=server.tablespaces,
        )
    )


def _running_problems(declared: DeclaredCluster, observed: ObservedHost, server: RunningServer) -> list[str]:
    where = f"the PostgreSQL server that listens on port {declared.port} of this host is {_describe(server)}"
    if server.foreign:
        return [
            (
                f"port: {where}, with files that this host does not have, as in a container. The collection manages "
                "only servers "
                "of the host itself. Correct barman_postgres_port, or the address of the host"
            )
        ]
    problems: list[str] = []
    debian = _debian_of(observed, server.data_directory)
    if declared.version is not None and server.version not in (None, declared.version):
        problems.append(
            f"version: {where}, of version {server.version}, and barman_postgres_version is {declared.version}. "
            "Correct barman_postgres_version or "
            "barman_postgres_port"
        )
    if declared.cluster is not None and observed.clusters is not None:
        found = "no cluster of pg_lsclusters" if debian is None else f"cluster {debian}"
        if debian is None or debian.name != declared.cluster:
            problems.append(
                f"cluster: {where}: {found}, and barman_postgres_cluster is {declared.cluster}. Correct "
                "barman_postgres_cluster or barman_postgres_port"
            )
    if server.unit is None:
        problems.append(
            (
                "service: {}, and no systemd unit runs it{}, so no unit can restart or stop it. Stop it as it was "
                "started "
                "(pg_ctl -D {} stop), and start it with {}"
            ).format(
                where,
                "" if server.started_in is None else f" (it was started from {server.started_in})",
                server.data_directory,
                declared.service or (debian.unit if debian else "its systemd unit"),
            )
        )
    elif observed.declared_unit is not None and observed.declared_unit.name != server.unit:
        problems.append(
            f"service: {where}, run by {server.unit}, and {declared.service} is declared. Correct "
            "barman_postgres_service (or barman_recover_service), or barman_postgres_port"
        )
    if declared.data_directory is not None and not _same(declared.data_directory, server.data_directory):
        problems.append(
            f"data_directory: {where}, and {declared.data_directory} is declared, so the recovered data would not be "
            "what runs. Remove "
            "barman_recover_data_directory, or configure it as the data directory first"
        )
    return problems


def _identify_stopped(declared: DeclaredCluster, observed: ObservedHost) -> Identification:
    candidates = _candidates(declared, observed)
    meant = [one for one in candidates if one.port == declared.port and not _stopped_problems(declared, observed, one)]
    if len(meant) > 1:
        return _refused(
            (
                "port: several stopped PostgreSQL servers of this host are configured for port {}: {}. Select one with "
                "barman_postgres_cluster or barman_postgres_service"
            ).format(declared.port, ", ".join(f"{one.service} ({one.data_directory})" for one in meant))
        )
    if not meant:
        on_port = [one for one in candidates if one.port == declared.port]
        problems = [text for one in on_port for text in _stopped_problems(declared, observed, one)]
        return _refused(*problems) if problems else _refused(_nobody(declared, observed))
    chosen = meant[0]
    elsewhere = [
        server
        for server in observed.running
        if server.data_directory == chosen.data_directory and server.port not in (None, declared.port)
    ]
    if elsewhere and posixpath.basename(elsewhere[0].socket_directory).startswith(PROOF_PREFIX):
        return _refused(
            f"{chosen.data_directory}: the verification of a killed recovery still runs there (process "
            f"{elsewhere[0].pid}, an isolated server). Wait "
            "until "
            f"it has ended, or stop it (kill -INT {elsewhere[0].pid}), and run the playbook again"
        )
    if elsewhere:
        return _refused(
            f"port: {chosen.service} is configured for port {declared.port}, and runs on port {elsewhere[0].port} now "
            f"(process {elsewhere[0].pid}). Restart it, or correct "
            "barman_postgres_port"
        )
    return Identification(chosen)


def _candidates(declared: DeclaredCluster, observed: ObservedHost) -> list[Cluster]:
    """Every server that could be started, with the port that it would have. That of an unreadable configuration is taken for the declared one."""
    found = [
        Cluster(
            port=one.port,
            data_directory=one.data_directory,
            service=one.unit,
            version=one.version,
            cluster=one.name,
            socket_directory=one.socket_directory or None,
            config_file=posixpath.join(one.config_directory, "postgresql.conf"),
        )
        for one in observed.clusters or ()
    ]
    own = () if observed.declared_unit is None else (observed.declared_unit,)
    for unit in dict.fromkeys((*own, *observed.units)):
        # A unit may have it in a file of its own, which systemd does not show.
        directory = unit.data_directory or declared.data_directory
        if unit.loaded and directory is not None and not _DEBIAN_UNIT.fullmatch(unit.name):
            found = [one for one in found if unit not in own or one.data_directory != directory]
            found.append(
                Cluster(
                    port=declared.port if unit.port is None else unit.port,
                    data_directory=directory,
                    service=unit.name,
                    config_file=posixpath.join(directory, "postgresql.conf"),
                )
            )
    return found


def _stopped_problems(declared: DeclaredCluster, observed: ObservedHost, one: Cluster) -> list[str]:
    where = f"the PostgreSQL server on this host that is configured for port {declared.port} is {one.service}, with {one.data_directory} (not running)"
    problems: list[str] = []
    if declared.version is not None and one.version not in (None, declared.version):
        problems.append(
            f"version: {where}, of version {one.version}, and barman_postgres_version is {declared.version}. Correct "
            "barman_postgres_version or "
            "barman_postgres_port"
        )
    if declared.cluster is not None and one.cluster not in (None, declared.cluster):
        problems.append(
            f"cluster: {where}, and barman_postgres_cluster is {declared.cluster}. Correct barman_postgres_cluster or "
            "barman_postgres_port"
        )
    if observed.declared_unit is not None and observed.declared_unit.name != one.service:
        problems.append(
            f"service: {where}, and {declared.service} is declared. Correct barman_postgres_service (or "
            "barman_recover_service), or barman_postgres_port"
        )
    if declared.data_directory is not None and not _same(declared.data_directory, one.data_directory):
        problems.append(
            f"data_directory: {where}, and {declared.data_directory} is declared, so the recovered data would not be "
            "what runs. Remove "
            "barman_recover_data_directory, or configure it as the data directory first"
        )
    return problems


def _nobody(declared: DeclaredCluster, observed: ObservedHost) -> str:
    there = [f"{one} on port {one.port}" for one in observed.clusters or ()]
    there += [
        f"{_describe(one)} on port {one.port}"
        for one in observed.running
        if _debian_of(observed, one.data_directory) is None
    ]
    there += [f"unit {one.name} ({one.data_directory})" for one in observed.units if one.loaded]
    taken = any((one.version, one.name) == (declared.version, "main") for one in observed.clusters or ())
    return (
        "port: no PostgreSQL server of this host listens on port {}, and none is configured for it. This host has: "
        "{}. Correct barman_postgres_port, or create the server first (on Debian with pg_createcluster{}; without that "
        "command, install PostgreSQL's server package{})"
    ).format(
        declared.port,
        ", ".join(there) or "none",
        ""
        if declared.version is None
        else " --port {} {} {}".format(
            declared.port, declared.version, declared.cluster or ("NAME" if taken else "main")
        ),
        "" if declared.version is None else f" postgresql-{declared.version}",
    )


def _debian_of(observed: ObservedHost, data_directory: str) -> DebianCluster | None:
    found: Sequence[DebianCluster] = [
        one for one in observed.clusters or () if _same(one.data_directory, data_directory)
    ]
    return found[0] if found else None


def _describe(server: RunningServer) -> str:
    return f"process {server.pid} with {server.data_directory}"
