# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import CatalogError, parse_backup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.snapshots import Snapshot, Snapshots, read_snapshots
from ansible_collections.pgdr.barman.plugins.module_utils._recover import segment_scanner
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import RecoverError
from ansible_collections.pgdr.barman.plugins.module_utils._recover.snapshots import (
    Instance,
    instance_arguments,
    instance_problems,
)
from tests.unit.plugins.module_utils._recover.recovery_host import RecoveryHost
from tests.unit.plugins.module_utils._recover.recovery_world import SIZE, SYSTEM, World, backup, commit, position

DISK = Snapshot("snap-1", "data-20261120t081000", "/dev/sdf", "/srv/data", "rw,noatime")
AWS = Snapshots("aws", {"account_id": "123456789012", "region": "eu-central-1"}, (DISK,))
AZURE = Snapshots("azure", {"subscription_id": "s", "resource_group": "g"}, (DISK,))
GCP = Snapshots("gcp", {"project": "p"}, (DISK,))

NOTED = {
    "aws": {
        "provider": "aws",
        "provider_info": {"account_id": "123456789012", "region": "eu-central-1"},
        "snapshots": [
            {
                "mount": {"mount_options": "rw,noatime", "mount_point": "/srv/data"},
                "provider": {
                    "device_name": "/dev/sdf",
                    "snapshot_id": "snap-1",
                    "snapshot_name": "data-20261120t081000",
                    "snapshot_lock_mode": None,
                },
            }
        ],
    },
    "azure": {
        "provider": "azure",
        "provider_info": {"subscription_id": "s", "resource_group": "g"},
        "snapshots": [
            {
                "mount": {"mount_options": "rw,noatime", "mount_point": "/srv/data"},
                "provider": {"location": "westeurope", "lun": 0, "snapshot_name": "data-20261120t081000"},
            }
        ],
    },
    "gcp": {
        "provider": "gcp",
        "provider_info": {"project": "p"},
        "snapshots": [
            {
                "mount": {"mount_options": "rw,noatime", "mount_point": "/srv/data"},
                "provider": {"device_name": "data", "snapshot_name": "data-20261120t081000", "snapshot_project": "p"},
            }
        ],
    },
}


def backup_info(provider: str) -> str:
    return f"status=DONE\nmode=snapshot-concurrent\nsnapshots_info={NOTED[provider]!r}\n"


@pytest.mark.parametrize(
    ("provider", "identifier", "device"),
    [
        ("aws", "snap-1", "/dev/sdf"),
        ("azure", "data-20261120t081000", "LUN 0"),
        ("gcp", "data-20261120t081000", "data"),
    ],
)
def test_what_barman_notes_of_each_provider(provider: str, identifier: str, device: str) -> None:
    found = parse_backup("20261120T081000", backup_info(provider), "/backup.info")
    assert found.backup_type == "snapshot"
    assert found.as_dict()["snapshots"] == {
        "provider": provider,
        "place": NOTED[provider]["provider_info"],
        "disks": [
            {
                "id": identifier,
                "name": "data-20261120t081000",
                "device": device,
                "mount_point": "/srv/data",
                "mount_options": "rw,noatime",
            }
        ],
    }


def test_a_backup_of_files_has_none() -> None:
    assert (
        parse_backup("20261120T081000", "status=DONE\nmode=postgres\n", "/backup.info").as_dict()["snapshots"] is None
    )


@pytest.mark.parametrize("noted", [{"provider": "other", "snapshots": [{"provider": {}}]}, {"snapshots": []}, [1]])
def test_a_note_that_is_not_understood_names_the_file(noted: Any) -> None:
    with pytest.raises(CatalogError, match=r"/backup\.info is not valid"):
        parse_backup("20261120T081000", f"status=DONE\nsnapshots_info={noted!r}\n", "/backup.info")


@pytest.mark.parametrize(
    ("snapshots", "places", "version", "expected"),
    [
        (AWS, {}, (3, 13, 3), []),
        (AWS, {"aws_region": "eu-west-1"}, (3, 13, 3), ["--aws-region", "eu-west-1"]),
        (AZURE, {"azure_resource_group": "other"}, (3, 13, 3), ["--azure-resource-group", "other"]),
        (GCP, {"gcp_zone": "europe-west3-b"}, (3, 6, 0), ["--gcp-zone", "europe-west3-b"]),
        (GCP, {"gcp_zone": "europe-west3-b"}, (3, 4, 0), ["--snapshot-recovery-zone", "europe-west3-b"]),
    ],
)
def test_the_arguments_of_barman_for_the_instance(
    snapshots: Snapshots, places: dict[str, str], version: tuple[int, ...], expected: list[str]
) -> None:
    found = instance_arguments(snapshots, Instance("new", places), version)
    assert found == ["--snapshot-recovery-instance", "new", *expected]


@pytest.mark.parametrize(
    ("snapshots", "instance", "configured", "blamed"),
    [
        (None, None, {}, None),
        (AWS, Instance("new", {}), {}, None),
        (AZURE, Instance("new", {}), {"azure_resource_group": "g"}, None),
        (GCP, Instance("new", {}), {"snapshot_zone": "z"}, None),
        (None, Instance("new", {}), {}, "snapshot_instance: backup B is not of snapshots"),
        (AWS, None, {}, "snapshot_instance: backup B is of aws snapshots"),
        (AWS, None, {}, "snap-1 at /srv/data with rw,noatime"),
        (AWS, Instance("new", {"gcp_zone": "z"}), {}, "gcp_zone: the snapshots of backup B are of aws"),
        (AZURE, Instance("new", {}), {}, "azure_resource_group: is needed to find the instance 'new'"),
        (GCP, Instance("new", {}), {}, "gcp_zone: is needed"),
    ],
)
def test_options_that_do_not_fit_the_backup(
    snapshots: Snapshots | None, instance: Instance | None, configured: dict[str, str], blamed: str | None
) -> None:
    found = instance_problems("B", snapshots, instance, configured)
    assert len(found) == (0 if blamed is None else 1)
    assert blamed is None or blamed in found[0]


# A recovery


def control(checkpoint: int, redo: int | None = None, system: int = SYSTEM, version: int = 1700) -> bytes:
    at = checkpoint if redo is None else redo
    return struct.pack("<QIIi4xqQQI", system, version, 202406281, 6, 1, checkpoint, at, 1) + bytes(200)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecoveryHost:
    """Backups of files in segment 2 and of snapshots in segment 3, and disks made from the latter."""
    world = World()
    for number in (2, 3, 4):
        world.add(number, commit(position(number, SIZE - 1000), 10 + number, 700 + number))
    monkeypatch.setattr(segment_scanner, "scan", world.scan)
    directory = tmp_path / "new"
    snapshots = Snapshots("aws", AWS.place, (Snapshot("snap-1", None, "/dev/sdf", str(tmp_path), "rw,noatime"),))
    older = Snapshots("aws", AWS.place, (Snapshot("snap-0", None, "/dev/sdf", str(tmp_path), "rw,noatime"),))
    found = RecoveryHost(
        tmp_path,
        world,
        [
            backup(2, 10, backup_type="snapshot", snapshots=older),
            backup(3, 11),
            backup(3, 12, backup_type="snapshot", snapshots=snapshots),
        ],
    )
    for made in ("global", "pg_replslot/barman", "pg_wal"):
        (directory / made).mkdir(parents=True)
    (directory / "PG_VERSION").write_text("17\n")
    (directory / "postmaster.pid").write_text("999999999\n")
    (directory / "pg_replslot/barman/state").write_text("")
    (directory / "global/pg_control").write_bytes(control(position(3, 100), position(3, 40)))
    mounted(found, "rw,noatime")
    return found


def mounted(host: RecoveryHost, options: str) -> None:
    findmnt = host.root / "bin" / "findmnt"
    findmnt.write_text(f'#!/bin/sh\n[ "$5" = {host.root} ] && echo {options}\n' if options else "#!/bin/sh\nexit 1\n")
    findmnt.chmod(0o755)


def test_barman_recovers_on_the_disks_that_are_there(host: RecoveryHost) -> None:
    outcome = host.recover(snapshot_instance="new", aws_region="eu-west-1", existing="move_aside")
    assert outcome.changed is True
    assert outcome.moved_aside == []
    text = " ".join(host.arguments_of("barman", "recover"))
    assert f"--snapshot-recovery-instance new --aws-region eu-west-1 pg {host.backups[2].backup_id}" in text
    directory = host.root / "new"
    assert not (directory / "postmaster.pid").exists()
    assert list((directory / "pg_replslot").iterdir()) == []
    assert outcome.recovery["snapshots"]["disks"][0]["id"] == "snap-1"
    assert (outcome.recovery["backup_bytes"], outcome.recovery["wal_bytes"]) == (0, 2 * SIZE)


def test_a_second_time_nothing_is_done(host: RecoveryHost) -> None:
    host.recover(snapshot_instance="new")
    assert host.recover(snapshot_instance="new").changed is False


def test_check_mode_reports_the_change_and_changes_nothing(host: RecoveryHost) -> None:
    assert host.recover(check_mode=True, snapshot_instance="new").changed is True
    assert not host.ran("barman", "recover")
    assert (host.root / "new" / "postmaster.pid").exists()


def test_without_an_instance_a_backup_of_files_is_taken(host: RecoveryHost) -> None:
    assert host.recover(destination=str(host.root / "other")).recovery["backup_id"] == host.backups[1].backup_id


def test_without_an_instance_the_disks_to_create_of_each_snapshot_are_reported(host: RecoveryHost) -> None:
    del host.backups[1]
    with pytest.raises(RecoverError, match=r"Make a disk from each.*: snap-1 at .* with rw,noatime"):
        host.recover()
    assert not host.ran("barman", "recover")


def refuse(host: RecoveryHost, match: str, **options: Any) -> None:
    with pytest.raises(RecoverError, match=match):
        host.recover(**{"snapshot_instance": "new", **options})
    assert not host.ran("barman", "recover")


def test_nothing_mounted_there(host: RecoveryHost) -> None:
    mounted(host, "")
    refuse(host, "nothing is mounted at .*; mount a disk made from snap-1 there")


def test_mounted_in_another_way(host: RecoveryHost) -> None:
    mounted(host, "rw,relatime")
    refuse(host, "has the options rw,relatime, and Barman asks for those of when the backup was taken: rw,noatime")


def test_a_disk_without_a_data_directory(host: RecoveryHost) -> None:
    refuse(host, "is not a data directory", destination=str(host.root / "other"))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (control(position(3, 100), system=5), r"of another PostgreSQL server \(system identifier 5,"),
        (control(position(4, 100)), "is newer: .* A disk from which a server was started can't be used"),
        (control(position(1, 100)), "is older: its last checkpoint is at 0/1000064$"),
        (
            control(position(2, 100)),
            "is older: .*It is of backup 20261120T081000: write that as barman_recover_backup_id",
        ),
        (control(position(3, 100), version=1201), "global/pg_control can't be read"),
    ],
)
def test_a_data_directory_that_is_not_of_the_backup(host: RecoveryHost, data: bytes, match: str) -> None:
    (host.root / "new" / "global" / "pg_control").write_bytes(data)
    refuse(host, match.removesuffix("$"))


def test_options_that_are_not_for_snapshots(host: RecoveryHost) -> None:
    refuse(host, "tablespaces: backup .* is of snapshots", tablespaces={"a": "/srv/a"})
    refuse(host, "aws_region: is of the instance", snapshot_instance=None, aws_region="eu-west-1")


def test_a_snapshot_that_barman_noted_nothing_of(host: RecoveryHost) -> None:
    host.backups[2] = backup(3, 12, backup_type="snapshot")
    refuse(host, "Barman has noted none", backup_id=host.backups[2].backup_id)


def test_a_failure_leaves_the_disk_so_that_it_can_be_tried_again(host: RecoveryHost) -> None:
    before = control(position(3, 100), position(3, 40))
    host.barman_error = "The following snapshots are not attached to recovery instance new: snap-1"
    with pytest.raises(RecoverError, match=r"are not attached .*start no server, and run it again"):
        host.recover(snapshot_instance="new")
    assert (host.root / "new" / "global" / "pg_control").exists()
    (host.root / "new" / "global" / "pg_control").write_bytes(before)
    host.barman_error = ""
    assert host.recover(snapshot_instance="new").changed is True


def test_a_note_without_a_device_is_shown_nevertheless() -> None:
    found = read_snapshots({"provider": "gcp", "snapshots": [{"provider": {"snapshot_name": "s"}}]})
    assert str(found.disks[0]) == "s (of a disk, mounted at nowhere)"
