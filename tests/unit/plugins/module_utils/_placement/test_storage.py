# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which file system and disks a directory is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.disks import Disk
from ansible_collections.pgdr.barman.plugins.module_utils._placement.storage import (
    disks_of,
    file_systems,
    mount_of,
    parse_mounts,
)

MOUNTS = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 253:0 / /var/lib/barman rw - xfs /dev/mapper/backup-data rw
31 22 0:45 / /srv/pg rw,relatime shared:2 - nfs4 nas:/vol/pg rw,vers=4.2,addr=192.0.2.50,clientaddr=192.0.2.21
32 22 0:46 / /srv/with\\040space rw - tmpfs tmpfs rw
33 22 0:47 / /srv/btrfs rw - btrfs /dev/vdb1 rw
broken line
"""


def test_the_longest_mount_point_has_the_path() -> None:
    mounts = parse_mounts(MOUNTS)
    assert [one.mountpoint for one in mounts] == ["/", "/var/lib/barman", "/srv/pg", "/srv/with space", "/srv/btrfs"]
    found = {
        path: mount_of(path, mounts) for path in ("/var/lib/barman/x", "/var/lib/barman2", "/srv/pg", "/srv/with space")
    }
    assert {path: one.mountpoint for path, one in found.items() if one} == {
        "/var/lib/barman/x": "/var/lib/barman",
        "/var/lib/barman2": "/",
        "/srv/pg": "/srv/pg",
        "/srv/with space": "/srv/with space",
    }
    assert found["/srv/pg"] is not None
    assert (found["/srv/pg"].source, found["/srv/pg"].address) == ("nas:/vol/pg", "192.0.2.50")
    assert mount_of("/x", []) is None


def test_a_later_mount_hides_an_earlier_one() -> None:
    later = parse_mounts(f"{MOUNTS}40 22 8:33 / /srv/pg rw - ext4 /dev/sdc1 rw\n")
    found = mount_of("/srv/pg", later)
    assert found is not None
    assert found.source == "/dev/sdc1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with a partition, and a logical volume on two disks, one of which has a WWN."""
    devices = tmp_path / "sys/devices"
    for name in ("sda/sda1", "sdb", "sdc", "dm-0/slaves"):
        (devices / name).mkdir(parents=True)
    (devices / "sda/sda1/partition").write_text("1\n")
    (devices / "sdb/device").mkdir()
    (devices / "sdb/device/wwid").write_text("naa.600508b1001c3ab2\n")
    (devices / "sdc/device").mkdir()
    (devices / "sdc/device/wwid").write_text("t10.QEMU    QEMU HARDDISK   drive-scsi0\n")
    for name in ("sdb", "sdc"):
        (devices / "dm-0/slaves" / name).symlink_to(devices / name)
    block = tmp_path / "sys/dev/block"
    block.mkdir(parents=True)
    (block / "8:1").symlink_to(devices / "sda/sda1")
    (block / "253:0").symlink_to(devices / "dm-0")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(MOUNTS)
    return tmp_path


def test_disks_are_found_below_partitions_and_lvm(root: Path) -> None:
    mounts = parse_mounts(MOUNTS)
    assert disks_of(mounts[0], str(root)) == ["sda"]
    assert disks_of(mounts[1], str(root)) == ["sdc", "wwn:naa.600508b1001c3ab2"]
    assert disks_of(mounts[2], str(root)) == []
    assert disks_of(mounts[4], str(root)) == []


def test_what_the_module_returns_of_a_directory(root: Path) -> None:
    found = file_systems(["/var/lib/barman", "/srv/pg"], str(root), lambda path: Disk(path, 10, 100))
    assert found["/srv/pg"] == {
        "mountpoint": "/srv/pg",
        "kind": "nfs4",
        "source": "nas:/vol/pg",
        "address": "192.0.2.50",
        "device": "0:45",
        "disks": [],
        "size": 100,
    }
    assert found["/var/lib/barman"]["mountpoint"] == "/var/lib/barman"


def test_disks_that_can_not_be_listed_are_not_known(root: Path) -> None:
    slaves = root / "sys/devices/dm-0/slaves"
    for one in slaves.iterdir():
        one.unlink()
    slaves.rmdir()
    slaves.symlink_to(slaves)
    reasons: dict[str, str] = {}
    found = file_systems(["/var/lib/barman", "/srv/pg"], str(root), lambda path: Disk(path, 10, 100), reasons)
    assert (found["/var/lib/barman"]["disks"], found["/srv/pg"]["disks"]) == (None, [])
    assert set(reasons) == {"file_systems"}
    assert f"/var/lib/barman: {slaves} can't be read" in reasons["file_systems"]


def test_without_mountinfo_nothing_is_known(tmp_path: Path) -> None:
    reasons: dict[str, str] = {}
    assert file_systems(["/var"], str(tmp_path), reasons=reasons) == {}
    assert reasons == {"file_systems": f"{tmp_path}/proc/self/mountinfo does not exist"}


def test_mountinfo_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "proc/self/mountinfo").mkdir(parents=True)
    reasons: dict[str, str] = {}
    assert file_systems(["/var"], str(tmp_path), reasons=reasons) == {}
    assert "mountinfo" in reasons["file_systems"]


def test_the_directories_of_this_machine() -> None:
    (found,) = file_systems(["/var/lib/not there yet/barman"]).values()
    assert found["mountpoint"]
    assert found["size"] > 0
