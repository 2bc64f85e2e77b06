# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encrypted backups: whether the key is there, and whether the passphrase is still asked for. GnuPG is played, with the lines of a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import Backup, read_backups
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._barman.encryption import (
    forget_passphrases,
    missing_key_problem,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost

LISTED = (
    "[GNUPG:] ENC_TO 7007FA053C52AD43 1 0\n[GNUPG:] ENC_TO 0000FA053C52AD00 1 0\n[GNUPG:] BEGIN_DECRYPTION\n"
    "[GNUPG:] END_DECRYPTION\n"
)


class Gpg:
    """secret: the keys that the user has. status: of gpgconf."""

    def __init__(self, *secret: str, status: int = 0) -> None:
        self.secret, self.status = secret, status
        self.calls: list[Sequence[str]] = []
        self.users: set[str | None] = set()

    def __call__(self, command: Command) -> Completed:
        self.calls.append(command.argv)
        self.users.add(command.user)
        if "--list-only" in command.argv:
            return Completed(command.argv, 0, LISTED)
        if "--list-secret-keys" in command.argv:
            return Completed(command.argv, 0 if command.argv[-1] in self.secret else 2)
        return Completed(command.argv, self.status, "", "no agent")


@pytest.fixture
def backup(tmp_path: Path) -> tuple[Backup, str]:
    host = BarmanHost(tmp_path)
    host.server("app")
    host.backup("app", "20261130T110000", 3, encryption="gpg")
    base = tmp_path / "home" / "app" / "base"
    for name in ("backup_manifest", "base.tar.gz.gpg", "16400.tar.gz.gpg"):
        (base / "20261130T110000" / "data" / name).write_text("x")
    (found,) = read_backups(read(str(host.main), "nobody").server("app"))
    return found, str(base)


def test_a_backup_needs_one_of_its_keys(backup: tuple[Backup, str]) -> None:
    found, base = backup
    gpg = Gpg("0000FA053C52AD00")
    assert missing_key_problem(found, base, "barman", gpg) is None
    assert gpg.calls[0][-1] == f"{base}/20261130T110000/data/16400.tar.gz.gpg"
    assert gpg.users == {"barman"}


def test_a_backup_without_any_of_its_keys_names_them(backup: tuple[Backup, str]) -> None:
    found, base = backup
    assert missing_key_problem(found, base, "barman", Gpg("other")) == (
        "backup 20261130T110000 is encrypted, and 'barman' on this host has no secret key for it (7007FA053C52AD43, 0000FA053C52AD00). "
        "Import the key as 'barman', with gpg --import, from where you keep it"
    )


def test_a_backup_that_is_not_encrypted_asks_nobody(backup: tuple[Backup, str]) -> None:
    found, base = backup
    gpg = Gpg()
    assert missing_key_problem(replace(found, encryption=None), base, "barman", gpg) is None
    assert gpg.calls == []


def test_a_backup_elsewhere_is_left_to_barman(backup: tuple[Backup, str], tmp_path: Path) -> None:
    found, _base = backup
    assert missing_key_problem(found, str(tmp_path), "barman", Gpg()) is None


def test_the_agent_forgets_passphrases() -> None:
    gpg = Gpg()
    forget_passphrases("barman", gpg)
    assert gpg.calls == [["gpgconf", "--reload", "gpg-agent"]]
    with pytest.raises(HostError, match=r"would not prove that the passphrase is known.*no agent"):
        forget_passphrases("barman", Gpg(status=2))
