# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identifying the PostgreSQL cluster that a host's variables mean.

This module util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .._host.process import HostError, Runner, run
from .._host.result import Result
from .._postgres.cluster import DeclaredCluster
from .._postgres.cluster_conflicts import in_use_problems, system_problems
from .._postgres.cluster_identification import identify
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
        },
        "directories_in_use": list(observed.directories_in_use),
    }
    if params["pending_restart"]:
        result["pending_restart"] = pending_restart(cluster, params["login_user"], runner)
    return result
