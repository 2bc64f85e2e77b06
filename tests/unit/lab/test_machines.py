# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.lab import cli, machines
from tests.lab.host import LabError
from tests.lab.machines import Record, find, mount_of, nspawn_command
from tests.lab.spec import Disk, Machine

PG = Record(
    Machine("a", "pg", "sid", "198.51.100.20", disks=(Disk("/srv/small", 32 * 1024**2),)), Path("/cache/sid-1/root")
)
OTHER_PG = Record(Machine("b", "pg", "sid", "198.51.100.30"), Path("/cache/sid-1/root"))
BACKUP = Record(Machine("b", "backup", "sid", "198.51.100.31"), Path("/cache/sid-1/root"))


def test_find_by_name_where_it_is_the_only_one():
    assert find("backup", [PG, OTHER_PG, BACKUP]) == BACKUP
    assert find("b/pg", [PG, OTHER_PG, BACKUP]) == OTHER_PG


def test_find_refuses_to_guess():
    with pytest.raises(LabError, match="say a/pg or b/pg"):
        find("pg", [PG, OTHER_PG])
    with pytest.raises(LabError, match=r"there is no machine db .*a/pg"):
        find("db", [PG])
    with pytest.raises(LabError, match="there are: none"):
        find("db", [])


def test_the_command_line_that_boots():
    command = nspawn_command(PG, [("RLIMIT_NOFILE", 20000)])
    assert command[0] == "systemd-nspawn"
    assert {
        *("--boot", "--keep-unit", "--register=no", "--hostname=pg", "--machine=a-pg", "--rlimit=RLIMIT_NOFILE=20000"),
        *("--network-namespace-path=/run/netns/pgdrlab-a-pg", "--resolv-conf=off"),
    } <= set(command)


def test_nothing_runs_in_a_machine_that_is_off(monkeypatch):
    monkeypatch.setattr(machines, "leader", lambda record: None)
    with pytest.raises(LabError, match="a/pg is not running"):
        machines.inside(PG, ["true"])


def test_what_runs_in_a_machine_gets_none_of_the_hosts_environment(monkeypatch):
    monkeypatch.setattr(machines, "leader", lambda record: 4711)
    command = machines.inside(PG, ["ls", "-l"], ["TERM=xterm"])
    assert command[:2] == ["nsenter", "--target=4711"]
    assert command[command.index("env") + 1] == "--ignore-environment"
    assert command[-3:] == ["TERM=xterm", "ls", "-l"]


MOUNTINFO = (
    "1 0 0:40 / / rw,relatime - overlay overlay rw\n"
    "2 1 7:0 / /srv/small rw,noatime - ext4 /dev/loop0 rw\n"
    "3 1 7:1 / /srv/small/more rw,noatime - ext4 /dev/loop1 rw\n"
    "4 1 7:2 / /srv/small rw,noatime shared:1 - ext4 /dev/loop2 rw\n"
)


def test_the_last_mount_at_a_path_counts():
    assert mount_of(MOUNTINFO, "/srv/small") == ("7:2", "/dev/loop2")
    assert mount_of(MOUNTINFO, "/srv") is None


@pytest.mark.parametrize("path", ["/", "/tmp", "/srv/small/", "/srv/small/..", "/srv"])
def test_only_the_machines_own_disks_can_be_filled(path):
    with pytest.raises(LabError, match="no disk of its own"):
        machines.fill(PG, path)


def test_a_path_that_is_not_the_mounted_disk_is_not_filled(monkeypatch, tmp_path):
    plain = Record(Machine("a", "pg", "sid", "198.51.100.20", disks=(Disk(str(tmp_path), 32 * 1024**2),)), Path("/x"))
    monkeypatch.setattr(machines, "leader", lambda record: "self")
    with pytest.raises(LabError, match="is not mounted"):
        machines.fill(plain, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "MACHINES", tmp_path / "machines")
    monkeypatch.setattr(machines, "KEY", tmp_path / "id_ed25519")
    monkeypatch.setattr(machines, "KNOWN_HOSTS", tmp_path / "known_hosts")
    (tmp_path / "id_ed25519.pub").write_text("ssh-ed25519 AAAA pgdr-lab\n")

    def run(argv, **_):
        if argv[0] == "ssh-keygen":
            path = Path(argv[argv.index("-f") + 1])
            path.write_text("secret")
            path.with_name(path.name + ".pub").write_text(f"ssh-{argv[3]} {hash(path)} root@x\n")

    monkeypatch.setattr(machines, "run", run)
    return tmp_path


def test_a_machines_disk_makes_it_different_from_the_others(state):
    for record in (PG, OTHER_PG):
        record.save()
        machines.prepare(record, ())
    one, other = (record.directory / "upper" for record in (PG, OTHER_PG))
    assert (one / "etc/machine-id").read_text() != (other / "etc/machine-id").read_text()
    assert (one / "etc/hosts").read_text() == "127.0.0.1 localhost\n::1 localhost ip6-localhost\n198.51.100.20 pg\n"
    assert (one / "root/.ssh/authorized_keys").read_text() == "ssh-ed25519 AAAA pgdr-lab\n"
    assert stat.S_IMODE((one / "root/.ssh").stat().st_mode) == 0o700
    packages = one / "usr/lib/python3/dist-packages"
    assert (packages / "pgdr_lab_bytecode.pth").read_text() == "import pgdr_lab_bytecode; pgdr_lab_bytecode.install()\n"
    assert (packages / "pgdr_lab_bytecode.py").exists()
    assert (one / "etc/systemd/system-generators/systemd-getty-generator").readlink() == Path("/dev/null")
    assert PG.prepared
    assert (PG.directory / "disk-0.img").stat().st_size == 32 * 1024**2
    machines.write_known_hosts()
    known = (state / "known_hosts").read_text().splitlines()
    assert sorted({line.split()[0] for line in known}) == ["198.51.100.20", "198.51.100.30"]
    assert len(set(known)) == 4


def test_keys_that_are_just_being_made_are_left_out(state):
    PG.save()
    machines.prepare(PG, ())
    OTHER_PG.save()
    directory = OTHER_PG.directory / "upper/etc/ssh"
    directory.mkdir(parents=True)
    (directory / "ssh_host_ed25519_key.pub").write_text("")
    machines.write_known_hosts()
    known = (state / "known_hosts").read_text().splitlines()
    assert {line.split()[0] for line in known} == {PG.machine.address}


def test_a_half_made_disk_is_not_a_prepared_one(state, monkeypatch):
    PG.save()
    monkeypatch.setattr(machines, "_make_disk", lambda path, disk: (_ for _ in ()).throw(LabError("no space")))
    with pytest.raises(LabError):
        machines.prepare(PG, ())
    assert not PG.prepared
    assert machines.records() == [PG]


def test_neighbours_names_are_known_on_request(state):
    PG.save()
    machines.prepare(PG, [BACKUP.machine])
    assert "198.51.100.31 backup\n" in (PG.directory / "upper/etc/hosts").read_text()


def test_without_root_one_sentence_reports_what_is_missing_and_what_works(monkeypatch, capsys):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cli.main(["status"]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("This machine can't run the lab: root is needed")
    assert "`make check`" in message
    assert "\n" not in message


def test_elsewhere_than_on_linux_too(monkeypatch, capsys):
    monkeypatch.setattr("sys.platform", "darwin")
    assert cli.main(["down", "--all"]) == 2
    assert "it is not Linux but darwin" in capsys.readouterr().err


def test_an_invalid_file_is_reported(tmp_path, capsys):
    path = tmp_path / "lab.yml"
    assert cli.main(["up", str(path)]) == 1
    path.write_text("lab: x")
    assert cli.main(["up", str(path)]) == 1
    missing, empty = capsys.readouterr().err.splitlines()
    assert missing == f"lab: can't read {path}: No such file or directory"
    assert empty.endswith("`machines` must be a list with one machine at least")


def test_every_failure_is_reported():
    def work(record):
        raise LabError(f"{record.machine.label} broke")

    with pytest.raises(LabError) as caught:
        cli.in_parallel(work, [PG, BACKUP])
    assert str(caught.value) == "a/pg broke\nb/backup broke"


def mounts(monkeypatch) -> list[list[str]]:
    """The commands that mount and unmount, which are not run."""
    done: list[list[str]] = []
    monkeypatch.setattr(machines, "run", done.append)
    return done


@pytest.mark.parametrize(("memory", "count"), [(machines.LEAST_MEMORY, 1), (machines.LEAST_MEMORY - 1, 0)])
def test_machines_write_to_memory_if_the_host_has_enough(state, monkeypatch, memory, count):
    machines.MACHINES.mkdir(exist_ok=True)
    done = mounts(monkeypatch)
    machines.hold_in_memory(memory)
    assert [command[0] for command in done] == ["mount"] * count


def test_what_lies_there_is_not_hidden(state, monkeypatch):
    (machines.MACHINES / "lab").mkdir(parents=True)
    done = mounts(monkeypatch)
    machines.hold_in_memory(machines.LEAST_MEMORY)
    machines.free_memory()
    assert done == []
