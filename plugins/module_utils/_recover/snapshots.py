# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recovery from snapshots of disks needs: an instance with disks made from them, mounted as they were, and untouched.

This module util is private to the collection. Pure: no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._barman.snapshots import AWS, AZURE, GCP, Provider, Snapshot, Snapshots
from .._postgres.control_file import ControlFile
from .._postgres.wal import format_lsn, parse_lsn

#: Where the recovery's instance is: each provider's option of the module, which is one of Barman's configuration too.
PLACE_OPTIONS: Mapping[Provider, str] = {AWS: "aws_region", AZURE: "azure_resource_group", GCP: "gcp_zone"}
_PLACE_ARGUMENTS: Mapping[Provider, str] = {AWS: "--aws-region", AZURE: "--azure-resource-group", GCP: "--gcp-zone"}


@dataclass(frozen=True)
class Instance:
    """The instance to recover on, as the provider knows it. places: its location, by option."""

    name: str
    places: Mapping[str, str]


def instance_from(params: Mapping[str, Any]) -> tuple[Instance | None, list[str]]:
    """The requested instance, and what is wrong with the options."""
    places = {option: str(params[option]) for option in PLACE_OPTIONS.values() if params.get(option)}
    if params.get("snapshot_instance"):
        return Instance(str(params["snapshot_instance"]), places), []
    return None, [f"{option}: is of the instance to recover on, so give snapshot_instance too" for option in places]


def instance_problems(
    backup_id: str, snapshots: Snapshots | None, instance: Instance | None, configured: Mapping[str, Any]
) -> list[str]:
    """What of the options does not fit the backup. configured: the server's configuration."""
    if snapshots is None:
        if instance is None:
            return []
        return [f"snapshot_instance: backup {backup_id} is not of snapshots; leave it out"]
    if instance is None:
        return [
            "snapshot_instance: backup {} is of {} snapshots. Make a disk from each, attach them to an instance, "
            "mount each where "
            "it was, with the same options, start no PostgreSQL server there, and give the instance's name: {}".format(
                backup_id, snapshots.provider, "; ".join(_described(disk) for disk in snapshots.disks)
            )
        ]
    required = PLACE_OPTIONS[snapshots.provider]
    found = [
        f"{option}: the snapshots of backup {backup_id} are of {snapshots.provider}; leave it out"
        for option in sorted(instance.places)
        if option != required
    ]
    # Snapshots of AWS are found in the region that Barman noted.
    given = instance.places.get(required) or configured.get(required)
    if snapshots.provider == GCP:
        given = given or configured.get("snapshot_zone")
    if snapshots.provider != AWS and not given:
        found.append(
            f"{required}: is needed to find the instance '{instance.name}', and Barman's configuration has none"
        )
    return found


def _described(disk: Snapshot) -> str:
    return f"{disk.identifier} at {disk.mount_point} with {disk.mount_options}"


def instance_arguments(snapshots: Snapshots, instance: Instance, version: tuple[int, ...]) -> list[str]:
    """The arguments of "barman recover" for the instance to which the disks are attached."""
    arguments = ["--snapshot-recovery-instance", instance.name]
    place = instance.places.get(PLACE_OPTIONS[snapshots.provider])
    if place:
        # Barman had Google only then, and another name for it.
        old = version < (3, 6) and snapshots.provider == GCP
        arguments += ["--snapshot-recovery-zone" if old else _PLACE_ARGUMENTS[snapshots.provider], place]
    return arguments


def mount_problems(snapshots: Snapshots, mounted: Mapping[str, str], where: str) -> list[str]:
    """What is not mounted as it was. mounted: the options of the present mounts, by mount point."""
    found = []
    for disk in snapshots.disks:
        point = disk.mount_point or ""
        if point not in mounted:
            found.append(f"nothing is mounted at {point}{where}; mount a disk made from {disk.identifier} there")
        elif mounted[point] != disk.mount_options:
            found.append(
                f"what is mounted at {point}{where} has the options {mounted[point]}, and Barman asks for those of "
                f"when the backup was taken: {disk.mount_options}"
            )
    return found


def data_problems(control: ControlFile, begin_lsn: str | None, end_lsn: str | None, systemid: str | None) -> list[str]:
    """Why a data directory is not what a backup's snapshots hold.

    The backup began with a checkpoint, and ended after the snapshots were complete: the last checkpoint that they know lies between. A server
    that was started from them has made a later one.
    """
    if systemid and systemid.isdigit() and int(systemid) != control.system_identifier:
        return [
            f"it is of another PostgreSQL server (system identifier {control.system_identifier}, and not {systemid})"
        ]
    if begin_lsn and control.redo < parse_lsn(begin_lsn):
        return [
            f"it is older: its last checkpoint is at {format_lsn(control.redo)}, and the backup began at {begin_lsn}"
        ]
    if end_lsn and control.checkpoint > parse_lsn(end_lsn):
        return [
            f"it is newer: its last checkpoint is at {format_lsn(control.checkpoint)}, and the backup ended at "
            f"{end_lsn}. A disk from which a server was started can't be used; make a "
            "new one"
        ]
    return []
