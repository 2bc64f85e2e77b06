# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the drills of a run restore, as one value: each backup server itself, or one drill host.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .value import GRACE, RecoveryError, TargetHost, run_connection

_HOST, _DIRECTORY = "barman_drill_host", "barman_drill_host_directory"


def drill_host_problems(
    arguments: Mapping[str, Any],
    requirements: Mapping[str, Any],
    *,
    inventory: Collection[str],
    in_run: Collection[str],
) -> list[str]:
    """Why drills can't run on the host that was requested. At most one problem, because each makes the later ones meaningless."""
    host, directory = str(arguments.get(_HOST) or ""), str(arguments.get(_DIRECTORY) or "")
    if not host:
        return [f"{_DIRECTORY} is of the drill host: give {_HOST}, too."] if directory else []
    if host not in inventory:
        return [f"{_HOST}: '{host}' is not in the inventory."]
    if host not in in_run:
        return [f"--limit leaves the drill host {host} out, and it is needed."]
    if not ((requirements.get(host) or {}).get("postgres") or {}).get("manage", True):
        return [
            f"{_HOST}: {host} has barman_manage_postgres: false, so nothing may be done there. Choose another host."
        ]
    if not directory:
        return [
            f"{_HOST}: give a directory of {host} for the restored clusters, too, such as "
            f"{_DIRECTORY}=/srv/drills. The user that runs PostgreSQL there must be able to create it."
        ]
    return []


def drill_places(
    arguments: Mapping[str, Any],
    selected: Mapping[str, Sequence[str]],
    topology: Mapping[str, Any],
    requirements: Mapping[str, Any],
    host: TargetHost | None,
    *,
    run: str,
) -> dict[str, Any]:
    """The value; module drill_host documents its keys. Raises RecoveryError.

    selected: the servers of each backup server. host: the drill host; None if each backup server drills itself.
    """
    name = str(arguments.get(_HOST) or "")
    places: dict[str, dict[str, Any]] = {
        one: {"directory": (requirements[one].get("barman") or {}).get("drills", {}).get("directory") or ""}
        for one in selected
    }
    if host is None:
        return {"run": run, "places": places, "groups": [], "ssh_connections": [], "ssh_lifetime": 0}
    user = ((requirements.get(name) or {}).get("postgres") or {}).get("os_user") or "postgres"
    # A backup server that is the drill host itself needs no SSH.
    remote = [one for one, servers in selected.items() if one != name and servers]
    for one in selected:
        places[one]["directory"] = arguments[_DIRECTORY]
    for one in remote:
        places[one].update(remote_host=host.address, remote_user=user, remote_port=host.ssh_port)
    if not remote:
        raise RecoveryError([f"{_HOST}: no other backup server drills in this run, so {name} needs no {_HOST}."])
    longest = max(len(selected[one]) for one in remote)
    suffix = run.replace("-", "_")
    return {
        "run": run,
        "places": places,
        "groups": [
            *({"host": one, "names": [f"barman_drill_ssh_{suffix}"]} for one in remote),
            {"host": name, "names": [f"barman_drill_ssh_{suffix}", f"barman_drill_host_{suffix}"]},
        ],
        "ssh_connections": [
            run_connection(one, topology["backup_servers"][one], name, user, host, run) for one in remote
        ],
        "ssh_lifetime": longest * arguments["barman_drill_timeout"] + GRACE,
    }
