# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machine a host is."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import process
from ansible_collections.pgdr.barman.plugins.module_utils._placement import machine

BOOT_ID = "0f4c7f9e-4f0c-4d1f-9d55-2a0a3b0c6a11"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE barman@backup\n"
#: As ssh-keygen -l prints it.
FINGERPRINT = "SHA256:6pOqXlVbTgeHVWLpL1OOL5mVYvwPSsTXkRQKlE4VZBo"


def host(root: Path, **files: str) -> str:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def test_the_running_kernel_identifies_a_machine(tmp_path: Path) -> None:
    root = host(tmp_path, proc__sys__kernel__random__boot_id=f"{BOOT_ID}\n")
    assert machine.machine_facts(root) == {"kernel": BOOT_ID, "hypervisor": ""}


def test_nothing_that_can_be_read_is_no_error(tmp_path: Path) -> None:
    assert machine.machine_facts(str(tmp_path)) == {"kernel": "", "hypervisor": ""}


def test_a_container_of_nspawn_has_a_boot_id_of_its_own(tmp_path: Path) -> None:
    """What two containers of one kernel have in common is the kernel's start."""
    files = {"proc__stat": "cpu 1 2\nbtime 1790000000\n", "proc__meminfo": "MemTotal:       16000000 kB\n"}
    found = []
    for name in ("one", "two"):
        root = host(tmp_path / name, proc__sys__kernel__random__boot_id=name, **files)
        (tmp_path / name / "run/host").mkdir(parents=True)
        (tmp_path / name / "run/host/container-manager").write_text("systemd-nspawn\n")
        found.append(machine.machine_facts(root)["kernel"])
    assert found == ["started 1790000000, 16000000 kB, no UUID"] * 2


def test_hyper_v_reports_the_physical_host(tmp_path: Path) -> None:
    def record(key: str, value: str) -> bytes:
        return key.encode().ljust(512, b"\0") + value.encode().ljust(2048, b"\0")

    pool = tmp_path / machine.HYPERV_POOL
    pool.parent.mkdir(parents=True)
    pool.write_bytes(record("VirtualMachineName", "db1") + record("PhysicalHostNameFullyQualified", "hv7.example.org"))
    assert machine.machine_facts(str(tmp_path))["hypervisor"] == "hv7.example.org"


def test_the_fingerprints_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = process.lookup_user(getpass.getuser())
    fields = [*account]
    fields[5] = str(tmp_path)
    monkeypatch.setattr(machine, "lookup_user", lambda name: type(account)(fields))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519.pub").write_text(KEY)
    (tmp_path / ".ssh/id_rsa.pub").write_text("no key\n")
    (tmp_path / ".ssh/id_ed25519").write_text("the private key is not read")
    assert machine.fingerprints(["barman"]) == {"barman": [machine.fingerprint(KEY)]}


def test_a_fingerprint_is_that_of_ssh_keygen() -> None:
    assert machine.fingerprint(KEY).startswith("SHA256:")
    assert len(machine.fingerprint(KEY)) == len(FINGERPRINT)
    assert machine.fingerprint("ssh-ed25519") == ""
    assert machine.fingerprint("ssh-ed25519 !") == ""
    assert machine.fingerprint("ssh-ed25519 schlüssel") == ""


def test_a_user_that_does_not_exist_has_no_key() -> None:
    assert machine.fingerprints(["no-such-user"]) == {}
