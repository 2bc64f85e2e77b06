# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encrypted WAL that "barman get-wal" can't read: why, with gpg and keys of its own. Barman is played, and fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.archive import (
    ArchiveError,
    UndecryptableWal,
    read_archive,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal import parse_segment
from tests.unit.plugins.module_utils._backup.test_decryption import PASSPHRASE, Keyring, temporary_keyring

NAME = "000000010000000000000003"
SIZE = 1 << 20


@pytest.fixture(scope="module")
def keyring() -> Iterator[Keyring]:
    with temporary_keyring() as made:
        yield made


class Host:
    """A server with an encrypted segment. home: of the keyring."""

    def __init__(self, root: Path, keyring: Keyring) -> None:
        self.keyring, self.home = keyring, keyring.home
        self.options = {f"{name}_wals_directory": str(root / name) for name in ("incoming", "streaming")}
        self.options["wals_directory"] = str(root / "wals")
        for name in ("wals", "incoming", "streaming"):
            (root / name).mkdir()
        plain = root / "wals" / NAME
        plain.write_bytes(b"\x16\xd1" + os.urandom(SIZE - 2))
        keyring.encrypt(plain).rename(plain)
        self.path = plain
        self.users: set[str | None] = set()

    def run(self, command: Command) -> Completed:
        self.users.add(command.user)
        if command.argv[0] == "barman":
            return Completed(command.argv, 1, "", "ERROR: gpg: decryption failed: No secret key")
        environment = {**self.keyring.environment, "HOME": self.home}
        done = subprocess.run(
            list(command.argv), env=environment, input=command.input, capture_output=True, text=True, check=False
        )
        return Completed(command.argv, done.returncode, done.stdout, done.stderr)

    def read(self) -> bytes:
        server = ServerConfiguration("pg", dict(self.options), "pg.conf")
        return read_archive(server, Barman(self.run, "root"), SIZE).read(parse_segment(NAME))


@pytest.fixture
def host(tmp_path: Path, keyring: Keyring) -> Host:
    made = Host(tmp_path, keyring)
    made.options["encryption_passphrase_command"] = f"echo '{PASSPHRASE}'"
    return made


def reason(host: Host) -> str:
    with pytest.raises(UndecryptableWal) as raised:
        host.read()
    begin = f"WAL file {NAME} of server 'pg' ({host.path}) is encrypted, and can't be decrypted on this host: "
    text = str(raised.value)
    assert text.startswith(begin)
    assert PASSPHRASE not in text
    assert host.users == {"root"}
    return text[len(begin) :]


def test_without_the_secret_key(host: Host, tmp_path: Path) -> None:
    host.home = str(tmp_path)
    text = reason(host)
    assert text.startswith("'root' has no secret key for it (")
    assert text.endswith("Import the key as 'root', with gpg --import, from where you keep it")


def test_without_a_command_for_the_passphrase(host: Host) -> None:
    del host.options["encryption_passphrase_command"]
    assert reason(host).startswith("encryption_passphrase_command is not set on this host. Set it")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (f"echo '{PASSPHRASE}'; exit 3", "encryption_passphrase_command ends with status 3. Run it as Barman's user"),
        (": nothing", "encryption_passphrase_command writes nothing. "),
        ("echo other", "gpg can't read the key of the file with the passphrase that encryption_passphrase_command"),
    ],
)
def test_a_command_that_does_not_give_the_passphrase(host: Host, command: str, expected: str) -> None:
    subprocess.run(["gpgconf", "--reload", "gpg-agent"], env=host.keyring.environment, check=False)
    host.options["encryption_passphrase_command"] = command
    assert reason(host).startswith(expected)


def test_damaged_content_is_damage(host: Host) -> None:
    """gpg decrypts the key, and refuses the content."""
    data = bytearray(host.path.read_bytes())
    data[-5000] ^= 0x10
    host.path.write_bytes(data)
    with pytest.raises(ArchiveError, match="Barman can't read WAL file") as raised:
        host.read()
    assert not isinstance(raised.value, UndecryptableWal)


@pytest.mark.parametrize("content", [b"\x28\xb5\x2f\xfd of zstd", b"\x85 no packet", b""])
def test_a_file_that_is_not_encrypted_is_damaged(host: Host, content: bytes) -> None:
    host.path.write_bytes(content)
    with pytest.raises(ArchiveError) as raised:
        host.read()
    assert not isinstance(raised.value, UndecryptableWal)


def test_a_host_without_gpg(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    run = host.run

    def without(command: Command) -> Completed:
        if command.argv[0] == "gpg":
            host.users.add(command.user)
            raise HostError("the program gpg is not installed")
        return run(command)

    monkeypatch.setattr(host, "run", without)
    assert reason(host) == "the program gpg is not installed"
