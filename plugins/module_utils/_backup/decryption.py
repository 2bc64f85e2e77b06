# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a file that Barman encrypted with GnuPG, without writing its plain content to a disk.

This module util is private to the collection. Source: doc/DETAILS of GnuPG for the status lines, barman/encryption.py for the passphrase. Barman's
user runs it, who has the key. gpg verifies the integrity of the whole content (MDC), and reports it with its exit status.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from .._barman.encryption import forget_passphrases
from .._host.process import Command, CommandTimeout, HostError, Runner
from .program_output import ProgramOutput, Silent

GPG = "gpg"
_PIECE = 1 << 20
# gpg has the key, and its passphrase is right. The first one is of GnuPG 2.2 and later, and comes before the content is read.
_HAS_KEY = (b"[GNUPG:] DECRYPTION_KEY ", b"[GNUPG:] DECRYPTION_INFO ")
# The file begins as an encrypted one: gpg read for which key. Barman always encrypts for a key.
_FOR_KEY = b"[GNUPG:] ENC_TO "
_STATUS = b"[GNUPG:] "
# Seconds in which encryption_passphrase_command ends.
_TIMEOUT = 60


class NotEncrypted(subprocess.SubprocessError):
    """The file does not begin as an encrypted one, so it is damaged."""


class NotDecrypted(Exception):
    """The file can't be decrypted here; the text has the reason. It may be intact."""


class KeyNotRead(NotDecrypted):
    """gpg can't read the key of a file."""


def key_problem(name: str) -> str:
    """Why a file can't be decrypted whose key gpg can't read. name: of the file, or what it belongs to."""
    return (
        f"it can't be decrypted: gpg can't read the key of {name}. Its secret key may be missing in the keyring of Barman's user, or "
        "encryption_passphrase_command writes another passphrase, or the beginning of the file is damaged"
    )


@dataclass
class Decryption:
    """How files are decrypted. command: the shell command that writes the passphrase (encryption_passphrase_command). home: of the keyring."""

    command: str = field(repr=False)
    runner: Runner
    home: str = field(default_factory=lambda: pwd.getpwuid(os.geteuid()).pw_dir)
    _passphrase: str | None = field(default=None, init=False, repr=False)

    def passphrase(self) -> str:
        """What the command writes. Raises NotDecrypted; its output is in no message."""
        if self._passphrase is None:
            account = pwd.getpwuid(os.geteuid()).pw_name
            try:
                # gpg would use the passphrase that its agent keeps, whatever it is given.
                forget_passphrases(account, self.runner)
            except HostError as exc:
                raise NotDecrypted(f"it can't be decrypted: {exc}") from None
            # The command itself may contain a secret, and these errors contain the command.
            try:
                completed = self.runner(Command(["sh", "-c", self.command], timeout=_TIMEOUT))
            except CommandTimeout:
                raise NotDecrypted(
                    f"it can't be decrypted: encryption_passphrase_command did not end within {_TIMEOUT} s"
                ) from None
            except HostError:
                raise NotDecrypted("it can't be decrypted: encryption_passphrase_command can't be run by sh") from None
            if not completed.ok or not completed.stdout.strip():
                ended = f"ended with status {completed.rc}" if not completed.ok else "wrote nothing"
                raise NotDecrypted(f"it can't be decrypted: encryption_passphrase_command {ended}")
            self._passphrase = completed.stdout
        return self._passphrase

    @contextmanager
    def opened(self, path: str) -> Iterator[IO[bytes]]:
        """The plain content of a file as a stream. Raises NotDecrypted, and SubprocessError or OSError if the file is damaged."""
        with open(path, "rb"):
            # gpg would report a file that can't be opened in words only.
            pass
        passphrase = self.passphrase().encode()
        argv = [
            GPG,
            "--batch",
            "--quiet",
            "--pinentry-mode=loopback",
            "--passphrase-fd=0",
            "--status-fd=2",
            "--decrypt",
            path,
        ]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": self.home, "LC_ALL": "C.UTF-8"}
        with tempfile.TemporaryFile() as status, _pipe_with(passphrase) as given:
            # run_command returns only when the program has ended; its output is read while it runs.
            # pylint: disable-next=ansible-bad-function
            process = subprocess.Popen(argv, stdin=given, stdout=subprocess.PIPE, stderr=status, env=environment)
            stream: Any = ProgramOutput(process)
            whole = silent = False
            try:
                yield stream
                while stream.read(_PIECE):
                    pass
                whole = True
            except Silent as exc:
                silent = True
                raise NotDecrypted(
                    f"it can't be decrypted: nothing came from gpg for {exc.seconds:g} s. Its keyring may be locked, or gpg-agent does not answer"
                ) from None
            finally:
                code = stream.close(kill=not whole)
                status.seek(0)
                if not silent:
                    _verify_status(path, status.read())
        if code != 0:
            raise subprocess.CalledProcessError(code, [GPG])


def _verify_status(path: str, lines: bytes) -> None:
    """Whether gpg could decrypt the file's key, by its status lines. Raises NotDecrypted if it lacks something, NotEncrypted if the file is damaged."""
    if any(one in lines for one in _HAS_KEY):
        return
    if _FOR_KEY in lines:
        raise KeyNotRead(key_problem(path)) from None
    if _STATUS not in lines:
        raise NotDecrypted(
            "it can't be decrypted: gpg ended before it read the file. Run it as Barman's user"
        ) from None
    raise NotEncrypted("it does not begin as an encrypted file") from None


@contextmanager
def _pipe_with(content: bytes) -> Iterator[int]:
    """The end of a pipe that gives these bytes. No pipe is too small for a passphrase."""
    given, giver = os.pipe()
    try:
        try:
            os.write(giver, content)
        finally:
            os.close(giver)
        yield given
    finally:
        os.close(given)
