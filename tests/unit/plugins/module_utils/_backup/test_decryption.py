# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encrypted backups, with gpg and keys of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup import program_output
from ansible_collections.pgdr.barman.plugins.module_utils._backup.decryption import Decryption, NotDecrypted
from ansible_collections.pgdr.barman.plugins.module_utils._backup.stored_files import (
    DamagedFiles,
    FileDamage,
    NotVerified,
    open_files,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import (
    Command,
    CommandTimeout,
    Completed,
    HostError,
)
from tests.unit.plugins.module_utils._backup.test_verification import FILES, Base

PASSPHRASE = "of the lab"


class Keyring:
    """A home with a key that has a passphrase."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.environment = {"PATH": os.environ["PATH"], "HOME": home}
        self.gpg(
            "--passphrase", PASSPHRASE, "--quick-generate-key", "barman@lab.example", "future-default", "default", "0"
        )

    def gpg(self, *arguments: str) -> None:
        argv = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments]
        subprocess.run(argv, env=self.environment, check=True, capture_output=True)

    def encrypt(self, path: Path) -> Path:
        """As Barman does it: the plain file is gone then."""
        self.gpg("--trust-model", "always", "--recipient", "barman@lab.example", "--encrypt", str(path))
        path.unlink()
        return path.with_name(f"{path.name}.gpg")

    def run(self, command: Command) -> Completed:
        done = subprocess.run(
            list(command.argv), env=self.environment, input=command.input, capture_output=True, text=True, check=False
        )
        return Completed(command.argv, done.returncode, done.stdout, done.stderr)

    def decryption(self, command: str = f"echo '{PASSPHRASE}'", home: str | None = None) -> Decryption:
        return Decryption(command, self.run, home or self.home)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=self.environment, check=False, capture_output=True)


@contextmanager
def temporary_keyring() -> Iterator[Keyring]:
    # It looks for its agent in the directory that it was compiled for, so an unpacked package would not do.
    assert shutil.which("gpg"), "gpg is not installed: install it (on Debian, the package gpg)"
    # A short path: the agent has a socket in it.
    with tempfile.TemporaryDirectory(prefix="gpg-", dir="/tmp") as home:
        made = Keyring(home)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def keyring() -> Iterator[Keyring]:
    with temporary_keyring() as made:
        yield made


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Path:
    """The directory of an encrypted backup."""
    return encrypted(Base(tmp_path_factory.mktemp("packed")), keyring, ".tar.gz", "gzip").root


def encrypted(made: Base, keyring: Keyring, ending: str, *program: str) -> Base:
    made.pack(ending, *program)
    for path in sorted((made.root / made.backup.backup_id / "data").glob("*.tar*")):
        keyring.encrypt(path)
    made.backup = replace(made.backup, compression="gzip" if program else None, encryption="gpg")
    return made


@pytest.fixture
def base(tmp_path: Path, packed: Path) -> Base:
    made = Base(tmp_path / "base")
    shutil.copytree(packed, made.root)
    made.backup = replace(made.backup, compression="gzip", encryption="gpg")
    return made


def tar_of(base: Base, stem: str = "base") -> Path:
    return next((base.root / base.backup.backup_id / "data").glob(f"{stem}.tar*.gpg"))


def damages(base: Base, decryption: Decryption) -> list[FileDamage]:
    files = open_files(base.backup, str(base.root / base.backup.backup_id), decryption)
    found = list(files.wrong_sums(1))
    assert {file.path for file, _damage in found} == set(FILES)
    return [damage for _file, damage in found if damage is not None]


def test_an_intact_backup_is_read_to_its_end(base: Base, keyring: Keyring) -> None:
    assert damages(base, keyring.decryption()) == []


def test_a_backup_that_is_not_compressed(tmp_path: Path, keyring: Keyring) -> None:
    made = encrypted(Base(tmp_path / "base"), keyring, ".tar")
    assert damages(made, keyring.decryption()) == []
    path = tar_of(made)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedFiles) as raised:
        damages(made, keyring.decryption())
    assert raised.value.damage.path == str(path)


@pytest.mark.parametrize(("stem", "lost"), [("base", 1), ("base", 100), ("16400", 30)])
def test_a_truncated_file_is_named(base: Base, keyring: Keyring, stem: str, lost: int) -> None:
    path = tar_of(base, stem)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(DamagedFiles) as raised:
        damages(base, keyring.decryption())
    assert raised.value.damage.path == str(path)


def test_a_flipped_bit_is_named(base: Base, keyring: Keyring) -> None:
    path = tar_of(base)
    data = bytearray(path.read_bytes())
    data[-100] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(DamagedFiles) as raised:
        damages(base, keyring.decryption())
    assert raised.value.damage.path == str(path)


def test_what_differs_from_the_manifest_is_named(base: Base, keyring: Keyring) -> None:
    tar_of(base).write_bytes(tar_of(base, "16400").read_bytes())
    texts = [one.text for one in damages(base, keyring.decryption())]
    assert any("is in the manifest and in no file of" in text for text in texts)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo wrong", "writes another passphrase"),
        ("echo 'secret words'; exit 3", "encryption_passphrase_command ended with status 3"),
        ("true", "encryption_passphrase_command wrote nothing"),
    ],
)
def test_a_wrong_passphrase_is_no_damage(base: Base, keyring: Keyring, command: str, reason: str) -> None:
    # The agent keeps this one.
    assert damages(base, keyring.decryption()) == []
    with pytest.raises(NotVerified, match=reason) as raised:
        damages(base, keyring.decryption(command))
    assert "secret words" not in str(raised.value)


def test_a_missing_key_is_no_damage(base: Base, keyring: Keyring, tmp_path: Path) -> None:
    with pytest.raises(NotVerified, match="secret key may be missing"):
        damages(base, keyring.decryption(home=str(tmp_path)))


def test_a_host_without_the_passphrase_verifies_nothing(base: Base) -> None:
    with pytest.raises(NotVerified, match="is encrypted"):
        open_files(base.backup, str(base.root / base.backup.backup_id))


def test_gpg_is_missing(base: Base, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    decryption = keyring.decryption()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotVerified, match=r"the program (gpg|gzip) is not installed"):
        open_files(base.backup, str(base.root / base.backup.backup_id), decryption)


def test_the_agent_can_not_forget(keyring: Keyring) -> None:
    def refuse(command: Command) -> Completed:
        return Completed(command.argv, 2, "", "no agent")

    with pytest.raises(NotDecrypted, match="keeps passphrases"):
        Decryption("echo x", refuse, keyring.home).passphrase()


@pytest.mark.parametrize("content", [b"", bytes(5000), b"no OpenPGP\n" * 500], ids=["empty", "zeros", "text"])
@pytest.mark.parametrize("stem", ["base", "16400"])
def test_a_file_that_does_not_begin_as_an_encrypted_one_is_damaged(
    base: Base, keyring: Keyring, stem: str, content: bytes
) -> None:
    path = tar_of(base, stem)
    path.write_bytes(content)
    with pytest.raises(DamagedFiles, match="does not begin as an encrypted file") as raised:
        damages(base, keyring.decryption())
    assert raised.value.damage.path == str(path)


@pytest.mark.parametrize("kept", [12, 60])
def test_a_file_that_lost_all_but_its_beginning_is_damaged(base: Base, keyring: Keyring, kept: int) -> None:
    path = tar_of(base)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DamagedFiles) as raised:
        damages(base, keyring.decryption())
    assert raised.value.damage.path == str(path)


def test_the_beginning_was_replaced_with_zeros(base: Base, keyring: Keyring) -> None:
    path = tar_of(base)
    path.write_bytes(bytes(512) + path.read_bytes()[512:])
    with pytest.raises(DamagedFiles) as raised:
        damages(base, keyring.decryption())
    assert raised.value.damage.path == str(path)


def test_a_file_that_is_gone_meanwhile_is_damaged(base: Base, keyring: Keyring) -> None:
    files = open_files(base.backup, str(base.root / base.backup.backup_id), keyring.decryption())
    path = tar_of(base)
    path.unlink()
    with pytest.raises(DamagedFiles, match="No such file") as raised:
        list(files.wrong_sums(1))
    assert raised.value.damage.path == str(path)


def test_a_gpg_that_does_not_start_is_no_damage(base: Base, keyring: Keyring) -> None:
    with pytest.raises(NotVerified, match="gpg ended before it read the file"):
        damages(base, keyring.decryption(home="/proc/nowhere"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CommandTimeout("'sh -c echo s3cret' did not end within 60 s"), "did not end within 60 s"),
        (HostError("'sh -c echo s3cret' could not be started"), "can't be run by sh"),
    ],
)
def test_the_passphrase_command_is_in_no_message(keyring: Keyring, error: HostError, reason: str) -> None:
    def run(command: Command) -> Completed:
        if command.argv[0] == "sh":
            raise error
        return Completed(command.argv, 0)

    decryption = Decryption("echo s3cret", run, keyring.home)
    with pytest.raises(NotDecrypted, match=f"encryption_passphrase_command {reason}") as raised:
        decryption.passphrase()
    assert "s3cret" not in f"{raised.value} {decryption}"


def silent(directory: Path, name: str) -> None:
    """A program that hangs."""
    directory.mkdir()
    (directory / name).write_text("#!/bin/sh\nexec sleep 600\n")
    (directory / name).chmod(0o755)


@pytest.mark.parametrize(
    ("program", "reason"),
    [("gpg", "nothing came from gpg for"), ("gzip", "nothing came from gpg for")],
)
def test_a_program_that_hangs_is_killed(
    base: Base, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    silent(tmp_path / "bin", program)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(program_output, "LONGEST_SILENCE", 0.2)
    with pytest.raises(NotVerified, match=reason):
        damages(base, keyring.decryption())


def test_an_unpacking_program_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Base(tmp_path / "base")
    made.pack(".tar.gz", "gzip")
    made.backup = replace(made.backup, compression="gzip")
    silent(tmp_path / "bin", "gzip")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(program_output, "LONGEST_SILENCE", 0.2)
    files = open_files(made.backup, str(made.root / made.backup.backup_id))
    with pytest.raises(NotVerified, match="gzip wrote nothing for"):
        list(files.wrong_sums(1))
