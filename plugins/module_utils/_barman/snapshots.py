# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that are snapshots of disks in a cloud provider's storage.

This module util is private to the collection. Pure: no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Provider = Literal["aws", "azure", "gcp"]
AWS: Provider = "aws"
AZURE: Provider = "azure"
GCP: Provider = "gcp"
_PROVIDERS: Mapping[str, Provider] = {"aws": AWS, "azure": AZURE, "gcp": GCP}
#: How the provider names a snapshot: the key in what Barman notes of it.
_IDENTIFIER: Mapping[Provider, str] = {AWS: "snapshot_id", AZURE: "snapshot_name", GCP: "snapshot_name"}


@dataclass(frozen=True)
class Snapshot:
    """One disk's snapshot. identifier: by which the provider knows it. The rest is of the disk when the backup was taken."""

    identifier: str
    name: str | None = None
    device: str | None = None
    mount_point: str | None = None
    mount_options: str | None = None

    def __str__(self) -> str:
        return f"{self.identifier} (of {self.device or 'a disk'}, mounted at {self.mount_point or 'nowhere'})"


@dataclass(frozen=True)
class Snapshots:
    """The snapshots of one backup. place: the provider's location of them (account and region, project, …)."""

    provider: Provider
    place: Mapping[str, Any]
    disks: tuple[Snapshot, ...]

    def as_dict(self) -> dict[str, Any]:
        """For a module's answer."""
        return {
            "provider": self.provider,
            "place": dict(self.place),
            "disks": [
                {
                    "id": disk.identifier,
                    "name": disk.name,
                    "device": disk.device,
                    "mount_point": disk.mount_point,
                    "mount_options": disk.mount_options,
                }
                for disk in self.disks
            ],
        }


def read_snapshots(info: Mapping[str, Any]) -> Snapshots:
    """What Barman noted in a backup.info file. Raises KeyError, TypeError or AttributeError for anything else."""
    provider = _PROVIDERS[str(info["provider"])]
    disks = []
    for one in info["snapshots"]:
        noted, mount = one.get("provider") or {}, one.get("mount") or {}
        lun = noted.get("lun")
        disks.append(
            Snapshot(
                identifier=str(noted[_IDENTIFIER[provider]]),
                name=noted.get("snapshot_name"),
                device=f"LUN {lun}" if lun is not None else noted.get("device_name"),
                mount_point=mount.get("mount_point"),
                mount_options=mount.get("mount_options"),
            )
        )
    return Snapshots(provider, dict(info.get("provider_info") or {}), tuple(disks))
