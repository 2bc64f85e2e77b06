# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a user knows: the declared ones by their present keys, and whoever was known before."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host import known_hosts, ssh_file
from ansible_collections.pgdr.barman.plugins.module_utils._host.known_hosts import plan, without_names
from ansible_collections.pgdr.barman.plugins.module_utils._host.marked_block import BEGIN, END
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.modules import ssh_known_hosts
from tests.unit.plugins.modules.running import run_main

BACKUP = "198.51.100.11 ssh-ed25519 AAAAbackup"
OTHER = "[198.51.100.12]:2222 ssh-ed25519 AAAAother"
MINE = "198.51.100.11 ssh-rsa AAAAmine\n"


def block(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (BEGIN, *lines, END))


@pytest.mark.parametrize(
    ("text", "lines", "after"),
    [
        ("", [BACKUP], block(BACKUP)),
        (MINE, [BACKUP], MINE + block(BACKUP)),
        (MINE.strip(), [BACKUP], MINE + block(BACKUP)),
        # A host that is not in this run, or hidden, stays known.
        (block(OTHER), [BACKUP], block(BACKUP, OTHER)),
        # One that was built anew has new keys, and none of the old ones.
        (block(BACKUP + "old", "198.51.100.11 ecdsa-sha2-nistp256 AAAA"), [BACKUP], block(BACKUP)),
        (block(BACKUP) + MINE, [BACKUP], block(BACKUP) + MINE),
        (block(BACKUP), [], block(BACKUP)),
        (MINE, [], MINE),
        # A recovery's own block is another one.
        (
            f"{BEGIN} recovery x\n{OTHER}\n{END} recovery x\n",
            [BACKUP],
            f"{BEGIN} recovery x\n{OTHER}\n{END} recovery x\n" + block(BACKUP),
        ),
    ],
)
def test_the_block(text: str, lines: list[str], after: str) -> None:
    assert plan(text, lines) == after
    assert plan(after, lines) == after


@pytest.mark.parametrize("text", [f"{BEGIN}\n{OTHER}\n", f"{END}\n{BEGIN}\n", block() + block()])
def test_half_a_block_is_refused(text: str) -> None:
    with pytest.raises(HostError, match="remove these lines and the lines between them"):
        plan(text, [BACKUP])


def test_the_module(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    me = pwd.getpwuid(os.geteuid())
    monkeypatch.setattr(
        ssh_file,
        "lookup_user",
        lambda user: SimpleNamespace(pw_dir=str(tmp_path), pw_uid=me.pw_uid, pw_gid=me.pw_gid),
    )
    monkeypatch.setattr(known_hosts, "ids_of", lambda user: None)
    arguments = {"user": "postgres", "lines": [BACKUP]}
    path = tmp_path / ".ssh" / "known_hosts"
    # Without the directory, as in the check mode of a first run.
    assert run_main(ssh_known_hosts.main, capsys, _ansible_check_mode=True, **arguments)["changed"]
    path.parent.mkdir(mode=0o700)
    assert run_main(ssh_known_hosts.main, capsys, _ansible_check_mode=True, **arguments)["changed"]
    assert not path.exists()
    answer = run_main(ssh_known_hosts.main, capsys, diff=True, **arguments)
    assert (answer["changed"], answer["diff"]["after"]) == (True, block(BACKUP))
    assert (path.read_text(), path.stat().st_mode & 0o777) == (block(BACKUP), 0o600)
    assert not run_main(ssh_known_hosts.main, capsys, **arguments)["changed"]
    refused = run_main(ssh_known_hosts.main, capsys, user="postgres", lines=["198.51.100.11 ssh-ed25519"])
    assert refused["failed"]
    assert "'198.51.100.11 ssh-ed25519' is not a name, a key's type and a key" in refused["msg"]


@pytest.mark.parametrize(
    ("text", "names", "after"),
    [
        ("", None, ""),
        (MINE, None, MINE),
        (block(BACKUP) + MINE, None, MINE),
        (block(BACKUP, OTHER), [BACKUP.split()[0]], block(OTHER)),
        (block(BACKUP) + MINE, [BACKUP.split()[0]], MINE),
        # Only lines of the block go.
        (block(OTHER) + BACKUP + "\n", [BACKUP.split()[0]], block(OTHER) + BACKUP + "\n"),
    ],
)
def test_names_are_removed_and_the_block_with_the_last(text: str, names: list[str] | None, after: str) -> None:
    assert without_names(text, names) == after
    assert without_names(after, names) == after


def test_the_module_removes(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    me = pwd.getpwuid(os.geteuid())
    account = SimpleNamespace(pw_dir=str(tmp_path), pw_uid=me.pw_uid, pw_gid=me.pw_gid)
    monkeypatch.setattr(ssh_file, "lookup_user", lambda user: account)
    monkeypatch.setattr(known_hosts, "ids_of", lambda user: None)
    path = tmp_path / ".ssh" / "known_hosts"
    path.parent.mkdir(mode=0o700)
    path.write_text(block(BACKUP, OTHER))
    arguments = {"user": "postgres", "state": "absent"}
    assert run_main(ssh_known_hosts.main, capsys, names=[BACKUP.split()[0]], **arguments)["changed"]
    assert path.read_text() == block(OTHER)
    assert run_main(ssh_known_hosts.main, capsys, **arguments)["changed"]
    assert path.read_text() == ""
    assert not run_main(ssh_known_hosts.main, capsys, **arguments)["changed"]
    assert "lines" in run_main(ssh_known_hosts.main, capsys, user="postgres")["msg"]
