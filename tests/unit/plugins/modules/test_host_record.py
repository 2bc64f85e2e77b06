# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a host, and removing what it has."""

from __future__ import annotations

import base64
import os
import pwd
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import record
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.record import (
    FormerSetting,
    HostRecord,
    is_recorded,
    read_record,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.record_changes import change_record
from ansible_collections.pgdr.barman.plugins.modules import host_record
from tests.unit.plugins.modules.running import run_main

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "home"
    found.mkdir()
    monkeypatch.setattr(record, "ssh_directory", lambda _user: str(found / ".ssh"))
    return found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    path = str(tmp_path / "lib" / "record.json")
    monkeypatch.setattr(host_record, "change_record", partial(change_record, path=path))
    return partial(run_main, host_record.main, capsys)


def settings(altered: str | None, desired: str) -> list[dict[str, Any]]:
    return [{"name": "listen_addresses", "altered": altered, "desired": desired}]


def key_pair(ssh: Path, public: bytes = b"public") -> str:
    """Write a private key in OpenSSH's form, and its public key; the latter."""
    text = f"ssh-ed25519 {base64.b64encode(public).decode()}"
    content = base64.b64encode(b"openssh-key-v1\0none" + public + b"secret").decode()
    frame = "-----{} OPENSSH PRIVATE KEY-----\n"  # Neither part is a key.
    (ssh / "id_ed25519").write_text(f"{frame.format('BEGIN')}{content[:20]}\n{content[20:]}\n{frame.format('END')}")
    (ssh / "id_ed25519.pub").write_text(f"{text} {ME}@here\n")
    return f"{text} {ME}@here"


def test_a_key_that_no_deployment_created_stays(run: Any, home: Path) -> None:
    """Only the user's authorized_keys were written, and the owner made a key afterwards."""
    assert "id_ed25519" not in run(ssh_users=[ME])["record"]["ssh"][ME]
    (home / ".ssh").mkdir()
    key_pair(home / ".ssh")
    answer = run(state="absent")
    assert (answer["removed"], answer["left"]) == ([], [])
    assert sorted(path.name for path in (home / ".ssh").iterdir()) == ["id_ed25519", "id_ed25519.pub"]


@pytest.mark.parametrize("other", ["another key", "no key", "not base64"])
def test_a_key_that_replaced_the_recorded_one_stays_and_is_named(run: Any, home: Path, other: str) -> None:
    run(ssh_users=[ME])
    ssh = home / ".ssh"
    ssh.mkdir()
    run(ssh_keys={ME: key_pair(ssh)})
    key_pair(ssh, b"of the owner")
    if other != "another key":
        (ssh / "id_ed25519").write_text("" if other == "no key" else "-----BEGIN\nx\n-----END\n")
    answer = run(state="absent")
    assert answer["removed"] == []
    assert answer["left"] == [str(ssh / "id_ed25519"), str(ssh / "id_ed25519.pub")]
    assert len(list(ssh.iterdir())) == 2


def test_a_key_that_a_later_deployment_created_is_the_recorded_one(run: Any, home: Path) -> None:
    ssh = home / ".ssh"
    ssh.mkdir()
    run(ssh_keys={ME: key_pair(ssh)})
    assert run(ssh_keys={ME: key_pair(ssh, b"new")})["changed"]
    assert len(run(state="absent")["removed"]) == 2


def test_what_is_recorded_first_stays(run: Any) -> None:
    assert run(packages=["a"], settings=settings(None, "x"), roles=["barman"])["changed"]
    answer = run(packages=["b", "a"], settings=settings("x", "*"), roles=["streaming_barman"])
    assert answer["record"] == {
        "packages": ["a", "b"],
        "ssh": {},
        "settings": {"5432": {"listen_addresses": {"former": None, "written": "*"}}},
        "roles": {"5432": ["barman", "streaming_barman"]},
        "keys": {},
    }
    assert not run(packages=["a"], settings=settings("*", "*"))["changed"]
    assert set(run(port=5433, roles=["barman"])["record"]["roles"]) == {"5432", "5433"}


def test_check_mode_writes_nothing(run: Any, tmp_path: Path) -> None:
    assert run(packages=["a"], check_mode=True, diff=True)["changed"]
    assert not (tmp_path / "lib").exists()


def test_only_missing_ssh_files_are_recorded_and_removed(run: Any, home: Path) -> None:
    ssh = home / ".ssh"
    ssh.mkdir()
    (ssh / "known_hosts").write_text("mine\n")
    answer = run(ssh_users=[ME])
    assert answer["record"]["ssh"] == {ME: ["authorized_keys"]}
    run(ssh_keys={ME: key_pair(ssh)})
    (ssh / "authorized_keys").write_text("")
    # What a later deployment finds is its own.
    assert not run(ssh_users=[ME])["changed"]
    answer = run(state="absent")
    assert sorted(path.name for path in ssh.iterdir()) == ["known_hosts"]
    assert len(answer["removed"]) == 3
    assert not run(state="absent")["changed"]


def test_the_directory_goes_if_a_deployment_created_it_and_nothing_is_in_it(
    run: Any, home: Path, tmp_path: Path
) -> None:
    assert "" in run(ssh_users=[ME])["record"]["ssh"][ME]
    (home / ".ssh").mkdir()
    run(ssh_keys={ME: key_pair(home / ".ssh")})
    (home / ".ssh" / "id_ed25519.pub").unlink()
    assert run(state="absent", check_mode=True)["removed"] == [str(home / ".ssh" / "id_ed25519"), str(home / ".ssh")]
    assert (home / ".ssh" / "id_ed25519").exists()
    run(state="absent")
    assert not (home / ".ssh").exists()
    assert not (tmp_path / "lib").exists()


def test_a_file_with_lines_of_others_stays_and_is_named(run: Any, home: Path) -> None:
    run(ssh_users=[ME])
    (home / ".ssh").mkdir()
    (home / ".ssh" / "authorized_keys").write_text("ssh-ed25519 AAAA somebody\n")
    answer = run(state="absent")
    assert answer["left"] == [str(home / ".ssh" / "authorized_keys")]
    assert (home / ".ssh" / "authorized_keys").exists()


def test_the_record_stays_as_long_as_something_waits_for_it(run: Any) -> None:
    run(packages=["a"], settings=settings(None, "*"))
    answer = run(state="absent")
    assert (answer["changed"], answer["record"]["packages"]) == (False, ["a"])
    assert answer["record"]["settings"] != {}


def test_a_file_that_is_no_record_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    for text in ("x", "[]", '{"packages": 1}'):
        path.write_text(text)
        with pytest.raises(HostError, match="is not the record of this collection"):
            read_record(str(path))


def test_the_record_is_current_if_it_has_what_is_missing(home: Path) -> None:
    assert not is_recorded(HostRecord(), [ME])
    assert is_recorded(HostRecord(ssh={ME: record.SSH_FILES}), [ME])
    assert not is_recorded(HostRecord(ssh={"nobody-there": record.SSH_FILES}), ["nobody-there"])


def test_what_is_restored_is_forgotten() -> None:
    found = HostRecord(settings={"5432": {"a": FormerSetting(None, "1")}}, roles={"5432": ("barman",)})
    assert not found.is_empty
    assert found.without_settings(5432, ["a"]).without_roles(5432, ["barman"]).is_empty
