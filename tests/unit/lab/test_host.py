# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this machine can run the lab, and what is said where it can't."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.lab import cli, host

WORKS_WITHOUT = "`make check`, `make package` and `make sanity` work without it."


class Machine:
    """A machine that can run the lab, but for what it refuses. Nothing is really run."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.groups = directory / "cgroup"
        self.mountinfo = directory / "mountinfo"
        self.keyring = directory / "debian.gpg"
        self.missing: set[str] = set()
        self.refused: dict[str, str] = {}
        self.ran: list[list[str]] = []
        self.keyring.touch()
        self.mountinfo.write_text(
            "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
            f"30 24 0:27 / {self.groups} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
        )
        # As the kernel does it since 5.14.
        (self.groups / "pgdr-lab").mkdir(parents=True)
        (self.groups / "pgdr-lab" / "cgroup.kill").touch()

    def refuse(self, word: str, answer: str = "") -> None:
        """Lets every command with this word among its arguments fail."""
        self.refused[word] = answer

    def run(self, argv: list[str], **_: object) -> CompletedProcess[str]:
        self.ran.append(argv)
        for word, answer in self.refused.items():
            if word in argv:
                return CompletedProcess(argv, 1, answer)
        return CompletedProcess(argv, 0, "")

    def which(self, tool: str) -> str | None:
        return None if tool in self.missing else f"/usr/bin/{tool}"


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    there = Machine(tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", there.which)
    monkeypatch.setattr(host, "run", there.run)
    monkeypatch.setattr(host, "STATE", there.state)
    monkeypatch.setattr(host, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(host, "KEY", there.state / "id_ed25519")
    monkeypatch.setattr(host, "SSH_CONFIG", there.state / "ssh_config")
    monkeypatch.setattr(host, "MOUNTINFO", there.mountinfo)
    monkeypatch.setattr(host, "DEBIAN_KEYS", there.keyring)
    return there


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """What `check` said is missing; it said it in one sentence, and what works without it."""
    assert cli.main(["check"]) == cli.CANNOT_RUN
    out, err = capsys.readouterr()
    assert out == ""
    before, missing, after = err.partition("This machine can't run the lab: ")
    assert (before, missing) != (err, "")
    message, works, rest = after.partition(f"; {WORKS_WITHOUT}\n")
    assert works
    assert (before, rest) == ("", "")
    assert "\n" not in message
    return message


def test_a_machine_that_can(machine, capsys):
    assert cli.main(["check"]) == 0
    assert capsys.readouterr() == ("This machine can run the lab.\n", "")
    assert (machine.state / "machines").is_dir()
    assert (machine.state / "ssh_config").exists()
    assert not list(machine.state.glob("probe-*"))


def test_no_root(machine, monkeypatch, capsys):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert complaint(capsys).startswith("root is needed, for network namespaces and mounts")
    assert machine.ran == []


def test_not_linux(machine, monkeypatch, capsys):
    monkeypatch.setattr("sys.platform", "darwin")
    assert complaint(capsys) == "it is not Linux but darwin"


def test_no_namespaces(machine, capsys):
    machine.refuse("--pid", "unshare: unshare failed: Operation not permitted\n")
    assert complaint(capsys).startswith("mount, network and process namespaces can't be made")


def test_no_bridge(machine, capsys):
    machine.refuse("bridge", "RTNETLINK answers: Operation not supported\n")
    message = complaint(capsys)
    assert message == (
        "`ip link add name pgdrlab-trial type bridge` does not work (RTNETLINK answers: Operation not supported)"
    )


def test_no_iptables_whose_answer_has_two_lines(machine, capsys):
    machine.refuse("iptables", "can't initialize iptables table `nat'\nPerhaps iptables needs to be upgraded.\n")
    message = complaint(capsys)
    assert message == (
        "`iptables -w 10 -t nat -S` does not work "
        "(can't initialize iptables table `nat' Perhaps iptables needs to be upgraded.)"
    )


def test_no_overlayfs(machine, capsys):
    machine.refuse("overlay")
    assert complaint(capsys) == f"overlayfs does not work in {machine.state} (it has to be on ext4 or xfs)"
    assert not list(machine.state.glob("probe-*"))


def test_no_control_groups_of_version_2(machine, capsys):
    machine.mountinfo.write_text("35 24 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
    assert complaint(capsys) == "no version 2 control groups are mounted"


def test_a_control_group_that_cannot_be_made(machine, capsys):
    machine.mountinfo.write_text(f"30 24 0:27 / {machine.groups}/none rw - cgroup2 cgroup2 rw\n")
    message = complaint(capsys)
    assert message == f"no control group can be made at {machine.groups}/none/pgdr-lab (No such file or directory)"


def test_a_kernel_that_is_too_old(machine, capsys):
    (machine.groups / "pgdr-lab" / "cgroup.kill").unlink()
    assert complaint(capsys) == "the kernel is older than 5.14"


def test_tools_that_are_missing_where_there_is_no_apt(machine, capsys):
    machine.missing = {"debootstrap", "systemd-nspawn", "apt-get"}
    machine.keyring.unlink()
    message = complaint(capsys)
    assert message == "these tools are missing: debootstrap, systemd-container, debian-archive-keyring"
    assert machine.ran == []


def test_tools_that_are_missing_are_installed(machine, capsys):
    machine.missing = {"ssh", "ssh-keygen"}
    assert cli.main(["check"]) == 0
    update, install = machine.ran[:2]
    assert update[2:] == ["apt-get", "update"]
    assert install[2:] == ["apt-get", "install", "-y", "--no-install-recommends", "openssh-client"]
    assert "installing on this machine: openssh-client" in capsys.readouterr().err


def test_tools_that_cannot_be_installed(machine, capsys):
    machine.missing = {"debootstrap"}
    machine.refuse("install", "E: Unable to locate package debootstrap")
    assert cli.main(["check"]) == 1
    message = capsys.readouterr().err
    assert "lab: can't install debootstrap:" in message
    assert "E: Unable to locate package debootstrap" in message
