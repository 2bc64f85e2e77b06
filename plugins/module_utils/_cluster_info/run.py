# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identifying the PostgreSQL cluster that a host's variables mean.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .._host.process import HostError, Runner, run
from .._host.result import Result
from .._postgres.cluster import DeclaredCluster, Identification, ObservedHost
from .._postgres.cluster_conflicts import in_use_problems, system_problems
from .._postgres.cluster_identification import identify, listening_servers
from .._postgres.cluster_manager import ClusterManager, ObservedProcess, owner_of, refusal
from .._postgres.cluster_manager_script import observe_processes, observed_directory
from .._postgres.cluster_observation import (
    configured,
    look_into,
    observe,
    pending_restart,
    real_paths,
    unit_name,
)
from .._recover.recovery_record_files import is_unproven_restore


def show_cluster(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module cluster_info. Raises HostError."""
    if os.geteuid() != 0:
        raise HostError("the module reads other users' processes and data directories: set 'become: true'")
    return Result(values=cluster_facts(params, run))


def cluster_facts(params: Mapping[str, Any], runner: Runner, proc: str = "/proc") -> dict[str, Any]:
    """What the module cluster_info returns. Raises HostError with every problem."""
    declared = DeclaredCluster(
        port=params["port"],
        version=params["version"],
        cluster=params["cluster"] or None,
        service=unit_name(params["service"]),
        data_directory=os.path.realpath(params["data_directory"]) if params["data_directory"] else None,
        socket_directory=params["socket_directory"] or None,
    )
    observed = observe(declared, runner, proc)
    found = identify(declared, observed)
    processes = observe_processes(runner, proc)
    if params["refuse_managed"]:
        _refuse_managed(declared, observed, found, processes)
    if found.cluster is None:
        raise HostError("\n".join(found.problems))
    cluster = found.cluster
    contents = look_into(cluster.data_directory)
    problems = in_use_problems(
        cluster,
        observed,
        real_paths(params["directories"]),
        real_paths(params["tablespaces"]),
        declared.version or cluster.version,
    )
    if params["system_identifier"]:
        unreadable = bool(contents.entries) and contents.control is None
        restored = unreadable and is_unproven_restore(cluster.data_directory, runner)
        problems += system_problems(
            cluster, contents, params["system_identifier"], params["replace_system"], restored=restored
        )
    if problems:
        raise HostError("\n".join(problems))
    manager = _manager(cluster.data_directory, processes)
    config = cluster.config_file or os.path.join(cluster.data_directory, "postgresql.conf")
    control = contents.control
    result: dict[str, Any] = {
        "cluster": {
            **asdict(cluster),
            "running": cluster.running,
            "version": cluster.version or contents.version,
            "hba_file": configured(
                cluster.bin_directory,
                cluster.owner,
                directory=cluster.data_directory,
                config_file=config,
                setting="hba_file",
                runner=runner,
            ),
            "tablespaces": list(cluster.tablespaces or contents.tablespaces),
            "empty": not contents.entries,
            "system_identifier": None if control is None else str(control.system_identifier),
            "timeline": None if control is None else control.timeline,
            "manager": None if manager is None else asdict(manager),
        },
        "directories_in_use": list(observed.directories_in_use),
    }
    if params["pending_restart"]:
        result["pending_restart"] = pending_restart(cluster, params["login_user"], runner)
    return result


def _refuse_managed(
    declared: DeclaredCluster, observed: ObservedHost, found: Identification, processes: Sequence[ObservedProcess]
) -> None:
    """Fail if a running cluster manager owns the server, also if nothing else identifies the server: no unit of PostgreSQL runs it then."""
    directories = (
        [server.data_directory for server in listening_servers(declared, observed)]
        if found.cluster is None
        else [found.cluster.data_directory]
    )
    managers = [(directory, _manager(directory, processes)) for directory in directories]
    problems = [f"data_directory: {refusal(one, directory)}" for directory, one in managers if one is not None]
    if problems:
        raise HostError("\n".join(problems))


def _manager(directory: str, processes: Sequence[ObservedProcess]) -> ClusterManager | None:
    occupied = os.path.exists(os.path.join(directory, "PG_VERSION"))
    return owner_of(observed_directory(directory), processes, occupied=occupied)
