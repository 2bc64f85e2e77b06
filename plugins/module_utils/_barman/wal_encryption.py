# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archived WAL that Barman has encrypted with GnuPG: why "barman get-wal" can't decrypt a file, or whether the file is damaged.

This module util is private to the collection. "barman get-wal" fails in both cases with the same exit status. Source: RFC 4880, 4.2 for the first
byte of a file that is encrypted for a key; doc/DETAILS of GnuPG for the status lines.
"""

from __future__ import annotations

import os

from .._host.identity import open_as_owner
from .._host.process import Command, HostError
from .command import Barman
from .configuration import ServerConfiguration
from .encryption import has_secret_key, recipients

NO_COMMAND = "it is encrypted, and encryption_passphrase_command is not set on this host"
# A packet with the key of the message: old format with a length of one or two bytes, and new format.
_FIRST_BYTES = (0x84, 0x85, 0xC1)
#: The keywords of status lines that gpg writes when it has the key of the message.
_HAS_KEY = {"DECRYPTION_KEY", "DECRYPTION_INFO"}
_TIMEOUT = 60


def begins_encrypted(path: str) -> bool:
    """Whether the file begins as one that is encrypted for a key."""
    try:
        with os.fdopen(open_as_owner(path), "rb") as stream:
            return (stream.read(1) or b"\0")[0] in _FIRST_BYTES
    except OSError:
        return False


def decryption_problem(path: str, server: ServerConfiguration, barman: Barman) -> str | None:
    """Why Barman's user can't decrypt a file that "barman get-wal" can't read, with what to do.

    None if the file is not encrypted, or if gpg could decrypt its key: then its content is damaged.
    """
    if not begins_encrypted(path):
        return None
    try:
        keys = recipients(path, barman.user, barman.runner)
        if not keys:
            return None
        if not any(has_secret_key(key, barman.user, barman.runner) for key in keys):
            return (
                f"'{barman.user}' has no secret key for it ({', '.join(keys)}). Import the key as '{barman.user}', "
                "with gpg --import, from where you keep it"
            )
        return _passphrase_problem(path, server, barman)
    except HostError as exc:
        return str(exc)


def _passphrase_problem(path: str, server: ServerConfiguration, barman: Barman) -> str | None:
    command = server.get("encryption_passphrase_command")
    if not command:
        return "encryption_passphrase_command is not set on this host. Set it for this server in Barman's configuration, with barman_options"
    correct = "Run it as Barman's user, and correct it"
    try:
        written = barman.runner(Command(["sh", "-c", command], user=barman.user, timeout=_TIMEOUT))
    except HostError:
        # The command itself may contain a secret, and the error contains the command.
        return f"encryption_passphrase_command can't be run, or does not end within {_TIMEOUT} s. {correct}"
    if not written.ok or not written.stdout.strip():
        ended = f"ends with status {written.rc}" if not written.ok else "writes nothing"
        return f"encryption_passphrase_command {ended}. {correct}"
    argv = ["gpg", "--batch", "--quiet", "--yes", "--pinentry-mode=loopback", "--passphrase-fd=0", "--status-fd=1"]
    argv += ["--output", os.devnull, "--decrypt", path]
    tried = barman.runner(Command(argv, user=barman.user, input=written.stdout, timeout=_TIMEOUT))
    status = [line.split() for line in tried.stdout.splitlines()]
    if _HAS_KEY & {fields[1] for fields in status if len(fields) > 1}:
        return None
    return (
        f"gpg can't read the key of the file with the passphrase that encryption_passphrase_command writes. {correct}"
    )
