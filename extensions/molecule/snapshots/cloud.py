# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 as moto plays it, with data in its volumes: python cloud.py DIRECTORY [moto_server's arguments]

moto knows volumes and snapshots by their names alone. Here the volume that is attached to an instance with the tag Address is the disk of that machine,
at the device that the attachment names. A snapshot is a copy of its files, kept in DIRECTORY. The file system is frozen meanwhile, because a copy of files
takes time and a snapshot of blocks is of one moment. A volume that is made from a snapshot has those files on the disk when it is attached.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from moto.ec2.models.elastic_block_store import EBSBackend
from moto.server import main

DIRECTORY = Path(sys.argv[1])

TAKE = """
set -eu
place=$(findmnt -n -o TARGET "$1")
trap 'fsfreeze --unfreeze "$place"' EXIT HUP INT TERM PIPE
fsfreeze --freeze "$place"
tar -C "$place" --numeric-owner --one-file-system -cf - .
"""

RESTORE = """
set -eu
place=$(findmnt -n -o TARGET "$1")
find "$place" -xdev -mindepth 1 -delete
tar -C "$place" --numeric-owner -xpf -
"""


def machine(instance: Any) -> str | None:
    """The address of the machine that plays the instance."""
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    return tags.get("Address")


def there(address: str, script: str, device: str) -> list[str]:
    """The command that runs the script on a machine; its input stays free for data."""
    quoted = "'" + script.replace("'", "'\\''") + "'"
    return ["ssh", "-o", "BatchMode=yes", f"root@{address}", f"sh -c {quoted} sh {device}"]


def create_snapshot(self: Any, volume_id: str, *arguments: Any, **named: Any) -> Any:
    attachment = self.get_volume(volume_id).attachment
    address = machine(attachment.instance) if attachment else None
    snapshot = real_create_snapshot(self, volume_id, *arguments, **named)
    if address:
        with (DIRECTORY / snapshot.id).open("wb") as data:
            subprocess.run(there(address, TAKE, attachment.device), stdin=subprocess.DEVNULL, stdout=data, check=True)
    return snapshot


def attach_volume(self: Any, volume_id: str, instance_id: str, device_path: str, *arguments: Any, **named: Any) -> Any:
    volume = self.get_volume(volume_id)
    address = machine(self.get_instance(instance_id))
    if address and volume.snapshot_id:
        with (DIRECTORY / volume.snapshot_id).open("rb") as data:
            subprocess.run(there(address, RESTORE, device_path), stdin=data, check=True)
    return real_attach_volume(self, volume_id, instance_id, device_path, *arguments, **named)


real_create_snapshot, EBSBackend.create_snapshot = EBSBackend.create_snapshot, create_snapshot
real_attach_volume, EBSBackend.attach_volume = EBSBackend.attach_volume, attach_volume

if __name__ == "__main__":
    main(sys.argv[2:])
